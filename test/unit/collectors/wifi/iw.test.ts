import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseIwDev } from '../../../../src/collectors/wifi/iw.js';
import { captured, quoted, testParser } from '../../../support/parser-cases.js';

testParser('parseIwDev', {
  parse: parseIwDev,
  real: ['rig', 'ap-sta', 'multi-link', 'no-access-point'].map((name) => captured('stations', name, 'cmd/iw dev')),
  malformed: quoted('iw dev: expected "phy#" at the start', 'nl80211 not found.\n', '\n', '\tInterface wlan0\n\t\ttype AP\n', ' phy#0\n'),
});

test('more than 256 access points are an error', () => {
  const list = (amount: number) =>
    `phy#0\n${Array.from({ length: amount }, (_, index) => `\tInterface ap${index}\n\t\ttype AP\n`).join('')}`;
  assert.equal(parseIwDev(list(256)).length, 256);
  assert.throws(() => parseIwDev(list(257)), { code: 'too-large', message: 'iw dev: has more than 256 access points' });
});

test('names of the prototype change no prototype', () => {
  const before = Object.getOwnPropertyNames(Object.prototype);
  parseIwDev('phy#0\n\tInterface __proto__\n\t\tssid __proto__\n\t\ttype AP\n');
  assert.deepEqual(Object.getOwnPropertyNames(Object.prototype), before);
});
