import assert from 'node:assert/strict';
import { test } from 'node:test';
import { machineWith, sampleValue } from '../../../support/sample.js';

test('a process that ends between listing and reading is skipped', () => {
  const machine = machineWith({ '/proc/350/comm': 'hostapd\n' });
  assert.deepEqual(sampleValue('hostapd', { ...machine, list: (path) => ['349', ...machine.list(path)] }), { running: true });
});
