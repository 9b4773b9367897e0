// The key: the ways of sending it, where it is kept, and how another takes its place.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chownSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { generateKey, KEY_VARIABLE, keyProblem, readEnvFile, withVariable, writeKey } from '../../src/access/env-file.js';
import { createKeyCheck, validKey } from '../../src/access/keys.js';
import { key as runKey } from '../../src/cli/key.js';
import { parseCommandLine, readConfig } from '../../src/config/read.js';
import { UsageError } from '../../src/errors.js';
import { apsnap } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { ask, exchange } from '../support/http.js';
import { startServer, type TestServer } from '../support/server.js';

const GENERATED = /^[0-9a-z]{32}$/;
const OTHER = 'another0key0of0sixteen0and0more0';

const basic = (user: string, key: string) => `Basic ${Buffer.from(`${user}:${key}`).toString('base64')}`;

/** Whether the server takes a key. */
async function takes({ url }: TestServer, key: string): Promise<boolean> {
  const { status } = await ask(url, '/clients/lo', { headers: { access_token: key } });
  assert.ok(status === 200 || status === 403 || status === 503, `status ${status}`);
  return status !== 403;
}

/**
 * Puts another key in force.
 *
 * @param old the key that counts now, which must stop then
 * @param write puts a key where the server looks
 * @returns the key that counts now
 */
async function rotate(server: TestServer, old: string, write: (key: string) => void): Promise<string> {
  let last = old;
  const tookMs: number[] = [];
  // A busy machine may be too slow once, but not three times.
  while (tookMs.length < 3) {
    const key = generateKey();
    const startedMs = performance.now();
    write(key);
    await eventually(async () => assert.ok(await takes(server, key), `the new key does not count: ${server.output()}`));
    tookMs.push(performance.now() - startedMs);
    assert.equal(await takes(server, last), false, 'the old key has stopped');
    last = key;
    if (tookMs.some((ms) => ms < 1_000)) return key;
  }
  assert.fail(`a new key should count within 1000 ms: it took ${tookMs.map(Math.round).join(', ')} ms`);
}

/** As RaspAP's page writes it: the whole file, unquoted, by rename. */
function replace(file: string, text: string): void {
  writeFileSync(`${file}.tmp`, text);
  renameSync(`${file}.tmp`, file);
}

