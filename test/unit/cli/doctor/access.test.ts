import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { hashKey } from '../../../../src/access/key-format.js';
import { accessRows } from '../../../../src/cli/doctor/access.js';
import { parseCommandLine } from '../../../../src/config/command-line.js';
import { readConfig } from '../../../../src/config/read.js';

const KEY = 'a-key-that-somebody-has-chosen-0';
const SECRETS = 'another-that-reads-secrets-01234';

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'apsnap-doctor-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
function envFile(text: string): string {
  const file = join(folder, `${files++}.env`);
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}

/** Returns a line for each row, none of which contains a key. */
function rows(dotenv: string, ...args: string[]): string {
  const text = accessRows(readConfig(parseCommandLine(['--dotenv', dotenv, ...args]), {}), {})
    .map(({ name, state, source, why, advice }) => [name, state, source, why, advice].join(' | '))
    .join('\n');
  for (const one of [KEY, SECRETS, hashKey(KEY)]) assert.ok(!text.includes(one), text);
  return text;
}

const cases: readonly [name: string, text: string, args: string[], expected: RegExp[]][] = [
  [
    'one key is ok',
    `RASPAP_API_KEY=${KEY}\n`,
    [],
    [/^key \| ok \| \S+ \| {2}\| $/m, /^secrets \| absent \| .*no key reads/m, /^access \| ok \| 0\.0\.0\.0 \| {2}\| $/m],
  ],
  [
    'two keys over plain HTTP are warned about',
    `RASPAP_API_KEY=${hashKey(KEY)}\nAPSNAP_SECRETS_KEY=${SECRETS}\n`,
    [],
    [/^key \| ok /m, /^secrets \| ok /m, /^access \| ok .*secrets and the key are sent over plain HTTP on 0\.0\.0\.0.* \| serve HTTPS/m],
  ],
  [
    'two keys on loopback are ok',
    `RASPAP_API_KEY=${KEY}\nAPSNAP_SECRETS_KEY=${SECRETS}\n`,
    ['--host', '127.0.0.1'],
    [/^access \| ok \| 127\.0\.0\.1 \| {2}\| $/m],
  ],
  [
    'the same key twice fails',
    `RASPAP_API_KEY=${hashKey(KEY)}\nAPSNAP_SECRETS_KEY=${KEY}\n`,
    [],
    [/^secrets \| failing .*the same key as RASPAP_API_KEY/m],
  ],
  ['a weak key is warned about', 'RASPAP_API_KEY=aaaaaaaabbbbbbbbaaaa\n', [], [/^key \| ok .*can be guessed.* \| apsnap key generate$/m]],
  [
    '--expose-secrets is warned about',
    `RASPAP_API_KEY=${KEY}\n`,
    ['--expose-secrets'],
    [/^secrets \| absent .*--expose-secrets/m, /plain HTTP/],
  ],
  [
    'a trusted proxy is shown',
    `RASPAP_API_KEY=${KEY}\n`,
    ['--trust-proxy', '10.0.0.1'],
    [/^access \| ok \| 0\.0\.0\.0, trusts 10\.0\.0\.1 \| {2}\| $/m],
  ],
  [
    'trusting everybody is warned about',
    `RASPAP_API_KEY=${KEY}\n`,
    ['--trust-proxy', '0.0.0.0/0'],
    [/--trust-proxy 0\.0\.0\.0\/0 lets any client choose its address/],
  ],
  [
    'unlimited guesses are warned about',
    `RASPAP_API_KEY=${KEY}\n`,
    ['--failed-keys', 'off', '--allowed-host=a.b'],
    [/responds to a\.b \| clients may try any number of wrong keys/],
  ],
];
for (const [name, text, args, expected] of cases) {
  test(name, () => {
    const report = rows(envFile(text), ...args);
    for (const part of expected) assert.match(report, part);
  });
}

test('a missing key is absent where the service can generate it, else failing', () => {
  const dotenv = join(folder, 'none.env');
  assert.match(rows(dotenv), /^key \| absent \| \S+ \| no key: the service generates one when it starts \| $/m);
  assert.match(
    rows('/nowhere/.env'),
    /^key \| failing \| \S+ \| no key, and \/nowhere cannot be written \| name a file in another folder with --dotenv$/m,
  );
});

test('an env file that cannot be read is failing', () => {
  mkdirSync(join(folder, 'folder.env'));
  assert.match(
    rows(join(folder, 'folder.env')),
    /^key \| failing \| \S+ \| \S+: cannot be read: not a regular file \| run as a user that may read/m,
  );
});

test('an invalid key is failing unless only this machine can connect', () => {
  const dotenv = envFile('RASPAP_API_KEY=short\n');
  assert.match(rows(dotenv), /^key \| failing \| .* \| apsnap key generate$/m);
  assert.match(rows(dotenv, '--host', '127.0.0.1'), /^key \| ok /m);
});

test('a key that every user can read is warned about, with a command for a shell', () => {
  const dotenv = join(folder, "it's.env");
  writeFileSync(dotenv, `RASPAP_API_KEY=${KEY}\n`);
  chmodSync(dotenv, 0o644);
  assert.ok(rows(dotenv).includes(`every user of this machine can read it | chmod o= '${folder}/it'\\''s.env'`));
});
