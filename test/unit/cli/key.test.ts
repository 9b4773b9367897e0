import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { hashKey } from '../../../src/access/key-format.js';
import { key } from '../../../src/cli/key.js';
import { parseCommandLine } from '../../../src/config/command-line.js';
import { readConfig } from '../../../src/config/read.js';
import { StartError, UsageError } from '../../../src/errors.js';

const KEY = 'a-key-that-somebody-has-chosen-0';
const SECRETS = 'another-that-reads-secrets-01234';
const GENERATED = /^[0-9a-z]{32}$/;
const config = readConfig(parseCommandLine(['--dotenv', '/nowhere/.env']), {});

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'apsnap-key-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
/** Returns the path of an env file in its own folder. */
function envFile(text?: string): string {
  const own = join(folder, String(files++));
  mkdirSync(own);
  if (text !== undefined) writeFileSync(join(own, '.env'), text, { mode: 0o600 });
  return join(own, '.env');
}

/** Runs a key command. Returns its lines. */
function run(dotenv: string, words: string, host = '0.0.0.0') {
  const printed: string[] = [];
  const noted: string[] = [];
  const list = words.split(' ').filter((word) => word !== '--secrets');
  key({ ...config, dotenv, host }, list, words.includes('--secrets'), {
    print: (line) => printed.push(line),
    note: (line) => noted.push(line),
  });
  return { printed: printed.join('\n'), noted: noted.join('\n') };
}

describe('key rotate', () => {
  test('prints a new key, and changes nothing else in the file', () => {
    const dotenv = envFile(`# mine\nAPSNAP_PORT=8082\n\nRASPAP_API_KEY="${KEY}"\nB='x y' # why\n`);
    chmodSync(dotenv, 0o640);
    if (process.getuid?.() === 0) chownSync(dotenv, 1234, 4321);
    const ownerOf = ({ uid, gid, mode }: { uid: number; gid: number; mode: number }) => [uid, gid, mode & 0o7777];
    const before = ownerOf(statSync(dotenv));
    const { printed, noted } = run(dotenv, 'rotate');
    assert.match(printed, GENERATED);
    assert.match(noted, /^a new RASPAP_API_KEY is in \S+; a running service stops taking the old one within one second$/);
    assert.equal(readFileSync(dotenv, 'utf8'), `# mine\nAPSNAP_PORT=8082\n\nRASPAP_API_KEY=${printed}\nB='x y' # why\n`);
    assert.deepEqual(ownerOf(statSync(dotenv)), before);
    assert.deepEqual(readdirSync(join(dotenv, '..')), ['.env'], 'no temporary file is left');
  });

  test('writes the digest where there was one, and keeps a link', () => {
    const target = envFile(`RASPAP_API_KEY=${KEY}\nAPSNAP_SECRETS_KEY=${hashKey(SECRETS)}\n`);
    symlinkSync(target, `${target}.link`);
    const { printed } = run(`${target}.link`, 'rotate --secrets');
    assert.equal(readFileSync(target, 'utf8'), `RASPAP_API_KEY=${KEY}\nAPSNAP_SECRETS_KEY=${hashKey(printed)}\n`);
    assert.ok(lstatSync(`${target}.link`).isSymbolicLink());
  });

  test('needs a key to replace', () => {
    const dotenv = envFile('A=1\n');
    assert.throws(() => run(dotenv, 'rotate --secrets'), /holds no APSNAP_SECRETS_KEY: make one with apsnap key generate --secrets$/);
    assert.equal(readFileSync(dotenv, 'utf8'), 'A=1\n');
  });
});

describe('key show', () => {
  test('prints the key', () => {
    assert.equal(run(envFile(`A=1\nRASPAP_API_KEY="${KEY}"\n`), 'show').printed, KEY);
    assert.equal(run(envFile(`RASPAP_API_KEY=${KEY}\nAPSNAP_SECRETS_KEY=${SECRETS}\n`), 'show --secrets').printed, SECRETS);
  });

  test('says what to do without a key, or with only its digest', () => {
    assert.throws(() => run(envFile(), 'show'), /: holds no RASPAP_API_KEY: make one with apsnap key generate$/);
    assert.throws(
      () => run(envFile(`RASPAP_API_KEY=${hashKey(KEY)}\n`), 'show'),
      (error) =>
        error instanceof StartError &&
        /holds only the digest of RASPAP_API_KEY, not the key: apsnap key rotate makes a new one$/.test(error.message),
    );
  });
});