describe('sending', { concurrency: true }, () => {
  let server: TestServer;
  before(async () => {
    server = await startServer({ args: ['--access-log', 'all'] });
    await eventually(async () => assert.equal((await ask(server.url, '/readyz')).status, 200));
  });
  after(() => server?.stop());

  const ways: Readonly<Record<string, (key: string) => Record<string, string | string[]>>> = {
    access_token: (key) => ({ access_token: key }),
    'access_token/any-case': (key) => ({ Access_Token: key }),
    bearer: (key) => ({ authorization: `Bearer ${key}` }),
    'bearer/any-case': (key) => ({ authorization: `bearer  ${key}` }),
    'x-api-key': (key) => ({ 'X-API-Key': key }),
    'basic/no-user': (key) => ({ authorization: basic('', key) }),
    'basic/any-user': (key) => ({ authorization: basic('admin', key) }),
    'basic/prometheus': (key) => ({ authorization: basic('prometheus', key).replace('Basic', 'basic') }),
    'right-beside-wrong': (key) => ({ access_token: 'wrong', 'x-api-key': key }),
    'right-beside-the-proxys': (key) => ({ access_token: key, authorization: basic('proxy', 'password') }),
  };
  for (const [name, headersOf] of Object.entries(ways)) {
    test(`sending/${name}`, async () => {
      for (const path of ['/system', '/system/', '/snapshot', '/clients/lo']) {
        assert.equal((await ask(server.url, path, { headers: headersOf(server.key) })).status, 200, path);
      }
      assert.equal((await ask(server.url, '/snapshot/refresh', { method: 'POST', headers: headersOf(server.key) })).status, 200);
    });
  }

  const wrong: Readonly<Record<string, (key: string) => Record<string, string | string[]>>> = {
    nothing: () => ({}),
    empty: () => ({ access_token: '' }),
    'empty-everywhere': () => ({ access_token: '', 'x-api-key': '', authorization: '' }),
    other: () => ({ access_token: OTHER }),
    prefix: (key) => ({ access_token: key.slice(0, -1) }),
    'one-character': (key) => ({ access_token: key.slice(0, 1) }),
    'and-one-more': (key) => ({ access_token: `${key}x` }),
    twice: (key) => ({ access_token: [key, key] }),
    doubled: (key) => ({ access_token: key + key }),
    uppercase: (key) => ({ access_token: key.toUpperCase() }),
    quoted: (key) => ({ access_token: `"${key}"` }),
    'longer-than-a-key-may-be': (key) => ({ access_token: key.repeat(20) }),
    'very-long': () => ({ access_token: 'k'.repeat(10_000) }),
    'not-ascii': (key) => ({ access_token: `${key.slice(0, -1)}\u00ff` }),
    'bearer/nothing': () => ({ authorization: 'Bearer' }),
    'bearer/empty': () => ({ authorization: 'Bearer ' }),
    'bearer/prefix': (key) => ({ authorization: `Bearer ${key.slice(1)}` }),
    'no-scheme': (key) => ({ authorization: key }),
    'other-scheme': (key) => ({ authorization: `Digest ${key}` }),
    'basic/as-user': (key) => ({ authorization: basic(key, '') }),
    'basic/no-colon': (key) => ({ authorization: `Basic ${Buffer.from(key).toString('base64')}` }),
    'basic/not-encoded': (key) => ({ authorization: `Basic :${key}` }),
    'basic/prefix': (key) => ({ authorization: basic('admin', key.slice(0, -1)) }),
    cookie: (key) => ({ cookie: `access_token=${key}` }),
    'other-header': (key) => ({ 'access-token': key, 'x-access-token': key, apikey: key }),
  };
  for (const [name, headersOf] of Object.entries(wrong)) {
    test(`refusing/${name}`, async () => {
      for (const path of ['/system', '/system/', '/snapshot', '/clients/nope', '/nope']) {
        const answer = await ask(server.url, path, { headers: headersOf(server.key) });
        assert.equal(answer.status, 403, path);
        assert.equal(answer.headers['content-type'], 'application/problem+json');
        assert.equal(answer.json().detail, '403: Unauthorized');
      }
    });
  }

  test('refusing/query-string', async () => {
    for (const path of [
      `/system?access_token=${server.key}`,
      `/snapshot?access_token=${server.key}`,
      `/system?RASPAP_API_KEY=${server.key}`,
    ]) {
      assert.equal((await ask(server.url, path)).status, 403);
    }
    assert.ok(!server.output().includes(server.key), 'and it is not in the log');
  });

  test('refusing/tells-who', async () => {
    const { hostname, port } = new URL(server.url);
    for (const path of ['/system', '/snapshot', '/nope']) {
      await exchange(server.url, `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      // Who does not wait for the answer is told of too.
      const socket = connect(Number(port), hostname);
      socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
      await once(socket, 'data');
      await new Promise((resolve) => socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`, resolve));
      socket.resetAndDestroy();
    }
    await eventually(() => {
      const lines = server
        .output()
        .split('\n')
        .filter((line) => line.endsWith('403 Forbidden'));
      for (const path of ['/system', '/snapshot', '/nope']) {
        assert.ok(
          lines.some((line) => line.includes(`"GET ${path} HTTP/1.1"`)),
          path,
        );
      }
      for (const line of lines) assert.match(line, /^INFO: 127\.0\.0\.1:[1-9]\d+ - "[A-Z]+ \S+ HTTP\/1\.1" 403 Forbidden$/);
    });
  });
});

describe('compare', () => {
  test('compare/any-length', () => {
    for (const length of [1, 16, 32, 254, 255]) {
      const key = 'k'.repeat(length);
      const check = createKeyCheck([validKey('read', key)]);
      assert.equal(check({ access_token: key }).access, 'read');
      assert.equal(check({ access_token: `${key}k` }).access, undefined);
      assert.equal(check({ access_token: key.slice(1) }).access, undefined);
      assert.equal(check({ access_token: `${key}\0` }).access, undefined);
      assert.equal(check({ access_token: '' }).access, undefined);
      assert.equal(check({}).access, undefined);
    }
  });

  test('compare/passphrase-with-blanks', () => {
    const key = 'correct horse battery staple';
    assert.equal(keyProblem(key, '0.0.0.0'), undefined);
    const check = createKeyCheck([validKey('read', key)]);
    for (const headers of [{ access_token: key }, { authorization: `Bearer ${key}` }, { authorization: basic('', key) }]) {
      assert.equal(check(headers).access, 'read', JSON.stringify(headers));
    }
  });
});

