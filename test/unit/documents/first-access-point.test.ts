import assert from 'node:assert/strict';
import { test } from 'node:test';
import { firstAtStart } from '../../../src/documents/first-access-point.js';

test('firstAtStart puts the access point first that RaspAP configures', () => {
  const known = (file: string, name: string) => ({ file: `/etc/hostapd/${file}`, interface: name });
  const [plain, first, second] = [
    known('hostapd.conf', 'wlan0'),
    known('hostapd-wlan0.conf', 'wlan0'),
    known('hostapd-wlan1.conf', 'wlan1'),
  ];
  const choice = (wifiInterface: string | null, dualApEnable = false) => ({ wifiInterface, dualApEnable });
  const all = [plain, first, second];
  assert.deepEqual(firstAtStart(all, undefined), [plain, first, second]);
  assert.deepEqual(firstAtStart(all, choice(null)), [plain, first, second]);
  assert.deepEqual(firstAtStart(all, choice('wlan0')), [plain, first, second]);
  assert.deepEqual(firstAtStart(all, choice('wlan1')), [second, plain, first]);
  assert.deepEqual(firstAtStart(all, choice('wlan0', true)), [first, plain, second]);
  assert.deepEqual(firstAtStart(all, choice('wlan1', true)), [second, first, plain]);
  assert.deepEqual(firstAtStart(all, choice('wlan7', true)), [first, second, plain]);
  assert.deepEqual(firstAtStart([known('hostapd.conf', '')], choice('')), [known('hostapd.conf', '')]);
});
