import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { interval, number, quantity, withInterval } from '../../../bench/format.js';

describe('numbers in the tables', () => {
  for (const [value, text] of [
    [0, '0'],
    [0.000123, '0.00012'],
    [0.00999, '0.0100'],
    [0.0321, '0.032'],
    [0.85, '0.85'],
    [1.1, '1.10'],
    [13.66, '13.7'],
    [129.26, '129'],
    [1037.5, '1,038'],
    [-0.25, '-0.25'],
  ] as const) {
    test(`${value} is written as ${text}`, () => assert.equal(number(value), text));
  }

  test('no value above zero is written as zero', () => {
    for (let value = 1e-9; value < 1e9; value *= 1.7) assert.match(number(value), /[1-9]/);
  });

  test('a value has its unit and the interval of the median', () => {
    assert.equal(withInterval([13.7], 'ms'), '13.7 ms');
    assert.equal(withInterval([12.9, 13.7, 14.1], 'ms'), '13.7 ms (12.9 to 14.1)');
    assert.equal(withInterval([1.07, 1.12, 1.16]), '1.12 (1.07 to 1.16)');
    assert.equal(interval([-0.02, 0, 0.4]), '-0.020 to 0.40');
    assert.equal(quantity(0.00123, 's'), '0.0012 s');
    assert.equal(quantity(0, 'ms'), 'nothing measurable');
  });
});