describe('generated', () => {
  test('generated/where-and-how', async () => {
    const server = await startServer();
    try {
      assert.match(server.key, GENERATED);
      assert.equal(statSync(server.dotenv).mode & 0o777, 0o600);
      assert.equal(readFileSync(server.dotenv, 'utf8'), `RASPAP_API_KEY=${server.key}\n`);
      assert.deepEqual(readdirSync(join(server.dotenv, '..')), ['.env'], 'nothing temporary is left');
      assert.ok(server.output().includes(`INFO: generated a key into ${server.dotenv}\n`));
      for (const headers of [
        {},
        { access_token: server.key },
        { access_token: server.key.slice(1) },
        { authorization: basic('', server.key) },
      ]) {
        await ask(server.url, '/system', { headers });
        await ask(server.url, '/snapshot', { headers });
      }
    } finally {
      await server.stop();
    }
    assert.ok(!server.output().includes(server.key.slice(0, 16)), 'the key is in the output');
  });

  test('generated/never-the-same', () => {
    const keys = Array.from({ length: 200 }, generateKey);
    assert.equal(new Set(keys).size, 200);
    for (const key of keys) assert.match(key, GENERATED);
    assert.equal(new Set(keys.join('')).size, 36, 'every character is used');
  });
});

describe('env file', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'apsnap-key-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const cases: readonly [string, string, string][] = [
    ['empty', '', 'RASPAP_API_KEY=new\n'],
    ['only-the-key', 'RASPAP_API_KEY=old\n', 'RASPAP_API_KEY=new\n'],
    ['no-newline', 'RASPAP_API_KEY=old', 'RASPAP_API_KEY=new'],
    ['other-lines', '# mine\nA=1\nRASPAP_API_KEY=old\n\nB="x y"\n', '# mine\nA=1\nRASPAP_API_KEY=new\n\nB="x y"\n'],
    ['without-the-key', 'A=1\nB=2', 'A=1\nB=2\nRASPAP_API_KEY=new\n'],
    ['quoted', 'RASPAP_API_KEY="old"\nA=1\n', 'RASPAP_API_KEY=new\nA=1\n'],
    ['export', ' export RASPAP_API_KEY = old\n', 'RASPAP_API_KEY=new\n'],
    ['twice', 'RASPAP_API_KEY=a\nRASPAP_API_KEY=b\n', 'RASPAP_API_KEY=a\nRASPAP_API_KEY=new\n'],
    [
      'like-names',
      '#RASPAP_API_KEY=a\nRASPAP_API_KEY2=b\nMY_RASPAP_API_KEY=c\n',
      '#RASPAP_API_KEY=a\nRASPAP_API_KEY2=b\nMY_RASPAP_API_KEY=c\nRASPAP_API_KEY=new\n',
    ],
  ];
  for (const [name, old, expected] of cases) {
    test(`env-file/${name}`, () => {
      assert.equal(withVariable(old, KEY_VARIABLE, 'new'), expected);
      const file = join(folder, name);
      writeFileSync(file, old, { mode: 0o644 });
      writeKey(file, 'new');
      assert.equal(readFileSync(file, 'utf8'), expected);
      assert.equal(statSync(file).mode & 0o777, 0o600);
    });
  }

  test('env-file/what is no file', () => {
    const fifo = join(folder, 'fifo');
    execFileSync('mkfifo', [fifo]);
    for (const file of [fifo, '/dev/zero']) assert.throws(() => readEnvFile(file), /: cannot be read: it is not a regular file; /);
    assert.throws(() => writeKey(fifo, 'new'), /fifo: the key cannot be written: it is not a regular file; /);
    const large = join(folder, 'large');
    writeFileSync(large, '#'.repeat((1 << 20) + 1));
    assert.throws(() => readEnvFile(large), /large: cannot be read: it has more than 1048576 bytes; /);
  });

  test('env-file/cannot-be-written', () => {
    assert.throws(
      () => writeKey(join(folder, 'no', 'such', '.env'), 'new'),
      /no\/such\/\.env: the key cannot be written: ENOENT.*--dotenv/,
    );
    mkdirSync(join(folder, 'folder'));
    assert.throws(() => writeKey(join(folder, 'folder'), 'new'), /folder: the key cannot be written: it is not a regular file;/);
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.endsWith('.tmp')),
      [],
      'nothing temporary is left',
    );
  });
});

