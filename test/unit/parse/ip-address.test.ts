import assert from 'node:assert/strict';
import * as net from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { isIP, isIPv4 } from '../../../src/parse/ip-address.js';

test('addresses are recognized as Node.js recognizes them', () => {
  for (const text of [
    '',
    '0.0.0.0',
    '255.255.255.255',
    '192.0.2.256',
    '192.0.2.01',
    '192.0.2',
    '192.0.2.1.',
    '192.0.2.1%wlan0',
    '192.0.2.1\n',
    '::',
    '::1',
    '1::',
    ':::',
    ':1',
    '1:',
    '1::2::3',
    '2001:DB8::1',
    '2001:db8::12345',
    '1:2:3:4:5:6:7:8',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7::',
    '::2:3:4:5:6:7:8',
    '1:2:3:4::5:6:7:8',
    '1:2:3:4:5:6:7::8',
    '::ffff:192.0.2.1',
    '64:ff9b::192.0.2.1',
    '1:2:3:4:5:6:192.0.2.1',
    '1:2:3:4:5:6:7:192.0.2.1',
    '1:2:3:4:5::192.0.2.1',
    '1:2:3:4:5:6::192.0.2.1',
    '::192.0.2.1:1',
    '::192.0.2.256',
    'fe80::1%wlan0',
    'fe80::1%br-lan.10:1',
    'fe80::1%',
    'fe80::1%a%b',
    'fe80::1%a b',
    'fe80::g',
    '::1\n',
  ]) {
    assert.equal(isIP(text), net.isIP(text), JSON.stringify(text));
    assert.equal(isIPv4(text), net.isIPv4(text), JSON.stringify(text));
  }
});

test('any other text is recognized as Node.js recognizes it', () => {
  const parts = ['0', '1', '25', '99', '256', 'a', 'ffff', '12345', ':', ':', ':', '::', '.', '%', '-', 'z', '192.0.2.1'];
  fc.assert(
    fc.property(
      fc.oneof(
        fc.ipV4(),
        fc.ipV6(),
        fc.array(fc.constantFrom(...parts), { maxLength: 20 }).map((all) => all.join('')),
      ),
      (text) => {
        assert.equal(isIP(text), net.isIP(text));
      },
    ),
    { numRuns: 5_000 },
  );
});
