import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { addresses, parseAddr } from '../../../../src/collectors/network/addresses.js';
import { quote } from '../../../../src/errors.js';
import { createMemoryMachine } from '../../../support/memory-machine.js';
import { anyText, FEW_RUNS, isValueOrMalformed } from '../../../support/parser-cases.js';
import { firstSample } from '../../../support/sample.js';

describe('addresses', () => {
  const real = { ifname: 'wlan0', addr_info: [{ family: 'inet', local: '10.3.141.1', prefixlen: 24, scope: 'global' }] };
  const parsed = { interface: 'wlan0', family: 'inet', address: '10.3.141.1', prefixLength: 24, scope: 'global' };

  test('text that is not a JSON array is rejected', () => {
    for (const text of ['[', '{}', 'null', '1', '[]]', '1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536\n']) {
      assert.throws(() => parseAddr(text), { code: 'malformed', message: `ip -j addr: expected a JSON array: ${quote(text)}` });
    }
    assert.deepEqual(parseAddr(''), []);
  });

  test('entries whose fields are of another type are skipped', () => {
    const [address] = real.addr_info;
    const odd = [
      null,
      1,
      'x',
      [],
      {},
      { ...real, ifname: 1 },
      { ...real, addr_info: {} },
      { ...real, addr_info: [null, 1, 'x', [], {}] },
      ...[
        { family: 'link' },
        { family: 'inet6' },
        { local: '10.3.141' },
        { local: { toString: 1 } },
        { prefixlen: 33 },
        { prefixlen: -1 },
        { prefixlen: 1.5 },
        { prefixlen: '24' },
      ].map((part) => ({ ...real, addr_info: [{ ...address, ...part }] })),
    ];
    assert.deepEqual(parseAddr(JSON.stringify([...odd, real])), [parsed]);
  });

  test('a scope without a name counts as global', () => {
    assert.deepEqual(parseAddr(JSON.stringify([{ ...real, addr_info: [{ ...real.addr_info[0], scope: 200 }] }])), [parsed]);
  });

  test('any text gives a value or a SourceError', () => {
    fc.assert(
      fc.property(anyText([JSON.stringify([real])]), (text) => void isValueOrMalformed(() => parseAddr(text))),
      FEW_RUNS,
    );
  });
});

describe('addresses that are followed', () => {
  const printing = (local: string) =>
    createMemoryMachine([['cmd/ip -j addr', JSON.stringify([{ ifname: 'eth0', addr_info: [{ family: 'inet', local, prefixlen: 24 }] }])]]);
  const neigh = '[NEIGH]10.3.141.93 dev wlan0 lladdr 02:00:00:00:02:00 REACHABLE ';
  const cases: Readonly<Record<string, { sampling: Partial<typeof firstSample>; isDump: boolean }>> = {
    'without a change, no program is started': { sampling: { ipMonitor: { sinceMs: 0, lines: [neigh] } }, isDump: false },
    'if an address changes, they are dumped': {
      sampling: { ipMonitor: { sinceMs: 0, lines: [neigh, '[ADDR]5: eth1    inet 10.0.1.9/24 scope global secondary eth1'] } },
      isDump: true,
    },
    'if an address is removed, they are dumped': {
      sampling: { ipMonitor: { sinceMs: 0, lines: ['[ADDR]Deleted 5: eth1    inet 10.0.1.9/24 scope global secondary eth1'] } },
      isDump: true,
    },
    'if a link changes, they are dumped': {
      sampling: { ipMonitor: { sinceMs: 0, lines: ['[LINK]2: w1@v0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500'] } },
      isDump: true,
    },
    'while ip monitor is not running, each sample is a dump': { sampling: {}, isDump: true },
    'a sample that a client requests is a dump': { sampling: { ipMonitor: { sinceMs: 0, lines: [] }, thorough: true }, isDump: true },
    'after a gap, they are dumped': { sampling: { ipMonitor: { sinceMs: 11_000, lines: [] } }, isDump: true },
    'after 60 s, they are dumped': { sampling: { ipMonitor: { sinceMs: 0, lines: [] }, monotonicMs: 70_000 }, isDump: true },
  };
  for (const [title, { sampling, isDump }] of Object.entries(cases)) {
    test(title, async () => {
      const first = await addresses.read(printing('10.0.0.1'), { ...firstSample, monotonicMs: 10_000 });
      const next = await addresses.read(printing('10.0.0.2'), { ...firstSample, monotonicMs: 20_000, ...sampling, carried: first.carry });
      assert.equal(next.value.addresses[0]?.address, isDump ? '10.0.0.2' : '10.0.0.1');
      if (!isDump) assert.equal(next.value, first.value, 'it is the same object');
    });
  }
});
