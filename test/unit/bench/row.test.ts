import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { differenceRow, missingRow, valueRow } from '../../../bench/row.js';

const figure = 'a figure';

describe('rows of the benchmark', () => {
  test('a settled ratio has its interval and meets its target', () => {
    assert.deepEqual(valueRow({ figure, values: [1.07, 1.08, 1.09], atMost: 1.1, details: ['20 µs', 'bare server 19 µs'] }), {
      figure,
      target: 'at most 1.1',
      measured: '1.08 (1.07 to 1.09)',
      details: '20 µs, bare server 19 µs',
      met: true,
    });
  });

  test('a value that did not settle says how large its spread is', () => {
    const { measured, met } = valueRow({ figure, values: [1, 1.2, 1.3], unit: 'ms', atMost: 1.1 });
    assert.deepEqual([measured, met], ['1.20 ms (1.00 to 1.30), spread 25 %', false]);
  });

  test('a single value has no interval, and a value without a target is not judged', () => {
    assert.deepEqual(valueRow({ figure, values: [82.04], unit: 'MB' }), {
      figure,
      target: null,
      measured: '82.0 MB',
      details: '',
      met: null,
    });
  });

  test('a difference that may be zero is not resolved', () => {
    const values = [-0.02, 0.01, 0.05];
    const row = (atMost?: number) => differenceRow({ figure, values, unit: 'ms', ...(atMost !== undefined && { atMost }) });
    assert.equal(row().measured, 'not resolved: -0.020 to 0.050 ms');
    assert.deepEqual([row().met, row(0.1).met, row(0.04).met], [null, true, 'unclear']);
  });

  test('the spread of a small difference is relative to its target', () => {
    const { measured, met } = differenceRow({ figure, values: [0.2, 0.3, 0.4], unit: 'ms', atMost: 5 });
    assert.deepEqual([measured, met], ['0.30 ms (0.20 to 0.40)', true]);
  });

  test('a figure that cannot be measured says why', () => {
    assert.equal(missingRow(figure, 'uvicorn is not installed').measured, 'not measured: uvicorn is not installed');
  });
});
