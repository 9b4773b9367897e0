import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDhcpcd } from '../../../../src/collectors/dns-dhcp/dhcpcd.js';
import { testConfigurationParser } from '../../../support/configuration-cases.js';
import { captured } from '../../../support/parser-cases.js';
import { machineWith, sampleValue, unreadable } from '../../../support/sample.js';

testConfigurationParser('parseDhcpcd', parseDhcpcd, captured('dhcpcd', 'other-blocks', 'etc/dhcpcd.conf'));

test('an unreadable file is an error', () => {
  const file = '/etc/dhcpcd.conf';
  assert.throws(() => sampleValue('dhcpcd', machineWith({ [file]: unreadable('') })), {
    code: 'permission',
    message: `${file}: permission denied`,
  });
});

test('a file with NUL bytes is rejected without being quoted', () => {
  assert.throws(() => parseDhcpcd('authtoken Secret\0'), {
    code: 'malformed',
    message: /^\/etc\/\S+: has NUL bytes, expected a configuration file$/,
  });
});
