import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostapd } from '../../../../src/collectors/wifi/hostapd.js';
import type { Sample } from '../../../../src/model/collector.js';
import { firstSample, machineWith, sampleValue } from '../../../support/sample.js';

test('a process that ends between listing and reading is skipped', () => {
  const machine = machineWith({ '/proc/350/comm': 'hostapd\n' });
  assert.deepEqual(sampleValue('hostapd', { ...machine, list: (path) => ['349', ...machine.list(path)] }), { running: true });
});

test('a process that two samples rejected is not read again within 60 s', () => {
  const machine = machineWith({ '/proc/1/comm': 'systemd\n', '/proc/350/comm': 'dnsmasq\n', '/proc/uptime': '1.0 1.0\n' });
  let carried: unknown;
  /** Takes a sample, and returns which processes it read. */
  function readAt(monotonicMs: number, from = machine, thorough = false): string[] {
    const read: string[] = [];
    const recording: typeof machine = {
      ...from,
      readTextIfThere(path) {
        read.push(path.replace(/^\/proc\/(\d+)\/comm$/, '$1'));
        return from.readTextIfThere(path);
      },
    };
    const sample = hostapd.read(recording, { ...firstSample, carried: carried as never, monotonicMs, thorough }) as Sample<
      unknown,
      unknown
    >;
    carried = sample.carry;
    return read;
  }
  assert.deepEqual(readAt(0), ['1', '350']);
  assert.deepEqual(readAt(5_000), ['1', '350']);
  assert.deepEqual(readAt(10_000), []);
  assert.deepEqual(readAt(15_000, machineWith({ '/proc/1/comm': 'systemd\n', '/proc/351/comm': 'sh\n' })), ['351']);
  assert.deepEqual(readAt(20_000, machine, true), ['1', '350'], 'a client requests it');
  assert.deepEqual(readAt(25_000), ['1', '350']);
  assert.deepEqual(readAt(79_999), []);
  assert.deepEqual(readAt(80_000), ['1', '350']);
  // A process that was about to execute hostapd.
  assert.deepEqual(readAt(85_000, machineWith({ '/proc/1/comm': 'systemd\n', '/proc/350/comm': 'hostapd\n' })), ['1', '350']);
  assert.deepEqual(readAt(90_000, machineWith({ '/proc/350/comm': 'hostapd\n' })), ['350']);
});
