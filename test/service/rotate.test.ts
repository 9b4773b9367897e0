// `apsnap key rotate` and `key hash`: what is written, what is printed, and which keys a running service takes then.
import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { hashKey } from '../../src/access/env-file.js';
import { accessRows } from '../../src/cli/doctor/access.js';
import { key } from '../../src/cli/key.js';
import { parseCommandLine, readConfig } from '../../src/config/read.js';
import { apsnap } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { ask } from '../support/http.js';
import { startServer, type TestServer } from '../support/server.js';

const KEY = 'a-key-that-somebody-has-chosen-0';
const SECRETS = 'another-that-sees-secrets-012345';
const GENERATED = /^[0-9a-z]{32}\n$/;
const OLD = /^RASPAP_API_KEY_OLD=[\da-f]{32}@(sha256:[\da-f]{64})@(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)$/m;

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'apsnap-rotate-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
/** An env file in a folder of its own. */
function envFile(text: string): string {
  const own = join(folder, String(files++));
  mkdirSync(own);
  writeFileSync(join(own, '.env'), text, { mode: 0o600 });
  return join(own, '.env');
}

const runKey = (dotenv: string, words: string, input = '') => apsnap(['key', ...words.split(' '), '--dotenv', dotenv], { input });

/** Rotates, which must work. @returns the new key */
async function rotate(dotenv: string, more = ''): Promise<string> {
  const { status, stdout, stderr } = await runKey(dotenv, `rotate${more}`);
  assert.equal(status, 0, stderr);
  assert.match(stdout, GENERATED);
  assert.ok(!stderr.includes(stdout.trim()), 'the key is printed in one place');
  return stdout.trim();
}

async function takes({ url }: TestServer, key: string): Promise<boolean> {
  return (await ask(url, '/clients/lo', { headers: { access_token: key } })).status !== 403;
}

