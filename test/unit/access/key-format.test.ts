import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { generateKey, hashKey, keyProblem } from '../../../src/access/key-format.js';

const KEY = 'another0key0of0sixteen0and0more0';
const LOOPBACK = ['127.0.0.1', '127.1.2.3', '::1', 'localhost'];
const REACHABLE = ['0.0.0.0', '::', '::ffff:10.0.0.1', '10.3.141.1', '', 'localhost.example'];

test('generated keys differ, and use every character', () => {
  const keys = Array.from({ length: 200 }, generateKey);
  assert.equal(new Set(keys).size, 200);
  for (const key of keys) assert.match(key, /^[0-9a-z]{32}$/);
  assert.equal(new Set(keys.join('')).size, 36);
});

describe('a key', () => {
  test('may be weak on loopback only', () => {
    for (const key of ['x', 'insecure', 'fifteen00000000']) {
      for (const host of LOOPBACK) assert.equal(keyProblem(key, host), undefined, host);
      for (const host of REACHABLE) assert.ok(keyProblem(key, host), host);
    }
  });

  test('of 16 characters and more is good anywhere, also a passphrase with blanks', () => {
    for (const key of [KEY, KEY.slice(0, 16), 'correct horse battery staple', hashKey(KEY)])
      for (const host of [...LOOPBACK, ...REACHABLE]) assert.equal(keyProblem(key, host), undefined, host);
  });

  test('that a header cannot carry is never good', () => {
    for (const key of ['k'.repeat(256), '', ' k', 'k ', 'a\nb', 'a\tb', 'schl\u00fcssel-mit-sechzehn-zeichen'])
      assert.ok(keyProblem(key, '127.0.0.1'), JSON.stringify(key));
  });

  const messages: readonly [key: string, message: RegExp][] = [
    ['fifteen00000000', /^RASPAP_API_KEY has 15 characters: expected at least 16$/],
    ['insecure', /^RASPAP_API_KEY is "insecure", which everybody knows$/],
    [hashKey('insecure'), /^RASPAP_API_KEY is "insecure"/],
    ['sha256:0123456789abcdef', /^RASPAP_API_KEY is not valid: expected 64 hexadecimal digits after sha256:$/],
    [`sha256:${'g'.repeat(64)}`, /^RASPAP_API_KEY is not valid/],
    ['k'.repeat(300), /^RASPAP_API_KEY has more than 255 bytes$/],
    ['schl\u00fcssel-mit-sechzehn-zeichen', /^RASPAP_API_KEY has characters that a header can't carry: expected printable ASCII$/],
  ];
  for (const [key, message] of messages) {
    test(`that is ${JSON.stringify(key.slice(0, 24))} is rejected by name, and never quoted`, () => {
      const problem = keyProblem(key, '0.0.0.0') ?? '';
      assert.match(problem, message);
      assert.ok(key === 'insecure' || !problem.includes(key));
    });
  }
});
