import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { median, medianInterval, spread } from '../../../bench/statistics.js';

const upTo = (amount: number) => Array.from({ length: amount }, (_, index) => index + 1);

describe('statistics of rounds', () => {
  test('the median of an even number of values is between the middle ones', () => {
    assert.equal(median([9, 1, 2]), 2);
    assert.equal(median([9, 1, 2, 4]), 3);
    assert.ok(Number.isNaN(median([])));
  });

  // From the binomial distribution: tables of the sign test.
  for (const [amount, low, high] of [
    [1, 1, 1],
    [5, 1, 5],
    [6, 1, 6],
    [8, 1, 8],
    [9, 2, 8],
    [12, 3, 10],
    [20, 6, 15],
    [40, 14, 27],
  ] as const) {
    test(`the interval of the median of ${amount} values reaches from value ${low} to value ${high}`, () => {
      assert.deepEqual(medianInterval(upTo(amount).reverse()), { low, high });
    });
  }

  test('a single outlier does not widen the interval of many values', () => {
    assert.deepEqual(medianInterval([...upTo(19), 1_000]), medianInterval(upTo(20)));
  });

  test('the spread is the width of the interval as a share of the median', () => {
    assert.equal(spread([95, 100, 105]), 0.1);
    assert.equal(spread([-95, -100, -105]), 0.1);
    assert.equal(spread([100]), 0);
  });

  test('the spread of a small difference is relative to the scale', () => {
    assert.equal(spread([-1, 0, 1], 10), 0.2);
    assert.equal(spread([95, 100, 105], 10), 0.1);
  });
});