describe('rotate', { concurrency: true }, () => {
  test('rotate/what is written', async () => {
    const dotenv = envFile(`# mine\nAPSNAP_PORT=8082\n\nRASPAP_API_KEY="${KEY}"\nB='x y' # why\n`);
    chmodSync(dotenv, 0o640);
    if (process.getuid?.() === 0) chownSync(dotenv, 1234, 4321);
    const owner = ({ uid, gid, mode }: { uid: number; gid: number; mode: number }) => [uid, gid, mode & 0o7777];
    const before = owner(statSync(dotenv));
    const startedMs = Date.now();
    const { status, stdout, stderr } = await runKey(dotenv, 'rotate --grace 1h');
    assert.deepEqual([status, GENERATED.test(stdout)], [0, true]);
    assert.match(stderr, /^a new RASPAP_API_KEY is in \S+; the one before counts until \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n$/);
    const text = readFileSync(dotenv, 'utf8');
    const [line = '', digest, until = ''] = OLD.exec(text) ?? [];
    assert.equal(text, `# mine\nAPSNAP_PORT=8082\n\nRASPAP_API_KEY=${stdout.trim()}\nB='x y' # why\n${line}\n`);
    assert.equal(digest, hashKey(KEY));
    assert.ok(Math.abs(Date.parse(until) - startedMs - 3_600_000) < 60_000, until);
    assert.deepEqual(owner(statSync(dotenv)), before);
    assert.deepEqual(readdirSync(join(dotenv, '..')), ['.env'], 'nothing temporary is left');
  });

  test('rotate/without a grace', async () => {
    const dotenv = envFile(`RASPAP_API_KEY=${KEY}\n`);
    const next = await rotate(dotenv);
    assert.equal(readFileSync(dotenv, 'utf8'), `RASPAP_API_KEY=${next}\n`);
  });

  test('rotate/again: what was promised holds, and those that are over are removed', async () => {
    const dotenv = envFile(`RASPAP_API_KEY=${KEY}\n`);
    const second = await rotate(dotenv, ' --grace 1s');
    const untilMs = Date.parse(OLD.exec(readFileSync(dotenv, 'utf8'))?.[2] ?? '');
    const third = await rotate(dotenv, ' --grace 1h');
    await eventually(() => assert.ok(Date.now() > untilMs));
    await rotate(dotenv, ' --grace 2d');
    const text = readFileSync(dotenv, 'utf8');
    assert.ok(text.includes(hashKey(third)) && text.includes(hashKey(second)), text);
    assert.ok(!text.includes(hashKey(KEY)), text);
  });

  test('rotate/the other key, a digest, a link', async () => {
    const target = envFile(`RASPAP_API_KEY=${KEY}\nAPSNAP_SECRETS_KEY=${hashKey(SECRETS)}\n`);
    const dotenv = `${target}.link`;
    symlinkSync(target, dotenv);
    const key = await rotate(dotenv, ' --grace 30m --secrets');
    const text = readFileSync(target, 'utf8');
    assert.ok(text.startsWith(`RASPAP_API_KEY=${KEY}\nAPSNAP_SECRETS_KEY=${hashKey(key)}\nAPSNAP_SECRETS_KEY_OLD=`), text);
    assert.ok(text.includes(`@${hashKey(SECRETS)}@`), text);
    assert.ok(lstatSync(dotenv).isSymbolicLink());
  });

  test('rotate/other commands end what was promised', async () => {
    for (const words of ['generate', `set ${KEY}-2`]) {
      const dotenv = envFile(`RASPAP_API_KEY=${KEY}\n`);
      await rotate(dotenv, ' --grace 1h');
      assert.equal((await runKey(dotenv, words)).status, 0);
      assert.doesNotMatch(readFileSync(dotenv, 'utf8'), /_OLD/);
    }
  });

  test('rotate/what is wrong', async () => {
    const dotenv = envFile('A=1\n');
    const none = await runKey(dotenv, 'rotate --secrets');
    assert.equal(none.status, 1);
    assert.match(none.stderr, /holds no APSNAP_SECRETS_KEY: make one with apsnap key generate --secrets\n$/);
    for (const grace of ['1', '1h30m', '31d', '-1h', 'soon', '1.5h', '']) {
      const config = readConfig(parseCommandLine(['--dotenv', dotenv]), {});
      assert.throws(() => key(config, ['rotate'], { secrets: false, grace }), {
        name: 'UsageError',
        message: `--grace: ${JSON.stringify(grace)} is not valid: expected 90s, 30m, 1h or 7d, 30d at most`,
      });
    }
    assert.match((await runKey(dotenv, 'show --grace 1h')).stderr, /^apsnap: key show: --grace is for key rotate only\n$/);
    for (const flag of ['--grace=1h', '--secrets']) {
      const { status, stderr } = await apsnap(['doctor', flag]);
      assert.deepEqual([status, stderr], [2, `apsnap: ${flag.split('=')[0]}: is for apsnap key only\n`]);
    }
    assert.equal(readFileSync(dotenv, 'utf8'), 'A=1\n');
  });

  test('rotate/a key that the other is', async () => {
    const dotenv = envFile(`RASPAP_API_KEY=${KEY}\n`);
    for (const value of [KEY, hashKey(KEY)]) {
      const { status, stderr } = await runKey(dotenv, 'set - --secrets', value);
      assert.deepEqual([status, stderr], [2, 'apsnap: APSNAP_SECRETS_KEY: RASPAP_API_KEY is the same key: expected another\n']);
    }
    assert.equal((await runKey(dotenv, 'generate --secrets')).status, 0);
    assert.match(readFileSync(dotenv, 'utf8'), /^RASPAP_API_KEY=\S+\nAPSNAP_SECRETS_KEY=[0-9a-z]{32}\n$/);
  });
});

