// The two clocks: a wall clock that is set, and a machine that slept.
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { createClock, monotonicMs } from '../../../src/engine/clock.js';

/** Creates a clock whose wall clock and monotonic clock the test moves. */
function setUp(context: TestContext) {
  let wallMs = Date.UTC(2024, 2, 10);
  let monotonicNs = 3_600_000_000_000n;
  context.mock.method(Date, 'now', () => wallMs);
  context.mock.method(process.hrtime, 'bigint', () => monotonicNs);
  const clock = createClock();
  const moves: number[] = [];
  clock.onJump((movedMs) => moves.push(movedMs));
  return {
    clock,
    /** Lets time pass. @returns how far the wall clock has moved, by each call of the listener */
    movesAfter(passedMs: number, setMs = 0): number[] {
      wallMs += passedMs + setMs;
      monotonicNs += BigInt(passedMs) * 1_000_000n;
      assert.equal(clock.nowMs(), wallMs);
      return moves.splice(0);
    },
  };
}

describe('clock', () => {
  test('time that passes calls no listener', (context) => {
    const { movesAfter } = setUp(context);
    for (const ms of [1, 1_000, 86_400_000]) assert.deepEqual(movesAfter(ms), []);
  });

  for (const setMs of [3_600_000, -3_600_000, 700, -700, 500, -500]) {
    test(`listeners are called once if the clock is set by ${setMs} ms`, (context) => {
      const { movesAfter } = setUp(context);
      assert.deepEqual(movesAfter(1_000, setMs), [setMs]);
      assert.deepEqual(movesAfter(1_000), []);
      assert.deepEqual(movesAfter(1_000, -setMs), [-setMs]);
    });
  }

  test('drift counts once it has added up', (context) => {
    const { movesAfter } = setUp(context);
    assert.deepEqual(movesAfter(1_000, 200), []);
    assert.deepEqual(movesAfter(1_000, 200), []);
    assert.deepEqual(movesAfter(1_000, 200), [600]);
    assert.deepEqual(movesAfter(1_000, 200), []);
  });

  test('a machine that slept has moved its wall clock', (context) => {
    const { movesAfter } = setUp(context);
    assert.deepEqual(movesAfter(0, 8 * 3_600_000), [8 * 3_600_000]);
  });

  test('every listener is called, and sees the new time', (context) => {
    const { clock, movesAfter } = setUp(context);
    const seen: number[] = [];
    clock.onJump(() => seen.push(clock.nowMs()));
    assert.deepEqual(movesAfter(0, 10_000), [10_000], 'a listener that asks for the time calls no listener again');
    assert.deepEqual(seen, [Date.now()]);
  });
});

test('the monotonic clock has fractions of a millisecond', (context) => {
  context.mock.method(process.hrtime, 'bigint', () => 1_234_567_891n);
  assert.equal(monotonicMs(), 1_234.567);
});
