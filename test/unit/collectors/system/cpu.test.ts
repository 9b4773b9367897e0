import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cpu, parseStat, share } from '../../../../src/collectors/system/cpu.js';
import type { Machine } from '../../../../src/machine/machine.js';
import { fixture, machineBefore, machineOf } from '../../../support/fixture.js';
import { captured, quoted, testParser } from '../../../support/parser-cases.js';
import { firstSample } from '../../../support/sample.js';

testParser('parseStat', {
  parse: parseStat,
  real: [captured('cpu', 'rig', 'proc/stat'), captured('cpu', 'core-offline', 'proc/stat')],
  malformed: [
    ...quoted('stat: expected a line of all processors', '', 'intr 0\n', 'cpu0 1 2 3 4\n', ' cpu  1 2 3 4\n', 'cpufreq 1 2 3 4\n'),
    ['cpu  1 2 3\n', 'stat: expected processor times: "cpu  1 2 3"'],
    ['cpu  1 2 x 4\n', 'stat: expected processor times: "cpu  1 2 x 4"'],
    ['cpu  1 2 3 4\ncpu0 a b c d\n', 'stat: expected processor times: "cpu0 a b c d"'],
    ['cpu  1 2 3 Infinity\n', 'stat: expected processor times: "cpu  1 2 3 Infinity"'],
  ],
});

test('a line with a name of the prototype changes no prototype', () => {
  const before = Object.getOwnPropertyNames(Object.prototype);
  parseStat('cpu  1 2 3 4\ncpu__proto__ 1 2 3 4\n');
  assert.deepEqual(Object.getOwnPropertyNames(Object.prototype), before);
});

test('share is the busy part of the time between two samples, or null', () => {
  assert.equal(share({ busy: 30, total: 200 }, { busy: 5, total: 100 }), 0.25);
  assert.equal(share({ busy: 30, total: 200 }, undefined), null);
  assert.equal(share({ busy: 30, total: 200 }, { busy: 30, total: 200 }), null);
  assert.equal(share({ busy: 1, total: 2 }, { busy: 100, total: 200 }), null);
  assert.equal(share({ busy: 150, total: 201 }, { busy: 30, total: 100 }), 1);
  assert.equal(share({ busy: 29, total: 200 }, { busy: 30, total: 100 }), 0);
});

test('a sample within 300 ms of the previous one repeats its share', async () => {
  const archive = fixture('cpu', 'core-offline');
  const [old, machine] = [machineBefore(archive) as Machine, machineOf(archive)];
  const first = await cpu.read(old, firstSample);
  const again = await cpu.read(machine, { ...firstSample, carried: first.carry, monotonicMs: 299 });
  assert.deepEqual([again.value, again.carry, again.metrics?.()], [first.value, first.carry, first.metrics?.()]);
  const later = await cpu.read(machine, { ...firstSample, carried: first.carry, monotonicMs: 300 });
  assert.equal(later.value.busyRatio, 0.75);
});
