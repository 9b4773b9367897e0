// The history's rings in memory, and the rows that are read from them.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { encodeHistory } from '../../../src/encode/history-rows.js';
import { createHistory, HISTORY_BYTES, type HistoryQuery, MAX_SERIES, readHistory, SERIES_BYTES } from '../../../src/engine/history.js';

/** A multiple of ten minutes, so that slots of all levels start there. */
const START = 1_795_500_000;

/** Records one value for each second from the start, except where it is undefined. */
function recorded(values: readonly (number | undefined)[], start = START) {
  const history = createHistory();
  for (const [second, value] of values.entries()) if (value !== undefined) history.record({ a: value }, (start + second) * 1000);
  return history;
}

function means(history: ReturnType<typeof createHistory>, query: Partial<HistoryQuery>, now: number) {
  const { times, buckets } = readHistory(history.series, { since: START, until: now, step: 1, ...query }, now);
  return times.map((time, index) => [time - START, buckets.get('a')?.[index]?.mean]);
}

describe('history', () => {
  test('values that are recorded each second are returned each second', () => {
    assert.deepEqual(means(recorded([1, 2, 3]), {}, START + 2), [
      [0, 1],
      [1, 2],
      [2, 3],
    ]);
  });

  test('a value fills a gap of one second, and a longer gap stays empty', () => {
    const values = [1, undefined, 3, ...Array(10).fill(undefined), 4];
    const rows = means(recorded(values), {}, START + 13);
    assert.deepEqual(
      rows.map(([, mean]) => mean),
      [1, 3, 3, ...Array(10).fill(Number.NaN), 4],
    );
  });

  test('minutes have a mean, a minimum and a maximum', () => {
    const history = recorded(Array.from({ length: 120 }, (_, second) => second));
    const now = START + 119;
    const { times, step, buckets } = readHistory(history.series, { since: START, until: now, step: 60 }, now + 3_700);
    assert.deepEqual([times, step], [[START, START + 60], 60]);
    assert.deepEqual(buckets.get('a'), [
      { mean: 29.5, min: 0, max: 59 },
      { mean: 89.5, min: 60, max: 119 },
    ]);
  });

  test('minutes computed from seconds equal the stored minutes', () => {
    const history = recorded(Array.from({ length: 120 }, (_, second) => second));
    const read = (step: number, now: number) =>
      readHistory(history.series, { since: START, until: START + 119, step }, now).buckets.get('a');
    assert.deepEqual(read(30, START + 119)?.[1], { mean: 44.5, min: 30, max: 59 });
    assert.deepEqual(read(60, START + 119), read(60, START + 119 + 3_700));
  });

  test('seconds are kept for an hour, minutes for a day, and ten-minute values for a week', () => {
    const history = recorded([7]);
    const known = (after: number, step: number) => {
      history.record({ a: 1 }, (START + after) * 1000);
      const { buckets } = readHistory(history.series, { since: START, until: START, step }, START + after);
      return buckets.get('a')?.[0]?.mean;
    };
    assert.equal(known(3_599, 1), 7);
    // The minute still has the value when the second is gone.
    assert.equal(known(3_601, 1), 7);
    assert.equal(known(86_340, 60), 7);
    assert.equal(known(86_460, 60), 7);
    assert.equal(known(604_740, 600), 7);
    assert.ok(Number.isNaN(known(605_400, 600)));
  });

  test('if the clock is set back, the values after the new time are removed', () => {
    const history = recorded([1, 2, 3, 4, 5, 6]);
    history.record({ a: 9 }, (START + 2) * 1000);
    assert.deepEqual(
      means(history, {}, START + 5).map(([, mean]) => mean),
      [1, 2, 9, Number.NaN, Number.NaN, Number.NaN],
    );
  });

  test('if the clock is set forward, by any amount, a gap is left', () => {
    const history = recorded([1, 2]);
    for (const ahead of [100, 5_000, 100_000, 10_000_000]) {
      history.record({ a: 3 }, (START + ahead) * 1000);
      const { buckets } = readHistory(history.series, { since: START + ahead - 3, until: START + ahead, step: 1 }, START + ahead);
      assert.deepEqual(
        buckets.get('a')?.map(({ mean }) => mean),
        [Number.NaN, Number.NaN, Number.NaN, 3],
      );
    }
  });

  test('the number and the memory of series are limited', () => {
    const history = createHistory();
    for (let series = 0; series < MAX_SERIES + 10; series++) history.record({ [`s${series}`]: 1 }, START * 1000);
    assert.equal(history.series.size, MAX_SERIES);
    const bytes = [...history.series.values()].reduce((sum, memory) => sum + memory.byteLength, 0);
    assert.equal(bytes, MAX_SERIES * SERIES_BYTES);
    assert.ok(bytes <= HISTORY_BYTES && bytes > HISTORY_BYTES - SERIES_BYTES);
  });

  test('null is not recorded', () => {
    const history = createHistory();
    history.record({ a: null }, START * 1000);
    assert.equal(history.series.size, 0);
  });

  test('for any times and values, rows have only recorded values', () => {
    const moments = fc.array(fc.tuple(fc.integer({ min: 0, max: 700_000 }), fc.integer({ min: -1_000, max: 1_000 })), { maxLength: 60 });
    fc.assert(
      fc.property(moments, fc.integer({ min: 1, max: 5_000 }), (points, step) => {
        const history = createHistory();
        for (const [second, value] of points) history.record({ a: value }, (START + second) * 1000);
        const now = START + 700_000;
        const { buckets } = readHistory(history.series, { since: now - 600_000, until: now, step: Math.max(step, 100) }, now);
        const values = points.map(([, value]) => value);
        for (const { mean, min, max } of buckets.get('a') ?? []) {
          if (Number.isNaN(mean)) continue;
          assert.ok(min <= mean + 1e-3 && mean <= max + 1e-3);
          assert.ok(values.includes(min) && values.includes(max));
        }
      }),
      { numRuns: 200 },
    );
  });

  test('rows are encoded as JSON and as CSV', () => {
    const history = recorded([0.123456789, 2]);
    const rows = readHistory(history.series, { since: START, until: START + 2, step: 1 }, START + 2);
    assert.equal(
      encodeHistory(rows, 'json'),
      '[{"time":"2026-11-24T06:00:00Z","a":0.1234568},{"time":"2026-11-24T06:00:01Z","a":2},{"time":"2026-11-24T06:00:02Z","a":null}]',
    );
    assert.equal(
      encodeHistory(rows, 'csv'),
      'time,a\r\n2026-11-24T06:00:00Z,0.1234568\r\n2026-11-24T06:00:01Z,2\r\n2026-11-24T06:00:02Z,\r\n',
    );
    const minutes = readHistory(history.series, { since: START, until: START, step: 60 }, START + 2);
    assert.deepEqual(JSON.parse(encodeHistory(minutes, 'json')), [
      { time: '2026-11-24T06:00:00Z', a: 1.061728, a_min: 0.1234568, a_max: 2 },
    ]);
    assert.equal(encodeHistory({ times: [], step: 1, buckets: new Map([['x,"y', []]]) }, 'csv'), 'time,"x,""y"\r\n');
  });
});
