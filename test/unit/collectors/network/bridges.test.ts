import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseForwarding, parsePortNumber } from '../../../../src/collectors/network/bridges.js';
import { mac, record } from '../../../support/arbitraries.js';
import { fixture, fixtureBytes } from '../../../support/fixture.js';
import { quoted, testParser } from '../../../support/parser-cases.js';
import { machineWith, sampleValue } from '../../../support/sample.js';

testParser('parsePortNumber', {
  parse: parsePortNumber,
  real: ['0x1\n', '0x101\n'],
  malformed: quoted('bridge: port_no is not a number', '', '1\n', '0x\n', '0xg\n', '0x12345\n', ' 0x1\n'),
});

testParser('parseForwarding', {
  parse: (text) => parseForwarding(Buffer.from(text, 'latin1')),
  real: ['bridge-own', 'bridged'].map((name) =>
    fixtureBytes(fixture('bridges', name), 'sys/devices/virtual/net/br0/brforward').toString('latin1'),
  ),
  malformed: [1, 15, 17, 31].map((length) => ['x'.repeat(length), `brforward: ${length} bytes are not whole records`]),
});

test('parseForwarding reads back any table that the kernel writes', () => {
  const entry = record({
    mac,
    port: fc.integer({ min: 1, max: 1023 }),
    local: fc.boolean(),
    ageSeconds: fc.integer({ min: 0, max: 0xffff_ffff }).map((ticks) => ticks / 100),
  });
  fc.assert(
    fc.property(fc.array(entry), (entries) => {
      const bytes = Buffer.alloc(entries.length * 16);
      for (const [index, { mac: of, port, local, ageSeconds }] of entries.entries()) {
        bytes.write(of.replaceAll(':', ''), index * 16, 'hex');
        bytes.writeUInt8(port & 255, index * 16 + 6);
        bytes.writeUInt8(Number(local), index * 16 + 7);
        bytes.writeUInt32LE(Math.round(ageSeconds * 100), index * 16 + 8);
        bytes.writeUInt8(port >> 8, index * 16 + 12);
      }
      assert.deepEqual(parseForwarding(bytes), entries);
    }),
  );
});

test('a forwarding table over 256 KiB is an error', () => {
  const entry = Buffer.from('02000000010001000a00000000000000', 'hex').toString('latin1');
  const machine = machineWith({ '/sys/class/net/br0/brforward': entry.repeat(16_385) });
  assert.throws(() => sampleValue('bridges', machine), { code: 'too-large', message: /br0\/brforward: has more than 262144 bytes$/ });
});
