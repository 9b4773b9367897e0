import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMac } from '../../../src/parse/mac.js';

test('parseMac accepts addresses of stations only', () => {
  assert.equal(parseMac('02:00:00:AB:cd:00'), '02:00:00:ab:cd:00');
  for (const text of [
    '',
    '02:00:00:00:01',
    '02:00:00:00:01:00:00',
    '02-00-00-00-01-00',
    '020000000100',
    ' 02:00:00:00:01:00',
    '02:00:00:00:01:00\n',
    '00:00:00:00:00:00',
    'ff:ff:ff:ff:ff:ff',
    '01:00:5e:00:00:fb',
    '33:33:00:00:00:01',
  ]) {
    assert.equal(parseMac(text), undefined, text);
  }
});
