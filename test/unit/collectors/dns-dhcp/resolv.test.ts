import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseResolv } from '../../../../src/collectors/dns-dhcp/resolv.js';
import { testConfigurationParser } from '../../../support/configuration-cases.js';
import { captured } from '../../../support/parser-cases.js';
import { machineWith, sampleValue, unreadable } from '../../../support/sample.js';

testConfigurationParser('parseResolv', (text) => parseResolv(text, 'resolv.conf'), captured('resolv', 'system-only', 'etc/resolv.conf'));

test('an unreadable file is an error', () => {
  const file = '/run/dnsmasq/resolv.conf';
  assert.throws(() => sampleValue('resolv', machineWith({ [file]: unreadable('') })), {
    code: 'permission',
    message: `${file}: permission denied`,
  });
});

test('a file with NUL bytes is rejected without being quoted', () => {
  assert.throws(() => parseResolv('authtoken Secret\0', '/etc/resolv.conf'), {
    code: 'malformed',
    message: /^\/etc\/\S+: has NUL bytes, expected a configuration file$/,
  });
});

test('name servers are read although a file of dnsmasq is unreadable', () => {
  const machine = machineWith({
    '/etc/dnsmasq.d/vpn.conf': unreadable('resolv-file=/nowhere\n'),
    '/etc/resolv.conf': 'nameserver 9.9.9.9\n',
  });
  assert.deepEqual(sampleValue('resolv', machine), { files: [{ file: '/etc/resolv.conf', nameServers: ['9.9.9.9'] }] });
});
