import assert from 'node:assert/strict';
import {
  chownSync,
  existsSync,
  lchownSync,
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
import { copyEnvFile, KEY_VARIABLE, readEnvFile, withVariable, writeKey } from '../../../src/access/env-file.js';

const isRoot = process.getuid?.() === 0;

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'apsnap-env-file-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

function newFolder(name: string): string {
  const path = join(folder, name);
  mkdirSync(path);
  return path;
}

describe('writing a key', () => {
  const cases: readonly [name: string, old: string, expected: string][] = [
    ['an empty file', '', 'RASPAP_API_KEY=new\n'],
    ['a file with only the key', 'RASPAP_API_KEY=old\n', 'RASPAP_API_KEY=new\n'],
    ['a file without a newline', 'RASPAP_API_KEY=old', 'RASPAP_API_KEY=new'],
    ['a file with other lines', '# mine\nA=1\nRASPAP_API_KEY=old\n\nB="x y"\n', '# mine\nA=1\nRASPAP_API_KEY=new\n\nB="x y"\n'],
    ['a file without a key', 'A=1\nB=2', 'A=1\nB=2\nRASPAP_API_KEY=new\n'],
    ['a quoted key', 'RASPAP_API_KEY="old"\nA=1\n', 'RASPAP_API_KEY=new\nA=1\n'],
    ['an exported key', ' export RASPAP_API_KEY = old\n', 'RASPAP_API_KEY=new\n'],
    ['a key twice, of which the last is valid', 'RASPAP_API_KEY=a\nRASPAP_API_KEY=b\n', 'RASPAP_API_KEY=a\nRASPAP_API_KEY=new\n'],
    [
      'similar names',
      '#RASPAP_API_KEY=a\nRASPAP_API_KEY2=b\nMY_RASPAP_API_KEY=c\n',
      '#RASPAP_API_KEY=a\nRASPAP_API_KEY2=b\nMY_RASPAP_API_KEY=c\nRASPAP_API_KEY=new\n',
    ],
  ];
  for (const [name, old, expected] of cases) {
    test(`changes nothing else in ${name}`, () => {
      assert.equal(withVariable(old, KEY_VARIABLE, 'new'), expected);
      const file = join(newFolder(name.replaceAll(' ', '-')), '.env');
      writeFileSync(file, old, { mode: 0o644 });
      writeKey(file, 'new');
      assert.equal(readFileSync(file, 'utf8'), expected);
      assert.equal(statSync(file).mode & 0o777, 0o600);
      assert.deepEqual(readdirSync(join(file, '..')), ['.env'], 'no temporary file is left');
    });
  }

  test('keeps a link a link', () => {
    const own = newFolder('link');
    writeFileSync(join(own, 'target'), 'A=1\n');
    symlinkSync('target', join(own, '.env'));
    writeKey(join(own, '.env'), 'new');
    assert.ok(lstatSync(join(own, '.env')).isSymbolicLink());
    assert.equal(readFileSync(join(own, 'target'), 'utf8'), 'A=1\nRASPAP_API_KEY=new\n');
  });

  test('as root gives a new file to the owner of its folder', () => {
    const own = newFolder('owned');
    if (isRoot) chownSync(own, 1234, 4321);
    writeKey(join(own, '.env'), 'new');
    const { uid, gid } = statSync(join(own, '.env'));
    assert.deepEqual([uid, gid], isRoot ? [1234, 4321] : [process.getuid?.(), process.getgid?.()]);
  });

  test("as root doesn't follow another user's link", (context) => {
    if (!isRoot) return context.skip('only root can give files away');
    const own = newFolder('planted');
    writeFileSync(join(folder, 'roots.env'), 'SECRET=of root\n', { mode: 0o640 });
    symlinkSync('../roots.env', join(own, '.env'));
    lchownSync(join(own, '.env'), 1234, 4321);
    assert.throws(
      () => writeKey(join(own, '.env'), 'new'),
      /^StartError: \S+planted\/\.env: .*a link of user 1234, which root does not follow/,
    );
    assert.throws(() => copyEnvFile(join(own, '.env'), join(folder, 'copied')), /a link of user 1234/);
    assert.equal(readFileSync(join(folder, 'roots.env'), 'utf8'), 'SECRET=of root\n');
    assert.ok(!existsSync(join(folder, 'copied')));
  });

  test('fails with the reason and with advice', () => {
    assert.throws(
      () => writeKey(join(folder, 'no/such/.env'), 'new'),
      /no\/such\/\.env: the key cannot be written: ENOENT; run as a user that may write it, or name another file with --dotenv$/,
    );
    assert.throws(() => writeKey(newFolder('folder'), 'new'), /folder: the key cannot be written: not a regular file; /);
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.endsWith('.tmp')),
      [],
    );
  });
});

test("reading rejects what isn't a small regular file", () => {
  assert.equal(readEnvFile(join(folder, 'nothing')), undefined);
  assert.throws(
    () => readEnvFile('/dev/zero'),
    /^StartError: \/dev\/zero: cannot be read: not a regular file; run as a user that may read/,
  );
  const large = join(folder, 'large');
  writeFileSync(large, '#'.repeat((1 << 20) + 1));
  assert.throws(() => readEnvFile(large), /large: cannot be read: more than 1048576 bytes; /);
});

describe('copying', () => {
  test("gives the copy to its folder's owner, who alone may read it", () => {
    const own = newFolder('copies');
    if (isRoot) chownSync(own, 1234, 4321);
    writeFileSync(join(folder, 'source'), 'RASPAP_API_KEY=a\n');
    copyEnvFile(join(folder, 'source'), join(own, 'env'));
    const { uid, mode } = statSync(join(own, 'env'));
    assert.deepEqual([uid, mode & 0o777], [isRoot ? 1234 : process.getuid?.(), 0o400]);
    assert.equal(readFileSync(join(own, 'env'), 'utf8'), 'RASPAP_API_KEY=a\n');
  });

  test('fails with the reason', () => {
    assert.throws(() => copyEnvFile(join(folder, 'source'), join(folder, 'nowhere/env')), /nowhere\/env: cannot copy \S+: ENOENT/);
  });
});
