import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bitsPerSecond, stations } from '../../../../src/collectors/wifi/stations.js';
import type { Machine } from '../../../../src/machine/machine.js';
import { fixture, machineBefore, machineOf } from '../../../support/fixture.js';
import { firstSample } from '../../../support/sample.js';

test('throughput is bits per second between two counters, or null', () => {
  assert.equal(bitsPerSecond(3000, 1000, 2), 8000);
  assert.equal(bitsPerSecond(1000, 1000, 2), 0);
  for (const [now, before, seconds] of [
    [999, 1000, 2],
    [null, 1000, 2],
    [1000, null, 2],
    [2000, 1000, 0],
    [2000, 1000, -1],
  ] as const) {
    assert.equal(bitsPerSecond(now, before, seconds), null);
  }
});

test('the list of access points is kept for 30 s unless a client requests a sample', async () => {
  const archive = fixture('stations', 'listed-recently');
  const { carry } = await stations.read(machineBefore(archive) as Machine, firstSample);
  const listed = async (monotonicMs: number, thorough: boolean) =>
    (await stations.read(machineOf(archive), { ...firstSample, carried: carry, monotonicMs, thorough })).value.accessPoints.length;
  assert.equal(await listed(29_999, false), 1);
  assert.equal(await listed(30_000, false), 0);
  assert.equal(await listed(2_000, true), 0);
});

test('a sample within half a second of the previous one repeats its rates', async () => {
  const archive = fixture('stations', 'busy');
  const [old, machine] = [machineBefore(archive) as Machine, machineOf(archive)];
  const rates = (sample: Awaited<ReturnType<typeof stations.read>>) => sample.value.stations.map((row) => row.download_bits_per_second);
  const first = await stations.read(old, firstSample);
  const second = await stations.read(machine, { ...firstSample, carried: first.carry, monotonicMs: 2_000 });
  assert.deepEqual(rates(first), [null, null, null]);
  assert.deepEqual(rates(second), [27_400, 6_714_000, 0]);
  // Later on, the rate is since the sample that had one.
  const third = await stations.read(machine, { ...firstSample, carried: second.carry, monotonicMs: 2_499 });
  assert.deepEqual(rates(third), rates(second));
  const fourth = await stations.read(machine, { ...firstSample, carried: third.carry, monotonicMs: 2_500 });
  assert.deepEqual(rates(fourth), [0, 0, 0]);
});
