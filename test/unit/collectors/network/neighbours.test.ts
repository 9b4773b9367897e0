import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type Neighbour, neighbours, parseArp, parseNeigh, parseNeighLine } from '../../../../src/collectors/network/neighbours.js';
import { quote } from '../../../../src/errors.js';
import { ipv4, mac, record, word } from '../../../support/arbitraries.js';
import { fixture, fixtureText, ipMonitorOf } from '../../../support/fixture.js';
import { createMemoryMachine } from '../../../support/memory-machine.js';
import { captured, quoted, testParser } from '../../../support/parser-cases.js';
import { firstSample } from '../../../support/sample.js';

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

describe('a line of ip monitor', () => {
  const mac_address = '02:00:00:00:02:00';
  const neighbour = (ip_address: string, state: Neighbour['state'] | null) => ({
    interface: 'wlan0',
    ip_address,
    neighbour: state && { interface: 'wlan0', mac_address, ip_address, state },
  });
  const cases: Readonly<Record<string, ReturnType<typeof neighbour> | undefined>> = {
    '10.3.141.93 dev wlan0 lladdr 02:00:00:00:02:00 REACHABLE ': neighbour('10.3.141.93', 'REACHABLE'),
    '10.3.141.93 dev wlan0 lladdr 02:00:00:00:02:00 STALE proto zebra ': neighbour('10.3.141.93', 'STALE'),
    'fe80::1 dev wlan0 lladdr 02:00:00:00:02:00 router STALE ': neighbour('fe80::1', 'STALE'),
    'fe80::1 dev wlan0 lladdr 02:00:00:00:02:00 router extern_learn PROBE ': neighbour('fe80::1', 'PROBE'),
    '10.3.141.93 dev wlan0 FAILED ': neighbour('10.3.141.93', null),
    'Deleted 10.3.141.93 dev wlan0 FAILED ': neighbour('10.3.141.93', null),
    'Deleted 10.3.141.93 dev wlan0 lladdr 02:00:00:00:02:00 REACHABLE ': neighbour('10.3.141.93', null),
    '10.3.141.93 dev wlan0 lladdr 02:00:00:00:02:00 NOARP ': neighbour('10.3.141.93', null),
    '10.3.141.93 dev wlan0 lladdr 01:00:5e:00:00:16 REACHABLE ': neighbour('10.3.141.93', null),
    // The forwarding tables of a bridge and of VXLAN, a proxy entry, and a request to a daemon.
    'dev wlan0 lladdr 02:00:00:00:02:00 PERMANENT ': undefined,
    'Deleted dev wlan0 lladdr 02:00:00:00:02:00 PERMANENT ': undefined,
    '10.0.0.98 dev vx0 lladdr 02:00:00:00:00:78 NOARP PERMANENT ': undefined,
    '10.0.0.7 dev wlan0 proxy ': undefined,
    'Deleted 10.0.0.7 dev wlan0 proxy ': undefined,
    'miss 10.0.0.7 dev wlan0 INCOMPLETE ': undefined,
    '': undefined,
    '10.3.141.93': undefined,
    '10.3.141.93 dev': undefined,
  };
  for (const [line, event] of Object.entries(cases)) {
    test(line, () => assert.deepEqual(parseNeighLine(`[NEIGH]${line}`), event && { ...event, neighbour: event.neighbour ?? undefined }));
  }

  test('about an address or a link is ignored', () => {
    for (const line of [
      '[ADDR]3: v0    inet 10.0.0.1/24 scope global v0',
      '[LINK]4: br0: <BROADCAST,MULTICAST> mtu 1500',
      '10.0.0.1 dev v0',
    ]) {
      assert.equal(parseNeighLine(line), undefined);
    }
  });
});

