import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseLeases } from '../../../../src/collectors/dns-dhcp/leases.js';
import { quote } from '../../../../src/errors.js';
import { hex, ipv4, mac, record, word } from '../../../support/arbitraries.js';
import type { MemoryEntry } from '../../../support/memory-machine.js';
import { captured, testParser } from '../../../support/parser-cases.js';
import { closedFolder, machineWith, sampleValue, unreadable } from '../../../support/sample.js';

const leaseFile = 'var/lib/misc/dnsmasq.leases';

testParser('parseLeases', {
  parse: parseLeases,
  real: ['rig', 'ipv6', 'unnamed', 'hardware-type', 'no-ethernet', 'dnsmasq-2.92'].map((name) => captured('leases', name, leaseFile)),
  malformed: [
    '1795500557',
    '1795500557 02:00:00:00:03:00',
    '1795500557 02:00:00:00:03:00 10.3.141.166 tv',
    '-1 02:00:00:00:03:00 10.3.141.166 tv *',
    'soon 02:00:00:00:03:00 10.3.141.166 tv *',
    '1795500557 02:00:00:00:03:zz 10.3.141.166 tv *',
    '1795500557 02-00-00-00-03-00 10.3.141.166 tv *',
    '1795500557 02:00:00:00:03:00 10.3.141.999 tv *',
    '1795500557 02:00:00:00:03:00 fd00::1 tv *',
    '1795500557 T fd00::1 tv *',
    '1795500557 02:00:00:00:03:00 10.3.141.166 t v *',
    'duid',
    'duid none at all',
    'vendorclass 10.3.141.166',
    `1795500557 02:00:00:00:03:00 10.3.141.166 ${'x'.repeat(300)} *`,
  ].map((row) => [`${captured('leases', 'rig', leaseFile)}${row}\n`, `leases: line 4 is not a lease: ${quote(row)}`]),
});

test('parseLeases reads back any leases that dnsmasq writes', () => {
  const expiry = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 4e9 }));
  const identifier = fc.option(
    fc.uint8Array({ minLength: 1, maxLength: 60 }).map((bytes) => [...bytes].map((part) => hex(part)).join(':')),
  );
  const v4 = record({ expiry, mac_address: mac, ip_address: ipv4, hostname: fc.option(word), client_id: identifier });
  const v6 = record({ expiry, mac_address: fc.constant(null), ip_address: fc.ipV6(), hostname: fc.option(word), client_id: identifier });
  fc.assert(
    fc.property(fc.array(v4), fc.array(v6), fc.boolean(), (old, modern, temporary) => {
      const row = (second: string, { expiry, ip_address, hostname, client_id }: (typeof old | typeof modern)[number]) =>
        `${expiry} ${second} ${ip_address} ${hostname ?? '*'} ${client_id ?? '*'}\n`;
      const lines = [
        ...old.map((one) => row(one.mac_address, one)),
        'duid 00:01:00:01:32:97:5b:8c:52:54:00:12:34:56\n',
        ...modern.map((one, index) => row(`${temporary ? 'T' : ''}${index}`, one)),
      ];
      assert.deepEqual(parseLeases(lines.join('')), [...old, ...modern]);
    }),
  );
});

test('an unreadable file is an error', () => {
  const file = '/var/lib/misc/dnsmasq.leases';
  assert.throws(() => sampleValue('leases', machineWith({ [file]: unreadable('') })), {
    code: 'permission',
    message: `${file}: permission denied`,
  });
});

test('a lease file over 16 MiB is an error', () => {
  const machine = machineWith({ '/var/lib/misc/dnsmasq.leases': ' '.repeat((16 << 20) + 1) });
  assert.throws(() => sampleValue('leases', machine), { code: 'too-large', message: /dnsmasq\.leases: has more than 16777216 bytes$/ });
});

test('leases are read although a file or the folder of dnsmasq is unreadable', () => {
  const configuration = 'dhcp-leasefile=/nowhere\n';
  const leases = { '/var/lib/misc/dnsmasq.leases': '1795500557 02:00:00:00:03:00 10.3.141.166 tv *\n' };
  const count = (entries: Readonly<Record<string, MemoryEntry>>) =>
    sampleValue<{ leases: unknown[] }>('leases', machineWith({ ...leases, ...entries })).leases.length;
  assert.equal(count({ '/etc/dnsmasq.d/vpn.conf': unreadable(configuration) }), 1);
  assert.equal(count({ '/etc/dnsmasq.d/vpn.conf': configuration, '/etc/dnsmasq.d': closedFolder }), 1);
});

test('leases are read although dnsmasq has too many files', () => {
  const files = Array.from({ length: 1_001 }, (_, index) => [`/etc/dnsmasq.d/${index}.conf`, 'dhcp-leasefile=/nowhere\n'] as const);
  const machine = machineWith({
    ...Object.fromEntries(files),
    '/var/lib/misc/dnsmasq.leases': '0 02:00:00:00:01:00 10.3.141.10 alice *\n',
  });
  assert.equal(sampleValue<{ leases: unknown[] }>('leases', machine).leases.length, 1);
});
