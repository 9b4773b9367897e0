import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quote } from '../../../src/errors.js';
import { parseDhcpRanges, rangeInterfaces } from '../../../src/parse/dhcp-range.js';
import { testConfigurationParser } from '../../support/configuration-cases.js';
import { captured, testParser } from '../../support/parser-cases.js';

testParser('parseDhcpRanges', {
  parse: (text) => parseDhcpRanges(text, '/etc/dnsmasq.conf'),
  real: [
    captured('dnsmasq', 'rig', 'etc/dnsmasq.d/ap.conf'),
    captured('dnsmasq', 'ap-sta', 'etc/dnsmasq.d/090_uap0.conf'),
    captured('dnsmasq', 'tags', 'etc/dnsmasq.conf'),
  ],
  malformed: [
    '',
    'wlan0',
    'wlan0,10.3.141',
    'a,b,10.3.141.50',
    '10.3.141,10.3.141.9',
    '10.3.141.500',
    ',10.3.141.50',
    'set:a',
    '10.3.141.50-10.3.141.99',
  ].map((value) => [`dhcp-range=${value}\n`, `/etc/dnsmasq.conf: dhcp-range does not start with an address: ${quote(value)}`]),
});
testConfigurationParser(
  'parseDhcpRanges of a file of RaspAP',
  (text) => parseDhcpRanges(text, '/etc/dnsmasq.d/090_wlan0.conf'),
  captured('dnsmasq', 'options', 'etc/dnsmasq.conf'),
);

test('rangeInterfaces finds the interfaces that a range is for', () => {
  const network = (name: string, address: string, prefixLength: number) => ({ interface: name, network: address, prefixLength });
  const range = (inLine: string | null, inFile: string[]) => ({ start: '10.3.141.50', interface: inLine, interfaces: inFile });
  const wlan0 = network('wlan0', '10.3.141.0', 24);
  const cases: [ReturnType<typeof range>, ReturnType<typeof network>[], string[]][] = [
    [range('eth9', ['wlan1']), [wlan0], ['eth9']],
    [range(null, ['wlan1']), [wlan0], ['wlan0']],
    [range(null, ['wlan1']), [network('eth0', '10.0.0.0', 8), wlan0], ['wlan0']],
    [range(null, ['wlan1']), [network('tun0', '0.0.0.0', 1)], ['wlan1']],
    [range(null, ['wlan1', 'wlan2']), [], ['wlan1', 'wlan2']],
    [range(null, []), [], []],
    [range(null, ['wlan1']), [wlan0, network('wlan1', '10.3.141.0', 24)], ['wlan1']],
    [range(null, []), [wlan0, network('wlan1', '10.3.141.0', 24)], ['wlan0', 'wlan1']],
  ];
  for (const [given, networks, names] of cases) assert.deepEqual(rangeInterfaces(given, networks), names);
});

test('an interface named __proto__ changes no prototype', () => {
  const before = Object.getOwnPropertyNames(Object.prototype);
  parseDhcpRanges('dhcp-range=interface:__proto__,10.0.0.1,10.0.0.9\n', '');
  assert.deepEqual(Object.getOwnPropertyNames(Object.prototype), before);
});
