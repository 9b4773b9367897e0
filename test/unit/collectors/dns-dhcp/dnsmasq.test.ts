import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseServers, parseStaticLeases } from '../../../../src/collectors/dns-dhcp/dnsmasq.js';
import { testConfigurationParser } from '../../../support/configuration-cases.js';
import { captured } from '../../../support/parser-cases.js';
import { closedFolder, fifo, machineWith, sampleValue } from '../../../support/sample.js';

testConfigurationParser('parseStaticLeases', parseStaticLeases, captured('dnsmasq', 'fixed-leases', 'etc/dnsmasq.conf'));
testConfigurationParser('parseServers', parseServers, captured('dnsmasq', 'servers', 'etc/dnsmasq.conf'));

test('an unreadable folder is an error', () => {
  const machine = machineWith({ '/etc/dnsmasq.d/090_wlan0.conf': 'dhcp-range=10.3.141.50,12h\n', '/etc/dnsmasq.d': closedFolder });
  assert.throws(() => sampleValue('dnsmasq', machine), { code: 'permission', message: '/etc/dnsmasq.d: permission denied' });
});

test('a FIFO next to the files is skipped', () => {
  const machine = machineWith({
    '/etc/dnsmasq.d/090_wlan0.conf': 'dhcp-range=10.3.141.50,10.3.141.255,12h\n',
    '/etc/dnsmasq.d/pipe': fifo,
  });
  assert.equal(sampleValue<{ ranges: unknown[] }>('dnsmasq', machine).ranges.length, 1);
});

test('a list of blocked names among the files costs nothing, other text over 256 KiB is an error', () => {
  const list = Array.from({ length: 200_000 }, (_, index) => `local=/ads${index}.tracker.example/\n`).join('');
  const machine = machineWith({
    '/etc/dnsmasq.d/list.conf': `${list}server=9.9.9.9\n`,
    '/etc/dnsmasq.d/range.conf': 'dhcp-range=10.3.141.50,12h\n',
  });
  const { ranges, servers } = sampleValue<{ ranges: unknown[]; servers: string[] }>('dnsmasq', machine);
  assert.deepEqual([ranges.length, servers], [1, ['9.9.9.9']]);
  const long = machineWith({ '/etc/dnsmasq.d/hosts.conf': 'dhcp-host=x\n'.repeat(25_000) });
  assert.throws(() => sampleValue('dnsmasq', long), { code: 'too-large', message: /hosts\.conf: has more than 262144 characters besides/ });
});

test('a file name cannot forge a line in the message', () => {
  assert.throws(() => sampleValue('dnsmasq', machineWith({ '/etc/dnsmasq.d/a\nkey  ok\u001b[2J': 'dhcp-range=here\n' })), {
    message: '/etc/dnsmasq.d/a\\u000akey  ok\\u001b[2J: dhcp-range does not start with an address: "here"',
  });
});

test('more than 1,000 files are an error', () => {
  const files = Array.from({ length: 1_001 }, (_, index) => [`/etc/dnsmasq.d/${index}.conf`, ''] as const);
  assert.throws(() => sampleValue('dnsmasq', machineWith(Object.fromEntries(files))), {
    code: 'too-large',
    message: /dnsmasq\.d: has more than 1000 files$/,
  });
});
