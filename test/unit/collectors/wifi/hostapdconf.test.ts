import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseHostapdConf } from '../../../../src/collectors/wifi/hostapdconf.js';
import { testConfigurationParser } from '../../../support/configuration-cases.js';
import { captured } from '../../../support/parser-cases.js';
import { closedFolder, machineWith, sampleValue, unreadable } from '../../../support/sample.js';

const hostapd = (text: string) => parseHostapdConf(text, 'hostapd.conf');

testConfigurationParser('parseHostapdConf', hostapd, captured('hostapdconf', 'several-networks-of-a-radio', 'etc/hostapd/hostapd.conf'));

test('text that is not a configuration is rejected, and the message quotes none of it', () => {
  const refused: [string, string][] = [
    ['', 'hostapd.conf: is empty, expected key=value lines'],
    ['wpa_passphrase=Secret\0', 'hostapd.conf: has NUL bytes, expected a configuration file'],
    ['wpa_passphrase Secret\n', 'hostapd.conf: has no line key=value'],
    ['#wpa_passphrase=Secret\n', 'hostapd.conf: has no line key=value'],
    ['\n\n', 'hostapd.conf: has no line key=value'],
    ['interface=wlan0\r\nssid=a\rwpa_passphrase=Secret\r', 'hostapd.conf: line 2: contains a carriage return'],
    [`wpa_passphrase=Secret\n${'bss=Secret\n'.repeat(100)}`, 'hostapd.conf: line 65: more than 64 networks'],
  ];
  for (const [text, message] of refused) assert.throws(() => hostapd(text), { code: 'malformed', message });
});

test('blanks belong to keys and values', () => {
  const [first] = hostapd(' channel=1\nchannel =2\nssid= a \nhw_mode=\n');
  assert.deepEqual([first?.channel, first?.ssid, first?.hw_mode], ['', ' a ', '']);
});

test('an unreadable file or folder is an error', () => {
  const file = '/etc/hostapd/wlan0.conf';
  const text = 'interface=wlan0\n';
  assert.throws(() => sampleValue('hostapdconf', machineWith({ [file]: unreadable(text) })), {
    code: 'permission',
    message: `${file}: permission denied`,
  });
  assert.throws(() => sampleValue('hostapdconf', machineWith({ [file]: text, '/etc/hostapd': closedFolder })), {
    code: 'permission',
    message: '/etc/hostapd: permission denied',
  });
});