describe('hash', { concurrency: true }, () => {
  test('hash/of what', async () => {
    const dotenv = envFile(`RASPAP_API_KEY=${KEY}\nAPSNAP_SECRETS_KEY=${hashKey(SECRETS)}\n`);
    assert.deepEqual(await runKey(dotenv, 'hash'), { status: 0, stdout: `${hashKey(KEY)}\n`, stderr: '' });
    assert.equal((await runKey(dotenv, 'hash --secrets')).stdout, `${hashKey(SECRETS)}\n`);
    assert.equal((await runKey(dotenv, `hash ${KEY}`)).stdout, `${hashKey(KEY)}\n`);
    assert.equal((await runKey(dotenv, 'hash -', `${KEY}\n`)).stdout, `${hashKey(KEY)}\n`);
    const { status, stderr } = await runKey(dotenv, 'hash short');
    assert.deepEqual([status, stderr], [2, 'apsnap: key hash: RASPAP_API_KEY has 5 characters, at least 16 are expected\n']);
  });

  test('hash/nobody can show the key of it', async () => {
    const dotenv = envFile(`RASPAP_API_KEY=${hashKey(KEY)}\n`);
    const { status, stdout, stderr } = await runKey(dotenv, 'show');
    assert.deepEqual([status, stdout], [1, '']);
    assert.match(stderr, /holds the digest of RASPAP_API_KEY only, from which nobody gets the key: apsnap key rotate makes another\n$/);
  });

  test('hash/set', async () => {
    const dotenv = envFile('');
    assert.equal((await runKey(dotenv, `set ${hashKey(KEY)}`)).status, 0);
    assert.equal(readFileSync(dotenv, 'utf8'), `RASPAP_API_KEY=${hashKey(KEY)}\n`);
    const { status, stderr } = await runKey(dotenv, 'set sha256:abc');
    assert.deepEqual(
      [status, stderr],
      [2, 'apsnap: key set: RASPAP_API_KEY is not valid: after sha256: 64 hexadecimal digits are expected\n'],
    );
  });
});

describe('rotate while the service runs', { concurrency: true }, () => {
  test('rotate while the service runs/both count, and after a new start', async () => {
    const dotenv = envFile(`RASPAP_API_KEY=${KEY}\nAPSNAP_SECRETS_KEY=${SECRETS}\n`);
    const server = await startServer({ dotenv });
    let next: string;
    try {
      next = await rotate(dotenv, ' --grace 1h');
      await eventually(async () => assert.ok(await takes(server, next)));
      assert.ok(await takes(server, KEY), 'the one before still counts');
      assert.equal(await takes(server, hashKey(KEY)), false);
      const secrets = await rotate(dotenv, ' --secrets');
      await eventually(async () => assert.ok(await takes(server, secrets)));
      assert.equal(await takes(server, SECRETS), false, 'without a grace it stops');
      assert.match(server.output(), /an older key counts until 20/);
      for (const one of [next, KEY, secrets, SECRETS]) assert.ok(!server.output().includes(one));
    } finally {
      await server.stop();
    }
    const again = await startServer({ dotenv });
    try {
      assert.deepEqual([await takes(again, next), await takes(again, KEY)], [true, true]);
    } finally {
      await again.stop();
    }
  });

  test('rotate while the service runs/a stream of events ends with its key', async () => {
    const dotenv = envFile(`RASPAP_API_KEY=${KEY}\n`);
    const server = await startServer({ dotenv });
    const listen = (own: string) =>
      new Promise<{ isOpen(): boolean; close(): void }>((resolve, reject) => {
        const asking = request(`${server.url}/events`, { headers: { access_token: own } }, (response) => {
          let open = true;
          response.resume().on('close', () => {
            open = false;
          });
          resolve({ isOpen: () => open, close: () => asking.destroy() });
        });
        asking.on('error', reject).end();
      });
    try {
      const first = await listen(KEY);
      const next = await rotate(dotenv, ' --grace 1h');
      await eventually(async () => assert.ok(await takes(server, next)));
      const second = await listen(next);
      assert.deepEqual([first.isOpen(), second.isOpen()], [true, true], 'both keys count');
      writeFileSync(dotenv, `RASPAP_API_KEY=${next}\n`);
      await eventually(() => assert.equal(first.isOpen(), false));
      assert.ok(second.isOpen());
      second.close();
    } finally {
      await server.stop();
    }
  });

  test('rotate while the service runs/RaspAP’s page puts a key of its own there', async () => {
    const dotenv = envFile(`RASPAP_API_KEY=${KEY}\n`);
    const server = await startServer({ dotenv });
    try {
      const key = await rotate(dotenv, ' --grace 1h');
      await eventually(async () => assert.ok(await takes(server, key)));
      // It knows nothing of the other lines; whoever replaces a key wants those before it to stop.
      const page = 'a1b2c3d4e5f6a1b2c3d4e5f6a1b2c3d4';
      writeFileSync(`${dotenv}.tmp`, readFileSync(dotenv, 'utf8').replace(key, page));
      renameSync(`${dotenv}.tmp`, dotenv);
      await eventually(async () => assert.ok(await takes(server, page)));
      assert.deepEqual([await takes(server, key), await takes(server, KEY)], [false, false]);
      const last = await rotate(dotenv, ' --grace 1h');
      await eventually(async () => assert.ok(await takes(server, last)));
      assert.deepEqual([await takes(server, page), await takes(server, KEY)], [true, false]);
    } finally {
      await server.stop();
    }
  });

  test('rotate while the service runs/a line of old keys that is broken', async () => {
    const dotenv = envFile(`RASPAP_API_KEY=${KEY}\nRASPAP_API_KEY_OLD=${hashKey(SECRETS)}\n`);
    const server = await startServer({ dotenv });
    try {
      assert.deepEqual([await takes(server, KEY), await takes(server, SECRETS)], [true, false]);
      assert.match(server.output(), /WARNING: \S+: RASPAP_API_KEY_OLD is not as apsnap key rotate writes it/);
    } finally {
      await server.stop();
    }
  });
});

