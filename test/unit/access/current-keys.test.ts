import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { type CurrentKeys, openKeys } from '../../../src/access/current-keys.js';
import { writeKey } from '../../../src/access/env-file.js';
import { generateKey, hashKey } from '../../../src/access/key-format.js';
import { StartError, UsageError } from '../../../src/errors.js';
import { eventually } from '../../support/eventually.js';

const KEY = 'a-key-that-somebody-has-chosen-0';
const SECRETS = 'another-that-reads-secrets-01234';
const POLL_MS = 5;

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'apsnap-keys-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
/** Opens keys of an env file in its own folder, and watches it. */
function open(context: TestContext, text: string | undefined, environment: Record<string, string> = {}, host = '0.0.0.0') {
  const own = join(folder, String(files++));
  mkdirSync(own);
  const dotenv = join(own, '.env');
  if (text !== undefined) writeFileSync(dotenv, text);
  const lines: string[] = [];
  const keys = openKeys({ dotenv, host, environment }, (line) => lines.push(line), POLL_MS);
  const changes = { amount: 0 };
  const watch = keys.watch(() => changes.amount++);
  context.after(() => watch.stop());
  return { dotenv, keys, lines, changes };
}

const accessOf = (keys: CurrentKeys, key: string) => keys.check()({ access_token: key }).access;

/** Replaces the file as RaspAP's page does: whole, unquoted, by rename. */
function replace(file: string, text: string): void {
  writeFileSync(`${file}.tmp`, text);
  renameSync(`${file}.tmp`, file);
}

describe('at the start', () => {
  test('a key is generated if there is none, and only its place is logged', (context) => {
    const { dotenv, keys, lines } = open(context, undefined);
    const [, key = ''] = /^RASPAP_API_KEY=([0-9a-z]{32})\n$/.exec(readFileSync(dotenv, 'utf8')) ?? [];
    assert.equal(accessOf(keys, key), 'read');
    assert.equal(statSync(dotenv).mode & 0o777, 0o600);
    assert.deepEqual(lines, [`INFO: generated a key into ${dotenv}`]);
  });

  test('a key in the environment beats the file, and no file is written', (context) => {
    const { keys } = open(context, `RASPAP_API_KEY=${KEY}\n`, { RASPAP_API_KEY: SECRETS });
    assert.deepEqual([accessOf(keys, SECRETS), accessOf(keys, KEY)], ['read', undefined]);
    const { dotenv } = open(context, undefined, { RASPAP_API_KEY: KEY });
    assert.throws(() => readFileSync(dotenv), { code: 'ENOENT' });
  });

  test('a key that must not be used stops the start', (context) => {
    const refusals: readonly [key: string, host: string, message: RegExp][] = [
      [
        'insecure',
        '::',
        /^RASPAP_API_KEY is "insecure", which everybody knows; not listening on ::: make a better key with apsnap key generate$/,
      ],
      ['fifteen00000000', '0.0.0.0', /^RASPAP_API_KEY has 15 characters: expected at least 16; not listening on 0\.0\.0\.0: /],
    ];
    for (const [key, host, message] of refusals) {
      const isRefused = (error: unknown) => error instanceof UsageError && message.test(error.message);
      assert.throws(() => open(context, `RASPAP_API_KEY=${key}\n`, {}, host), isRefused);
      assert.throws(() => open(context, undefined, { RASPAP_API_KEY: key }, host), isRefused);
    }
    assert.throws(
      () => open(context, `RASPAP_API_KEY=${KEY}\nAPSNAP_SECRETS_KEY=${hashKey(KEY)}\n`),
      (error) => error instanceof UsageError && /^APSNAP_SECRETS_KEY is the same key .*generate --secrets$/.test(error.message),
    );
  });

  test('an env file that cannot be read stops the start', () => {
    assert.throws(
      () => openKeys({ dotenv: folder, host: '127.0.0.1', environment: {} }, () => {}),
      (error) => error instanceof StartError && /: cannot be read: not a regular file; /.test(error.message),
    );
  });
});