test('key generate replaces the key without printing it', () => {
  const dotenv = envFile();
  assert.equal(run(dotenv, 'generate').printed, `a new key is in ${dotenv}`);
  const first = run(dotenv, 'show').printed;
  assert.match(first, GENERATED);
  run(dotenv, 'generate');
  assert.notEqual(run(dotenv, 'show').printed, first);
  assert.equal(statSync(dotenv).mode & 0o777, 0o600);
});

test('key ensure generates a key only once', () => {
  const dotenv = envFile();
  assert.equal(run(dotenv, 'ensure').printed, `a new key is in ${dotenv}`);
  const text = readFileSync(dotenv, 'utf8');
  assert.equal(run(dotenv, 'ensure').printed, '');
  assert.equal(readFileSync(dotenv, 'utf8'), text);
});

test('key copy generates a key if needed, and copies the env file', () => {
  const dotenv = envFile();
  const copy = join(folder, 'copy');
  run(dotenv, `copy ${copy}`);
  assert.match(readFileSync(copy, 'utf8'), /^RASPAP_API_KEY=[0-9a-z]{32}\n$/);
  assert.equal(readFileSync(copy, 'utf8'), readFileSync(dotenv, 'utf8'));
});

test('key hash prints the digest of the stored key or of another', () => {
  const dotenv = envFile(`RASPAP_API_KEY=${KEY}\nAPSNAP_SECRETS_KEY=${hashKey(SECRETS)}\n`);
  assert.equal(run(dotenv, 'hash').printed, hashKey(KEY));
  assert.equal(run(dotenv, 'hash --secrets').printed, hashKey(SECRETS));
  assert.equal(run(dotenv, `hash ${SECRETS}`).printed, hashKey(SECRETS));
  assert.throws(() => run(dotenv, 'hash short'), { message: 'key hash: RASPAP_API_KEY has 5 characters: expected at least 16' });
});

describe('key set', () => {
  test('stores a key or a digest', () => {
    for (const value of [KEY, hashKey(KEY)]) {
      const dotenv = envFile('A=1\n');
      assert.equal(run(dotenv, `set ${value}`).printed, `the key is in ${dotenv}`);
      assert.equal(readFileSync(dotenv, 'utf8'), `A=1\nRASPAP_API_KEY=${value}\n`);
    }
  });

  test('rejects the same key as the other one', () => {
    const dotenv = envFile(`RASPAP_API_KEY=${KEY}\n`);
    for (const value of [KEY, hashKey(KEY)]) {
      const message = 'APSNAP_SECRETS_KEY: the same key as RASPAP_API_KEY: expected another';
      assert.throws(() => run(dotenv, `set --secrets ${value}`), { message });
    }
    run(dotenv, 'generate --secrets');
    assert.match(readFileSync(dotenv, 'utf8'), /^RASPAP_API_KEY=\S+\nAPSNAP_SECRETS_KEY=[0-9a-z]{32}\n$/);
  });

  const wrong: readonly [value: string, reason: RegExp][] = [
    ['short', /has 5 characters/],
    ['insecure', /everybody knows/],
    ['sixteen characters and a blank', /blank/],
    ['"quoted0sixteen0characters"', /quote/],
    ['sixteen#characters#and', /#/],
    ['', /can't carry/],
    ['k'.repeat(300), /more than 255/],
    ['two0lines0of0sixteen\nA=1', /can't carry/],
    ['sha256:abc', /RASPAP_API_KEY is not valid: expected 64 hexadecimal digits after sha256:$/],
  ];
  for (const [value, reason] of wrong) {
    test(`rejects ${JSON.stringify(value.slice(0, 30))} and writes nothing`, () => {
      const dotenv = envFile();
      assert.throws(
        () => key({ ...config, host: '0.0.0.0', dotenv }, ['set', value]),
        (error) => error instanceof UsageError && /^key set: [^\n]+$/.test(error.message) && reason.test(error.message),
      );
      assert.throws(() => readFileSync(dotenv), { code: 'ENOENT' });
    });
  }

  test('takes a short key for loopback', () => {
    const dotenv = envFile();
    run(dotenv, 'set short', '127.0.0.1');
    assert.equal(readFileSync(dotenv, 'utf8'), 'RASPAP_API_KEY=short\n');
  });
});

test('wrong words are named, but never the key', () => {
  for (const words of ['', 'nope', 'set', 'copy', 'show more', 'generate more', `set ${KEY} more`]) {
    assert.throws(
      () => run(envFile(), words),
      (error) => error instanceof UsageError && /^key [^\n]+$/.test(error.message) && !error.message.includes(KEY),
      words,
    );
  }
  const message = 'key nope: unknown command: expected key show, key generate, key set, key hash, key rotate, key ensure or key copy';
  assert.throws(() => run(envFile(), 'nope'), { message });
});
