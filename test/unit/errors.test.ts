import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quote } from '../../src/errors.js';

test('text from a source is quoted on one line and cut', () => {
  assert.equal(quote('a\n\0"'), '"a\\n\\u0000\\""');
  assert.equal(quote('\u202e\u2028\u009b2J\ufffd'), '"\\u202e\\u2028\\u009b2J\ufffd"');
  assert.equal(quote('x'.repeat(100)), `"${'x'.repeat(80)}…"`);
});