describe('neighbours that are followed', () => {
  const from = fixture('neighbours', 'followed-6.1');
  const [before, after] = ['before/cmd/ip -j neigh show', 'cmd/ip -j neigh show'].map((path) => fixtureText(from, path)) as [
    string,
    string,
  ];
  const lines = ipMonitorOf(from)?.lines ?? [];
  const byKey = (rows: readonly Neighbour[]) => [...rows].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  let dumps = 0;
  const printing = (text: string) => {
    const machine = createMemoryMachine([['cmd/ip -j neigh show', text]]);
    return {
      ...machine,
      run: (program: string, args: readonly string[]) => {
        dumps++;
        return machine.run(program, args);
      },
    };
  };
  const first = () => neighbours.read(printing(before), { ...firstSample, monotonicMs: 10_000 });
  type Carried = NonNullable<Awaited<ReturnType<typeof first>>['carry']>;
  /** Takes the next sample, and returns whether it was a dump. */
  async function next(carried: Carried | undefined, sampling: Partial<typeof firstSample>, machine = printing(after)) {
    dumps = 0;
    const sample = await neighbours.read(machine, { ...firstSample, monotonicMs: 12_000, ...sampling, carried });
    return { ...sample, isDump: dumps === 1 };
  }

  test('lines give the same table as a dump, once or twice, all at once or one by one', async () => {
    const { carry } = await first();
    const expected = byKey(parseNeigh(after));
    for (const printed of [lines, [...lines, ...lines]]) {
      const sample = await next(carry, { ipMonitor: { sinceMs: 0, lines: printed } });
      assert.deepEqual([sample.isDump, byKey(sample.value.neighbours)], [false, expected]);
    }
    let carried = carry;
    for (const line of lines) carried = (await next(carried, { ipMonitor: { sinceMs: 0, lines: [line] } })).carry;
    assert.deepEqual(byKey(carried?.value.neighbours ?? []), expected);
  });

  test('without lines, the value is the same object', async () => {
    const { value, carry } = await first();
    const others = lines.filter((line) => !line.startsWith('[NEIGH]1') && !line.startsWith('[NEIGH]Deleted 1') && !line.includes(' fd'));
    assert.equal((await next(carry, { ipMonitor: { sinceMs: 0, lines: [] } })).value, value);
    assert.notEqual((await next(carry, { ipMonitor: { sinceMs: 0, lines: others } })).value, value);
    const repeated = '[NEIGH]10.0.0.3 dev eth0 lladdr 02:00:00:00:01:03 STALE ';
    assert.equal((await next(carry, { ipMonitor: { sinceMs: 0, lines: [repeated] } })).value, value);
    assert.equal((await next(carry, {}, printing(before))).value, value, 'a dump of the same table');
  });

  test('a dump keeps the order of rows, whatever order the kernel has', async () => {
    const { carry, value } = await first();
    const [one, ...others] = JSON.parse(before) as unknown[];
    const isNew = { dst: '10.9.9.9', dev: 'eth0', lladdr: '02:00:00:00:09:09', state: ['STALE'] };
    const sample = await next(carry, {}, printing(JSON.stringify([isNew, ...others.reverse(), one])));
    assert.deepEqual(sample.value.neighbours.slice(0, -1), value.neighbours);
    assert.equal(sample.value.neighbours.at(-1)?.ip_address, '10.9.9.9');
  });

  const quiet = { sinceMs: 0, lines: [] };
  const cases: Readonly<Record<string, { sampling: Partial<typeof firstSample>; isDump: boolean }>> = {
    'while ip monitor runs, no program is started': { sampling: { ipMonitor: quiet }, isDump: false },
    'while ip monitor is not running, each sample is a dump': { sampling: { ipMonitor: undefined }, isDump: true },
    'a sample that a client requests is a dump': { sampling: { ipMonitor: quiet, thorough: true }, isDump: true },
    'after 60 s, a sample is a dump': { sampling: { ipMonitor: quiet, monotonicMs: 70_000 }, isDump: true },
    'before that, it is not': { sampling: { ipMonitor: quiet, monotonicMs: 69_999 }, isDump: false },
    'a dump from before ip monitor started is not followed': { sampling: { ipMonitor: { ...quiet, sinceMs: 11_000 } }, isDump: true },
    'a dump from the second after it started is not followed': { sampling: { ipMonitor: { ...quiet, sinceMs: 9_001 } }, isDump: true },
    'a dump from later is followed': { sampling: { ipMonitor: { ...quiet, sinceMs: 9_000 } }, isDump: false },
  };
  for (const [title, { sampling, isDump }] of Object.entries(cases)) {
    test(title, async () => {
      const { carry } = await first();
      const sample = await next(carry, sampling);
      assert.equal(sample.isDump, isDump);
      assert.equal(sample.carry?.dumpedAtMs, isDump ? (sampling.monotonicMs ?? 12_000) : 10_000);
    });
  }

  test('the first sample is a dump', async () => {
    assert.equal((await next(undefined, { ipMonitor: quiet })).isDump, true);
  });

  test('a dump replaces the lines that came before it', async () => {
    const { carry } = await first();
    const sample = await next(carry, { thorough: true, ipMonitor: { sinceMs: 0, lines } }, printing(before));
    assert.deepEqual(sample.value.neighbours, parseNeigh(before));
  });
});
