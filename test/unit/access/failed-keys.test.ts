import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { createFailedKeys, type FailedKeys, MAX_ADDRESSES } from '../../../src/access/failed-keys.js';

const MINUTE_MS = 60_000;
const MAX = 20;
const LAPTOP = '192.0.2.1';

let nowMs: number;
let failed: FailedKeys;
beforeEach(() => {
  nowMs = 1_000;
  failed = createFailedKeys(MAX, () => nowMs);
});

function countTimes(times: number, address = LAPTOP): void {
  for (let n = 0; n < times; n++) failed.count(address, 1);
}

describe('failed keys', () => {
  test('an address is limited for a minute after the last key that is allowed', () => {
    countTimes(MAX - 1);
    assert.deepEqual([failed.limitedSeconds(LAPTOP), failed.isAnyLimited()], [0, false]);
    countTimes(1);
    assert.deepEqual([failed.limitedSeconds(LAPTOP), failed.limitedSeconds('192.0.2.2'), failed.isAnyLimited()], [60, 0, true]);
    nowMs += MINUTE_MS - 1;
    assert.deepEqual([failed.limitedSeconds(LAPTOP), failed.isAnyLimited()], [1, true]);
    nowMs += 1;
    assert.deepEqual([failed.limitedSeconds(LAPTOP), failed.isAnyLimited()], [0, false]);
  });

  test('after a limit, an address may send as many wrong keys again', () => {
    countTimes(MAX);
    nowMs += MINUTE_MS;
    countTimes(MAX - 1);
    assert.equal(failed.limitedSeconds(LAPTOP), 0);
    countTimes(1);
    assert.equal(failed.limitedSeconds(LAPTOP), 60);
  });

  test('wrong keys of the minute before are forgotten', () => {
    countTimes(MAX - 1);
    nowMs += MINUTE_MS;
    countTimes(MAX - 1);
    assert.equal(failed.limitedSeconds(LAPTOP), 0);
  });

  test('all wrong keys of a request count', () => {
    failed.count(LAPTOP, MAX);
    assert.equal(failed.limitedSeconds(LAPTOP), 60);
  });

  test('an infinite limit counts nothing', () => {
    failed = createFailedKeys(Number.POSITIVE_INFINITY);
    countTimes(1_000);
    assert.deepEqual([failed.limitedSeconds(LAPTOP), failed.size], [0, 0]);
  });

  test('all addresses of an IPv6 network are one', () => {
    for (let n = 0; n < MAX; n++) failed.count(`2001:db8:1:1:${n}::1`, 1);
    assert.deepEqual([failed.limitedSeconds('2001:db8:1:1:ffff::1'), failed.limitedSeconds('2001:db8:1:2::1')], [60, 0]);
  });

  test('a flood of addresses evicts those without a wrong key for longest', () => {
    countTimes(MAX, '198.51.100.1');
    for (let n = 0; n < 50_000; n++) {
      failed.count(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`, 1);
      if (n % 1_000 === 0) failed.count('198.51.100.2', 1);
    }
    assert.equal(failed.size, MAX_ADDRESSES);
    assert.equal(failed.limitedSeconds('198.51.100.1'), 0);
    assert.equal(failed.limitedSeconds('198.51.100.2'), 60);
  });
});
