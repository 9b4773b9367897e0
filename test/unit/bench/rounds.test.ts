import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { inTurn, isDone, repeat } from '../../../bench/rounds.js';

const LIMITS = { min: 3, max: 5 };

describe('repeating a measurement', () => {
  for (const [title, values, expected] of [
    ['continues until the minimum number of rounds', [1, 1], false],
    ['ends when the spread is below 10 %', [1, 1.04, 1.09], true],
    ['continues while the spread is 10 % or more', [0.9, 1, 1.1], false],
    ['ends at the maximum number of rounds', [0.5, 1, 1.5, 2, 2.5], true],
    ['continues without a value that is above zero', [0, 0, 0], false],
  ] as const) {
    test(title, () => assert.equal(isDone(values, LIMITS), expected));
  }

  test('ends if a small difference is precise enough for its target', () => {
    assert.equal(isDone([-0.1, 0, 0.1], LIMITS, 5), true);
    assert.equal(isDone([-0.4, 0, 0.4], LIMITS, 5), false);
  });

  test('gives every round, outliers included', async () => {
    const values = [1, 9, 1, 1, 1];
    const measured = await repeat(
      { min: 2, max: 5 },
      async (round) => ({ value: values[round] ?? 0 }),
      ({ value }) => value,
    );
    assert.deepEqual(
      measured.map(({ value }) => value),
      values,
    );
  });

  test('changes the order of a pair with each round', async () => {
    const order: string[] = [];
    const measure = (name: string) => async () => {
      order.push(name);
      return name;
    };
    const pair = inTurn(measure('a'), measure('b'));
    assert.deepEqual(
      [await pair(0), await pair(1), await pair(2)],
      [
        ['a', 'b'],
        ['a', 'b'],
        ['a', 'b'],
      ],
    );
    assert.equal(order.join(''), 'abbaab');
  });
});