describe('rotation', { concurrency: true }, () => {
  test('rotation/file', async () => {
    const server = await startServer();
    const { dotenv, process, output } = server;
    try {
      let key = await rotate(server, server.key, (next) => replace(dotenv, `RASPAP_API_KEY=${next}\n`));
      key = await rotate(server, key, (next) => replace(dotenv, `A=1\nRASPAP_API_KEY="${next}"\nB=2\n`));
      key = await rotate(server, key, (next) => writeFileSync(dotenv, `RASPAP_API_KEY=${next}\n`));
      key = await rotate(server, key, (next) => writeKey(dotenv, next));
      assert.ok(output().includes(`INFO: ${dotenv}: the new key counts from now on\n`));
      assert.doesNotMatch(output(), /ERROR/);

      unlinkSync(dotenv);
      await eventually(() => assert.ok(output().includes(`ERROR: ${dotenv}: holds no RASPAP_API_KEY any more; the last one stays`)));
      assert.ok(await takes(server, key));
      replace(dotenv, 'A=1\n');
      await sleep(700);
      assert.ok(await takes(server, key));
      assert.equal(output().match(/ERROR/g)?.length, 1, 'it is said once');
      key = await rotate(server, key, (next) => replace(dotenv, `RASPAP_API_KEY=${next}\n`));

      unlinkSync(dotenv);
      mkdirSync(dotenv);
      await eventually(() => assert.match(output(), /ERROR: \S+: cannot be read: it is not a regular file/));
      assert.ok(await takes(server, key));
      assert.equal(process.exitCode, null);
      assert.doesNotMatch(output(), /[0-9a-z]{32}/, 'no key in the output');
    } finally {
      await server.stop();
    }
  });

  test('rotation/folder-and-command', async () => {
    const parent = mkdtempSync(join(tmpdir(), 'apsnap-key-'));
    const folder = join(parent, 'api');
    const dotenv = join(folder, '.env');
    mkdirSync(folder);
    writeKey(dotenv, OTHER);
    const server = await startServer({ dotenv });
    try {
      const key = await rotate(server, OTHER, (next) => {
        const made = mkdtempSync(join(parent, 'made-'));
        writeKey(join(made, '.env'), next);
        renameSync(folder, `${made}.old`);
        renameSync(made, folder);
      });
      await apsnap(['key', 'generate', '--dotenv', dotenv]);
      const { stdout } = await apsnap(['key', 'show', '--dotenv', dotenv]);
      await eventually(async () => assert.ok(await takes(server, stdout.trim())));
      assert.equal(await takes(server, key), false);
    } finally {
      await server.stop();
      rmSync(parent, { recursive: true, force: true });
    }
  });

  test('rotation/to-a-weak-key', async () => {
    const server = await startServer({ args: ['--host', '0.0.0.0'] });
    try {
      replace(server.dotenv, 'RASPAP_API_KEY=insecure\n');
      await eventually(() => assert.match(server.output(), /ERROR: \S+: the new key is not taken: RASPAP_API_KEY is "insecure"/));
      assert.equal(await takes(server, 'insecure'), false);
      assert.ok(await takes(server, server.key), 'the last key stays');
      await rotate(server, server.key, (next) => replace(server.dotenv, `RASPAP_API_KEY=${next}\n`));
    } finally {
      await server.stop();
    }
  });
});