describe('while the service runs', () => {
  test('a new key works, and the old one stops', async (context) => {
    const { dotenv, keys, lines, changes } = open(context, `RASPAP_API_KEY=${KEY}\n`);
    const ways: readonly ((key: string) => void)[] = [
      (key) => replace(dotenv, `RASPAP_API_KEY=${key}\n`),
      (key) => replace(dotenv, `A=1\nRASPAP_API_KEY="${key}"\nB=2\n`),
      (key) => writeFileSync(dotenv, `RASPAP_API_KEY=${key}\n`),
      (key) => writeKey(dotenv, key),
      (key) => replace(dotenv, `RASPAP_API_KEY=${hashKey(key)}\n`),
    ];
    let old = KEY;
    for (const [index, write] of ways.entries()) {
      const key = generateKey();
      write(key);
      await eventually(() => assert.equal(accessOf(keys, key), 'read'));
      assert.equal(accessOf(keys, old), undefined);
      assert.equal(changes.amount, index + 1);
      old = key;
    }
    assert.deepEqual(lines, Array(ways.length).fill(`INFO: ${dotenv}: the new key works from now on`));
  });

  test('a folder may be replaced', async (context) => {
    const { dotenv, keys } = open(context, `RASPAP_API_KEY=${KEY}\n`);
    const own = join(dotenv, '..');
    mkdirSync(`${own}.new`);
    writeKey(join(`${own}.new`, '.env'), SECRETS);
    renameSync(own, `${own}.old`);
    renameSync(`${own}.new`, own);
    await eventually(() => assert.equal(accessOf(keys, SECRETS), 'read'));
  });

  test('the last valid key still works when the file is gone, empty or a folder, which is logged once', async (context) => {
    const { dotenv, keys, lines } = open(context, `RASPAP_API_KEY=${KEY}\n`);
    unlinkSync(dotenv);
    await eventually(() => assert.deepEqual(lines, [`ERROR: ${dotenv}: RASPAP_API_KEY is missing; the last valid key still works`]));
    replace(dotenv, 'A=1\n');
    replace(dotenv, 'A=2\n');
    unlinkSync(dotenv);
    mkdirSync(dotenv);
    await eventually(() => assert.match(lines.at(-1) ?? '', /^ERROR: \S+: cannot be read: not a regular file; /));
    assert.equal(lines.length, 2);
    assert.equal(accessOf(keys, KEY), 'read');
  });

  test('a key that must not be used is rejected', async (context) => {
    const { dotenv, keys, lines, changes } = open(context, `RASPAP_API_KEY=${KEY}\n`);
    replace(dotenv, 'RASPAP_API_KEY=insecure\n');
    await eventually(() => assert.match(lines.at(-1) ?? '', /^ERROR: \S+: rejected the new key: RASPAP_API_KEY is "insecure"/));
    assert.deepEqual([accessOf(keys, 'insecure'), accessOf(keys, KEY), changes.amount], [undefined, 'read', 0]);
  });

  test('a second key comes and goes', async (context) => {
    const { dotenv, keys, lines } = open(context, `RASPAP_API_KEY=${KEY}\n`);
    assert.equal(keys.readsSecrets(), false);
    replace(dotenv, `RASPAP_API_KEY=${KEY}\nAPSNAP_SECRETS_KEY=${SECRETS}\n`);
    await eventually(() => assert.equal(accessOf(keys, SECRETS), 'secrets'));
    assert.equal(keys.readsSecrets(), true);
    replace(dotenv, `RASPAP_API_KEY=${KEY}\n`);
    await eventually(() => assert.equal(accessOf(keys, SECRETS), undefined));
    assert.deepEqual(lines, [
      `INFO: ${dotenv}: the new APSNAP_SECRETS_KEY works from now on`,
      `INFO: ${dotenv}: APSNAP_SECRETS_KEY was removed`,
    ]);
    replace(dotenv, `RASPAP_API_KEY=${KEY}\nAPSNAP_SECRETS_KEY=${hashKey(KEY)}\n`);
    await eventually(() => assert.match(lines.at(-1) ?? '', /rejected the new key: APSNAP_SECRETS_KEY is the same key/));
    assert.equal(accessOf(keys, KEY), 'read');
  });
});
