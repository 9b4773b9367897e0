import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseArp, parseNeigh } from '../../../../src/collectors/network/neighbours.js';
import { quote } from '../../../../src/errors.js';
import { ipv4, mac, record, word } from '../../../support/arbitraries.js';
import { captured, quoted, testParser } from '../../../support/parser-cases.js';

const arpHeader = 'IP address       HW type     Flags       HW address            Mask     Device\n';

testParser('parseNeigh', {
  parse: parseNeigh,
  real: ['rig', 'ipv6', 'states', 'nobody'].map((name) => captured('neighbours', name, 'cmd/ip -j neigh show')),
  malformed: quoted(
    'ip -j neigh: expected a JSON array',
    '[',
    '[{}',
    '{}',
    'null',
    '"neighbours"',
    '1',
    '[]]',
    '10.3.141.93 dev wlan0 lladdr 02:00:00:00:02:00 REACHABLE \n',
  ),
});

testParser('parseArp', {
  parse: parseArp,
  real: [captured('neighbours', 'no-ip', 'proc/net/arp'), captured('neighbours', 'no-ip-incomplete', 'proc/net/arp')],
  malformed: [
    '10.3.141.93',
    '10.3.141.93      0x1         0x2         02:00:00:00:02:00     *',
    'gateway          0x1         0x2         02:00:00:00:02:00     *        wlan0',
    '10.3.141.93      1           2           02:00:00:00:02:00     *        wlan0',
  ].map((row) => [`${arpHeader}${row}\n`, `arp: expected an entry: ${quote(row)}`]),
});

test('neighbours with fields of another type are skipped', () => {
  const odd = [null, 1, 'x', [], {}, { lladdr: { toString: 1 } }, { lladdr: ['02:00:00:00:02:00'] }, { state: 'REACHABLE' }, { state: {} }];
  const right = { dst: '10.3.141.93', dev: 'wlan0', lladdr: '02:00:00:00:02:00', state: ['REACHABLE'] };
  const all = [...odd, ...odd.map((row) => ({ ...right, ...Object(row) })).filter((row) => JSON.stringify(row) !== JSON.stringify(right))];
  assert.deepEqual(parseNeigh(JSON.stringify([...all.filter((row) => typeof row !== 'string'), right])).at(-1), {
    interface: 'wlan0',
    mac_address: '02:00:00:00:02:00',
    ip_address: '10.3.141.93',
    state: 'REACHABLE',
  });
  for (const part of [
    { dst: 1 },
    { dst: 'x' },
    { dev: null },
    { lladdr: null },
    { lladdr: { toString: 1 } },
    { state: ['NOARP'] },
    { state: null },
  ]) {
    assert.deepEqual(parseNeigh(JSON.stringify([{ ...right, ...part }])), [], JSON.stringify(part));
  }
});

test('parseArp reads back any table that the kernel writes', () => {
  const entry = record({ interface: word, mac_address: mac, ip_address: ipv4 });
  fc.assert(
    fc.property(fc.array(entry), (entries) => {
      const rows = entries.map(
        (one) => `${one.ip_address.padEnd(16)} 0x1         0x2         ${one.mac_address}     *        ${one.interface}\n`,
      );
      assert.deepEqual(
        parseArp(arpHeader + rows.join('')),
        entries.map((one) => ({ ...one, state: null })),
      );
    }),
  );
});

test('an entry with a prototype changes no prototype', () => {
  const before = Object.getOwnPropertyNames(Object.prototype);
  const proto = '{"__proto__":{"lladdr":"02:00:00:00:02:00"},"dst":"10.3.141.93","dev":"wlan0","state":["REACHABLE"]}';
  assert.deepEqual(parseNeigh(`[${proto}]`), []);
  assert.deepEqual(Object.getOwnPropertyNames(Object.prototype), before);
  assert.equal(({} as { lladdr?: string }).lladdr, undefined);
});