describe('environment', () => {
  test('environment/beats-the-file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'apsnap-key-'));
    const dotenv = join(folder, '.env');
    writeKey(dotenv, OTHER);
    // Weak, which does no harm on the loopback address.
    const server = await startServer({ dotenv, env: { RASPAP_API_KEY: 'x' } });
    try {
      assert.ok(await takes(server, 'x'));
      assert.equal(await takes(server, OTHER), false);
      assert.equal(readFileSync(dotenv, 'utf8'), `RASPAP_API_KEY=${OTHER}\n`);
    } finally {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('environment/no-file-is-written', async () => {
    const server = await startServer({ env: { RASPAP_API_KEY: 'insecure' } });
    try {
      assert.ok(await takes(server, 'insecure'));
      assert.throws(() => readFileSync(server.dotenv), { code: 'ENOENT' });
    } finally {
      await server.stop();
    }
  });
});

describe('weak', { concurrency: true }, () => {
  const refusals: readonly [string, string, RegExp][] = [
    ['insecure', '0.0.0.0', /RASPAP_API_KEY is "insecure"/],
    ['insecure', '::', /RASPAP_API_KEY is "insecure"/],
    ['fifteen00000000', '0.0.0.0', /RASPAP_API_KEY has 15 characters, at least 16 are expected/],
    ['schl\u00fcssel-mit-sechzehn-zeichen', '127.0.0.1', /characters that a header cannot carry/],
  ];
  for (const [key, host, reason] of refusals) {
    test(`weak/refused ${key.slice(0, 7)} on ${host}`, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'apsnap-key-'));
      const dotenv = join(folder, '.env');
      writeFileSync(dotenv, `RASPAP_API_KEY=${key}\n`);
      const inFile = apsnap(['--host', host, '--port', '0', '--dotenv', dotenv]);
      const given = apsnap(['--host', host, '--port', '0', '--dotenv', '/nowhere'], { env: { RASPAP_API_KEY: key } });
      for (const { status, stdout, stderr } of await Promise.all([inFile, given])) {
        assert.deepEqual([status, stdout], [2, ''], stderr);
        assert.match(stderr, reason);
        assert.match(stderr, /^apsnap: [^\n]*refusing to listen on [^\n]*\n$/);
        if (key !== 'insecure') assert.ok(!stderr.includes(key));
      }
      rmSync(folder, { recursive: true, force: true });
    });
  }

  test('weak/by-address', () => {
    for (const host of ['127.0.0.1', '127.1.2.3', '::1', '0:0:0:0:0:0:0:1', 'localhost']) {
      for (const key of ['x', 'insecure']) assert.equal(keyProblem(key, host), undefined, host);
    }
    for (const host of ['0.0.0.0', '::', '::ffff:10.0.0.1', '10.3.141.1', '', 'localhost.example', '127.0.0.1.example']) {
      for (const key of ['x', 'insecure', 'fifteen00000000']) assert.ok(keyProblem(key, host), host);
      assert.equal(keyProblem(OTHER, host), undefined, host);
    }
    for (const key of ['k'.repeat(256), '', ' k', 'k ', 'a\nb', 'a\tb']) assert.ok(keyProblem(key, '127.0.0.1'), JSON.stringify(key));
  });
});

