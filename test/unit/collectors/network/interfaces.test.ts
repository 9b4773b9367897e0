import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { interfaces, parseIpv6Route, parseRoute } from '../../../../src/collectors/network/interfaces.js';
import { quote } from '../../../../src/errors.js';
import type { Machine } from '../../../../src/machine/machine.js';
import { hex, ipv4, record } from '../../../support/arbitraries.js';
import { fixture, machineOf } from '../../../support/fixture.js';
import { captured, testParser } from '../../../support/parser-cases.js';
import { failing, firstSample, machineWith, sampleValue, unreadable } from '../../../support/sample.js';

const routeHeader = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n';

testParser('parseRoute', {
  parse: parseRoute,
  real: ['rig', 'ap-sta-wireguard', 'blackhole-two-uplinks', 'bridged'].map((name) => captured('interfaces', name, 'proc/net/route')),
  malformed: [
    'eth0 default 192.168.1.1',
    'eth0\t00000000\t0202000A\t0003',
    'eth0\t0000000\t0202000A\t0003\t0\t0\t100\t00000000\t0\t0\t0',
    'eth0\t0000000g\t0202000A\t0003\t0\t0\t100\t00000000\t0\t0\t0',
    'eth0\t00000000\t0202000A\t0003\t0\t0\tx\t00000000\t0\t0\t0',
  ].map((row) => [`${routeHeader}${row}\n`, `route: expected a route: ${quote(row)}`]),
});

testParser('parseIpv6Route', {
  parse: parseIpv6Route,
  real: ['rig', 'ap-sta-wireguard', 'blackhole-two-uplinks'].map((name) => captured('interfaces', name, 'proc/net/ipv6_route')),
  malformed: [
    'default via fe80::1 dev eth0',
    ' ',
    `${'0'.repeat(32)} 00 ${'0'.repeat(32)} 00 ${'0'.repeat(32)} 00000400 00000001 00000000 00000003`,
    `${'0'.repeat(31)}g 00 ${'0'.repeat(32)} 00 ${'0'.repeat(32)} 00000400 00000001 00000000 00000003     eth0`,
  ].map((row) => [`${row}\n`, `ipv6_route: expected a route: ${quote(row)}`]),
});

test('parseRoute reads back any routes that the kernel writes', () => {
  const route = record({
    network: ipv4,
    prefixLength: fc.integer({ min: 0, max: 32 }),
    metric: fc.nat(0xffff_ffff),
    gateway: fc.boolean(),
  });
  const littleEndian = (octets: number[]) =>
    octets
      .map((octet) => hex(octet))
      .reverse()
      .join('')
      .toUpperCase();
  fc.assert(
    fc.property(fc.array(route), (routes) => {
      const rows = routes.map(({ network, prefixLength, metric, gateway }) => {
        const mask = [24, 16, 8, 0].map((shift) => ((2 ** 32 - 2 ** (32 - prefixLength)) / 2 ** shift) & 255);
        const flags = gateway ? '0003' : '0001';
        return `eth0\t${littleEndian(network.split('.').map(Number))}\t00000000\t${flags}\t0\t0\t${metric}\t${littleEndian(mask)}\t0\t0\t0   \n`;
      });
      assert.deepEqual(
        parseRoute(routeHeader + rows.join('')),
        routes.map((one) => ({ interface: 'eth0', ...one })),
      );
    }),
  );
});

/** The machine, but the kernel answers EINVAL for some paths. */
function refusing(machine: Machine, isRefused: (path: string) => boolean): Machine {
  const refused = machineWith({ '/refused': failing('EINVAL') });
  return { ...machine, readTextIfThere: (path) => (isRefused(path) ? refused.readTextIfThere('/refused') : machine.readTextIfThere(path)) };
}

