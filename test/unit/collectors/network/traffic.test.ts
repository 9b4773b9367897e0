import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseNetDev, parseNumber, traffic } from '../../../../src/collectors/network/traffic.js';
import { quote } from '../../../../src/errors.js';
import type { Machine } from '../../../../src/machine/machine.js';
import { fixture, machineBefore, machineOf } from '../../../support/fixture.js';
import { anyText, captured, FEW_RUNS, isValueOrMalformed, testParser } from '../../../support/parser-cases.js';
import { failing, firstSample, machineWith, sampleValue } from '../../../support/sample.js';

test('parseNumber rejects what is not a counter', () => {
  for (const text of ['', '-1', '1.5', ' 1', '1 2', '0x1', '1e3', '9'.repeat(21), 'x'.repeat(1 << 20)]) {
    assert.throws(() => parseNumber(text, 'rx_bytes'), {
      code: 'malformed',
      message: `traffic: rx_bytes is not a number: ${quote(text)}`,
    });
  }
});

test('a counter larger than a number can hold is left out', () => {
  assert.equal(parseNumber('9007199254740991', 'rx_bytes'), 9007199254740991);
  assert.equal(parseNumber('9007199254740993', 'rx_bytes'), null);
  assert.equal(parseNumber('18446744073709551615', 'rx_bytes'), null);
});

test('parseNumber gives a value or a SourceError for any text', () => {
  fc.assert(
    fc.property(anyText(['1000']), (text) => void isValueOrMalformed(() => parseNumber(text, 'rx_bytes'))),
    FEW_RUNS,
  );
});

/** The machine, but the kernel answers EINVAL for some paths. */
function refusing(machine: Machine, isRefused: (path: string) => boolean): Machine {
  const refused = machineWith({ '/refused': failing('EINVAL') });
  return { ...machine, readTextIfThere: (path) => (isRefused(path) ? refused.readTextIfThere('/refused') : machine.readTextIfThere(path)) };
}

type Taken = Awaited<ReturnType<typeof traffic.read>>;

test('a sample within half a second of the previous one repeats its rates', async () => {
  const archive = fixture('traffic', 'busy');
  const [old, machine] = [machineBefore(archive) as Machine, machineOf(archive)];
  const take = async (from: Machine, carried: Taken['carry'], monotonicMs: number) =>
    await traffic.read(from, { ...firstSample, carried, monotonicMs });
  const rates = (sample: Taken) => sample.value.interfaces.map((row) => [row.rx_bytes_per_second, row.tx_bytes_per_second]);
  const first = await take(old, undefined, 0);
  const second = await take(machine, first.carry, 3_000);
  // Counters are those of now all the same.
  const third = await take(machine, second.carry, 3_499);
  const fourth = await take(machine, third.carry, 3_500);
  assert.deepEqual(rates(first), [
    [null, null],
    [null, null],
  ]);
  assert.deepEqual(rates(second), [
    [500_000, 30_000],
    [16_667, 466_667],
  ]);
  assert.deepEqual([third.value, third.carry?.value], [second.value, second.carry?.value]);
  assert.deepEqual(rates(fourth), [
    [0, 0],
    [0, 0],
  ]);
  // Soon or not, a counter that fell has no rate.
  assert.deepEqual(rates(await take(old, second.carry, 3_100)), rates(first));
  const early = await take(machine, first.carry, 499);
  assert.deepEqual([rates(early), early.value.interfaces[0]?.rx_bytes], [rates(first), 9_303_000_000]);
});

test('an interface that disappears while it is read is left out', () => {
  const machine = machineOf(fixture('traffic', 'busy'));
  const names = (from: Machine) =>
    sampleValue<{ interfaces: { interface: string }[] }>('traffic', from).interfaces.map((row) => row.interface);
  assert.deepEqual(names(machine), ['eth0', 'wlan0']);
  for (const file of ['ifindex', 'statistics/rx_bytes', 'statistics/tx_dropped']) {
    assert.deepEqual(names(refusing(machine, (path) => path.endsWith(`/eth0/${file}`))), ['wlan0']);
  }
});

test('/proc/net/dev gives the values of the files in statistics', async () => {
  const machine = machineOf(fixture('traffic', 'net-dev'));
  const read: string[] = [];
  const withoutTable: Machine = {
    ...machine,
    readTextIfThere: (path) => (path === '/proc/net/dev' ? undefined : machine.readTextIfThere(path)),
  };
  const recording: Machine = {
    ...machine,
    readTextIfThere(path) {
      read.push(path.replace('/sys/class/net/', ''));
      return machine.readTextIfThere(path);
    },
  };
  const first = await traffic.read(recording, { ...firstSample, monotonicMs: 10_000 });
  assert.deepEqual(first, { ...(await traffic.read(withoutTable, { ...firstSample, monotonicMs: 10_000 })), metrics: first.metrics });
  assert.deepEqual(read.splice(0), ['/proc/net/dev', 'wlan0/statistics/rx_dropped', 'eth0/ifindex', 'lo/ifindex', 'wlan0/ifindex']);

  // While no link changes, the interfaces are the same.
  const next = { ...firstSample, carried: first.carry, monotonicMs: 12_000 };
  await traffic.read(recording, { ...next, ipMonitor: { sinceMs: 0, lines: [] } });
  assert.deepEqual(read.splice(0), ['/proc/net/dev', 'wlan0/statistics/rx_dropped']);
  await traffic.read(recording, { ...next, ipMonitor: { sinceMs: 0, lines: ['[LINK]2: eth0: <UP> mtu 1500'] } });
  assert.equal(read.length, 5);
});

testParser('parseNetDev', {
  parse: parseNetDev,
  real: [captured('traffic', 'net-dev', 'proc/net/dev')],
  malformed: [
    '  eth0 516 6 0 0 0 0 0 0 8706 25 0 0 0 0 0 0',
    '  eth0: 516 6 0 0 0 0 0 0 8706 25 0 0 0 0 0',
    '  eth0: 516 6 0 0 0 0 0 0 8706 25 0 0 0 0 0 0 0',
  ].map((row) => [`\n\n${row}\n`, `traffic: net/dev: expected an interface: ${quote(row)}`]),
});