describe('command', { concurrency: true }, () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'apsnap-key-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const config = readConfig(parseCommandLine([]), {});

  function key(name: string, words: readonly string[], input?: string) {
    return apsnap(['key', ...words, '--dotenv', join(folder, name)], input === undefined ? {} : { input });
  }

  test('command/a new file of root gets the owner of its folder', async () => {
    const owned = join(folder, 'owned');
    mkdirSync(owned);
    const isRoot = process.getuid?.() === 0;
    if (isRoot) chownSync(owned, 1234, 4321);
    assert.equal((await key('owned/.env', ['ensure'])).status, 0);
    const { uid, gid, mode } = statSync(join(owned, '.env'));
    assert.deepEqual([uid, gid, mode & 0o777], isRoot ? [1234, 4321, 0o600] : [process.getuid?.(), process.getgid?.(), 0o600]);
  });

  test('command/root follows no link of another user', async () => {
    const owned = join(folder, 'linked');
    mkdirSync(owned);
    writeFileSync(join(folder, 'roots.env'), 'SECRET=of root\n', { mode: 0o640 });
    symlinkSync('../roots.env', join(owned, '.env'));
    if (process.getuid?.() === 0) {
      lchownSync(join(owned, '.env'), 1234, 4321);
      for (const words of [['ensure'], ['generate'], ['copy', join(folder, 'copied')]]) {
        const { status, stderr } = await key('linked/.env', words);
        assert.equal(status, 1, words[0]);
        assert.match(stderr, /^apsnap: \S+linked\/\.env: .*it is a link that belongs to user 1234, which root does not follow/, words[0]);
      }
      assert.equal(readFileSync(join(folder, 'roots.env'), 'utf8'), 'SECRET=of root\n');
      assert.ok(!existsSync(join(folder, 'copied')));
      lchownSync(join(owned, '.env'), 0, 0);
    }
    assert.equal((await key('linked/.env', ['ensure'])).status, 0);
    assert.match(readFileSync(join(folder, 'roots.env'), 'utf8'), /^SECRET=of root\nRASPAP_API_KEY=\w+\n$/);
    assert.ok(lstatSync(join(owned, '.env')).isSymbolicLink());
  });

  test('command/show', async () => {
    const none = await key('show', ['show']);
    assert.equal(none.status, 1);
    assert.match(none.stderr, /^apsnap: \S+: holds no RASPAP_API_KEY: make one with apsnap key generate\n$/);
    writeFileSync(join(folder, 'show'), `A=1\nRASPAP_API_KEY="${OTHER}"\n`);
    assert.deepEqual(await key('show', ['show']), { status: 0, stdout: `${OTHER}\n`, stderr: '' });
  });

  test('command/generate', async () => {
    const { status, stdout, stderr } = await key('generate', ['generate']);
    assert.deepEqual([status, stdout, stderr], [0, `a new key is in ${join(folder, 'generate')}\n`, '']);
    const first = (await key('generate', ['show'])).stdout;
    assert.match(first.trim(), GENERATED);
    await key('generate', ['generate']);
    assert.notEqual((await key('generate', ['show'])).stdout, first);
    assert.equal(statSync(join(folder, 'generate')).mode & 0o777, 0o600);
  });

  test('command/set', async () => {
    writeFileSync(join(folder, 'set'), 'A=1\n');
    assert.deepEqual(await key('set', ['set', OTHER]), { status: 0, stdout: `the key is in ${join(folder, 'set')}\n`, stderr: '' });
    assert.equal(readFileSync(join(folder, 'set'), 'utf8'), `A=1\nRASPAP_API_KEY=${OTHER}\n`);
  });

  test('command/set-from-standard-input', async () => {
    const { status } = await key('stdin', ['set', '-'], `${OTHER}\n`);
    assert.equal(status, 0);
    assert.equal((await key('stdin', ['show'])).stdout, `${OTHER}\n`);
  });

  test('command/set-what-is-no-key', async () => {
    for (const [value, reason] of [
      ['short', /has 5 characters/],
      ['insecure', /everybody knows/],
      ['sixteen characters and a blank', /blank/],
      ['"quoted0sixteen0characters"', /quote/],
      ['sixteen#characters#and', /#/],
      ['', /cannot carry|characters/],
      ['k'.repeat(300), /more than 255/],
      ['two0lines0of0sixteen\nA=1', /cannot carry/],
    ] as const) {
      const set = (host: string) => runKey({ ...config, host, dotenv: join(folder, 'nothing') }, ['set', value]);
      assert.throws(
        () => set('0.0.0.0'),
        (error) => error instanceof UsageError && /^key set: [^\n]+$/.test(error.message) && reason.test(error.message),
        value,
      );
    }
    assert.throws(() => readFileSync(join(folder, 'nothing')), { code: 'ENOENT' });
    // It would be good enough there.
    assert.equal((await apsnap(['key', 'set', 'short', '--host', '127.0.0.1', '--dotenv', join(folder, 'loopback')])).status, 0);
  });

  test('command/wrong-words', async () => {
    for (const words of [[], ['nope'], ['set'], ['show', 'more'], ['generate', 'more'], ['set', OTHER, 'more']]) {
      assert.throws(
        () => runKey({ ...config, dotenv: join(folder, 'words') }, words),
        (error) => error instanceof UsageError && /^key [^\n]+$/.test(error.message) && !error.message.includes(OTHER),
        words.join(' '),
      );
    }
    const { status, stdout, stderr } = await key('words', ['nope']);
    assert.deepEqual([status, stdout], [2, '']);
    assert.match(stderr, /^apsnap: key nope: expected key show, key generate, key set, key hash, key rotate, key ensure or key copy\n$/);
  });
});