test('a value that the kernel refuses is null', () => {
  // The kernel refuses the speed of an interface that is down, and everything while an interface disappears.
  const machine = machineOf(fixture('interfaces', 'pi4-vpn'));
  const rows = (from: Machine) => sampleValue<{ interfaces: Record<string, unknown>[] }>('interfaces', from).interfaces;
  const [eth0, ...others] = rows(machine);
  const refused = rows(refusing(machine, (path) => /\/eth0\/(?:speed|duplex)$/.test(path)));
  assert.deepEqual(refused, [{ ...eth0, speed_mbps: null, duplex: null }, ...others]);
  assert.deepEqual(rows(refusing(machine, (path) => path.includes('/wg0/')))[3], {
    interface: 'wg0',
    wireless: false,
    ethernet: false,
    bridge: null,
    kind: null,
    mac_address: null,
    admin_up: null,
    operational_state: null,
    carrier: null,
    speed_mbps: null,
    duplex: null,
    mtu: null,
    uplink: false,
    vpn: false,
  });
});

test('no attribute is read that the interface does not need', () => {
  const read: string[] = [];
  const machine = machineOf(fixture('interfaces', 'pi4-vpn'));
  const counting: Machine = {
    ...machine,
    readTextIfThere(path) {
      read.push(path.replace('/sys/class/net/', ''));
      return machine.readTextIfThere(path);
    },
  };
  sampleValue('interfaces', counting);
  const of = (name: string) => read.flatMap((path) => (path.startsWith(`${name}/`) ? path.slice(name.length + 1) : [])).sort();
  assert.deepEqual(of('wlan0'), ['address', 'flags', 'mtu', 'operstate']);
  assert.deepEqual(of('eth0'), ['address', 'duplex', 'flags', 'mtu', 'operstate', 'speed', 'type', 'uevent']);
  assert.deepEqual(of('wg0'), ['address', 'carrier', 'flags', 'mtu', 'operstate', 'type', 'uevent']);
  assert.deepEqual(of('tun0'), ['address', 'flags', 'mtu', 'operstate', 'tun_flags', 'type']);
});

test('an unreadable attribute is an error', () => {
  const machine = machineWith({ '/sys/class/net/eth0/ifindex': '2\n', '/sys/class/net/eth0/flags': unreadable('0x1003\n') });
  assert.throws(() => sampleValue('interfaces', machine), { code: 'permission', message: '/sys/class/net/eth0/flags: permission denied' });
});

describe('links that are followed', () => {
  const up = machineOf(fixture('interfaces', 'pi4-vpn'));
  const changed = refusing(up, (path) => path.endsWith('/mtu'));
  const neigh = '[NEIGH]10.3.141.93 dev wlan0 lladdr 02:00:00:00:02:00 REACHABLE ';
  const link = '[LINK]2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500';
  const cases: Readonly<Record<string, { sampling: Partial<typeof firstSample>; isRead: boolean }>> = {
    'without a change, their files are not read': { sampling: { ipMonitor: { sinceMs: 0, lines: [neigh] } }, isRead: false },
    'if a link changes, all are read': { sampling: { ipMonitor: { sinceMs: 0, lines: [neigh, link] } }, isRead: true },
    'after 10 s, all are read': { sampling: { ipMonitor: { sinceMs: 0, lines: [] }, monotonicMs: 20_000 }, isRead: true },
    'after a gap, all are read': { sampling: { ipMonitor: { sinceMs: 11_000, lines: [] } }, isRead: true },
    'if a client requests a sample, all are read': { sampling: { ipMonitor: { sinceMs: 0, lines: [] }, thorough: true }, isRead: true },
    'while ip monitor is not running, all are read': { sampling: {}, isRead: true },
  };
  for (const [title, { sampling, isRead }] of Object.entries(cases)) {
    test(title, async () => {
      const first = await interfaces.read(up, { ...firstSample, monotonicMs: 10_000 });
      const next = await interfaces.read(changed, { ...firstSample, monotonicMs: 12_000, ...sampling, carried: first.carry });
      assert.equal(next.value.interfaces[0]?.mtu, isRead ? null : first.value.interfaces[0]?.mtu);
    });
  }
});