describe('doctor', () => {
  /** What it says of who gets in, a line for each row. */
  function rows(dotenv: string, ...args: string[]): string {
    const said = accessRows(readConfig(parseCommandLine(['--dotenv', dotenv, ...args]), {}), {})
      .map(({ name, state, source, why, advice }) => [name, state, source, why, advice].join(' | '))
      .join('\n');
    for (const one of [KEY, SECRETS, hashKey(KEY)]) assert.ok(!said.includes(one), said);
    return said;
  }

  const cases: readonly [name: string, text: string, args: string[], expected: RegExp[]][] = [
    [
      'one key',
      `RASPAP_API_KEY=${KEY}\n`,
      [],
      [/^key \| ok \| \S+ \| {2}\| $/m, /^secrets \| absent \| .*nobody sees/m, /^access \| ok \| 0\.0\.0\.0 \| {2}\| $/m],
    ],
    [
      'two keys',
      `RASPAP_API_KEY=${hashKey(KEY)}\nAPSNAP_SECRETS_KEY=${SECRETS}\n`,
      [],
      [/^key \| ok /m, /^secrets \| ok /m, /^access \| ok .*secrets are sent over plain HTTP on 0\.0\.0\.0.* \| serve HTTPS/m],
    ],
    [
      'nobody else there',
      `RASPAP_API_KEY=${KEY}\nAPSNAP_SECRETS_KEY=${SECRETS}\n`,
      ['--host', '127.0.0.1'],
      [/^access \| ok \| 127\.0\.0\.1 \| {2}\| $/m],
    ],
    [
      'one key twice',
      `RASPAP_API_KEY=${hashKey(KEY)}\nAPSNAP_SECRETS_KEY=${KEY}\n`,
      [],
      [/^secrets \| failing .*RASPAP_API_KEY has or had/m],
    ],
    ['a weak key', 'RASPAP_API_KEY=aaaaaaaabbbbbbbbaaaa\n', [], [/^key \| ok .*can be guessed.* \| apsnap key generate$/m]],
    ['everybody', `RASPAP_API_KEY=${KEY}\n`, ['--expose-secrets'], [/^secrets \| absent .*--expose-secrets/m, /plain HTTP/]],
    [
      'a proxy',
      `RASPAP_API_KEY=${KEY}\n`,
      ['--trust-proxy', '10.0.0.1'],
      [/^access \| ok \| 0\.0\.0\.0, believes 10\.0\.0\.1 \| {2}\| $/m],
    ],
    ['anybody', `RASPAP_API_KEY=${KEY}\n`, ['--trust-proxy', '0.0.0.0/0'], [/--trust-proxy 0\.0\.0\.0\/0 lets anybody say/]],
    [
      'guessing',
      `RASPAP_API_KEY=${KEY}\n`,
      ['--failed-keys', 'off', '--allowed-host=a.b'],
      [/answers to a\.b \| any number of wrong keys/],
    ],
  ];
  for (const [name, text, args, expected] of cases) {
    test(`doctor/${name}`, () => {
      const said = rows(envFile(text), ...args);
      for (const part of expected) assert.match(said, part);
    });
  }

  test('doctor/a key before this one', async () => {
    const dotenv = envFile(`RASPAP_API_KEY=${KEY}\n`);
    await rotate(dotenv, ' --grace 1h');
    assert.match(rows(dotenv), /^key \| ok .*a key before it counts until 20/m);
  });
});
