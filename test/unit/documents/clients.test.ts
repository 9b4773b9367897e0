/** Which devices are active clients, case by case. Captured machines are in fixtures/clients. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { dnsmasq } from '../../../src/collectors/dns-dhcp/dnsmasq.js';
import { parseLeases } from '../../../src/collectors/dns-dhcp/leases.js';
import type { Values } from '../../../src/collectors/index.js';
import { parseNeigh } from '../../../src/collectors/network/neighbours.js';
import { parseStationDump } from '../../../src/collectors/wifi/station-dump.js';
import { clients, findClients } from '../../../src/documents/clients.js';
import { composeFixture, fixture, fixtureText } from '../../support/fixture.js';
import { assertValid } from '../../support/schema.js';

type Sources = Parameters<typeof findClients>[0];
type Client = ReturnType<typeof findClients>[number];
type Station = Values['stations']['stations'][number];
type Lease = Values['leases']['leases'][number];
type Neighbour = Values['neighbours']['neighbours'][number];
type Interface = Values['interfaces']['interfaces'][number];

const alice = '02:00:00:00:01:00';
const bob = '02:00:00:00:02:00';
const nas = '02:00:00:00:77:01';
const gateway = '52:55:0a:00:02:02';

const link = (name: string, is: Partial<Interface>): Interface => ({
  interface: name,
  wireless: false,
  ethernet: false,
  bridge: null,
  kind: null,
  mac_address: null,
  admin_up: true,
  operational_state: 'up',
  carrier: true,
  speed_mbps: null,
  duplex: null,
  mtu: 1500,
  uplink: false,
  vpn: false,
  ...is,
});
const wire = (name: string, bridge: string | null = null) => link(name, { ethernet: true, bridge });
const radio = (name: string, bridge: string | null = null) => link(name, { wireless: true, bridge });
const tunnel = (name: string) => link(name, {});
const network = (name: string, address: string, prefixLength = 24) => ({ interface: name, network: address, prefixLength });
const range = (start: string, name: string | null = null, interfaces: string[] = []) => ({
  start,
  end: null,
  netmask: null,
  leaseTime: null,
  interface: name,
  interfaces,
  routers: null,
  nameServers: null,
});
const seen = (port: string, mac: string, bridge = 'br0') => ({ bridge, interface: port, mac_address: mac, ageSeconds: 1 });

function station(name: string, mac: string, more: Partial<Station> = {}): Station {
  return {
    interface: name,
    mac_address: mac,
    signal_dbm: null,
    download_bytes: null,
    upload_bytes: null,
    download_bits_per_second: null,
    upload_bits_per_second: null,
    download_link_mbps: null,
    upload_link_mbps: null,
    connected_seconds: null,
    inactive_seconds: null,
    ...more,
  };
}

function lease(mac: string | null, address: string, more: Partial<Lease> = {}): Lease {
  return { expiry: 1795500557, mac_address: mac, ip_address: address, hostname: null, client_id: null, ...more };
}

function neighbour(name: string, mac: string, address: string, state: Neighbour['state'] = 'REACHABLE'): Neighbour {
  return { interface: name, mac_address: mac, ip_address: address, state };
}

interface Machine {
  readonly interfaces: Interface[];
  readonly uplinks?: string[];
  readonly networks?: ReturnType<typeof network>[];
  readonly ranges?: ReturnType<typeof range>[];
  readonly accessPoints?: string[];
  readonly stations?: Station[];
  readonly leases?: Lease[];
  readonly neighbours?: Neighbour[];
  readonly ports?: ReturnType<typeof seen>[];
}

function sources(machine: Machine): Sources {
  const { interfaces, uplinks = [], networks = [], ranges = [], accessPoints = [], stations = [], leases = [], neighbours = [] } = machine;
  return {
    interfaces: { interfaces, bridges: interfaces.flatMap((row) => row.bridge ?? []), uplinks, networks },
    dnsmasq: { ...dnsmasq.absent, ranges },
    stations: { accessPoints: accessPoints.map((name) => ({ interface: name, ssid: null, frequencyMhz: null })), stations },
    leases: { leases },
    neighbours: { neighbours },
    bridges: { hosts: machine.ports ?? [] },
  };
}

/** A router as RaspAP configures it: the access point wlan0 has a DHCP range, and eth0 is the uplink. */
const routed: Machine = {
  interfaces: [tunnel('lo'), wire('eth0'), radio('wlan0')],
  uplinks: ['eth0'],
  networks: [network('eth0', '10.0.2.0'), network('wlan0', '10.3.141.0')],
  ranges: [range('10.3.141.50')],
  accessPoints: ['wlan0'],
};
/** The router with a wired network of its own at eth1. */
const wired: Machine = {
  ...routed,
  interfaces: [...routed.interfaces, wire('eth1')],
  networks: [network('eth0', '10.0.2.0'), network('wlan0', '10.3.141.0'), network('eth1', '10.4.0.0', 16)],
  ranges: [range('10.3.141.50'), range('10.4.1.50')],
};
/** An access point bridged to the home LAN: the router there leases addresses. */
const bridged: Machine = {
  interfaces: [wire('br0'), wire('eth0', 'br0'), radio('wlan0', 'br0')],
  uplinks: ['br0'],
  networks: [network('br0', '192.168.1.0')],
  accessPoints: ['wlan0'],
};
/** An access point and a wired port bridged to a network of their own. eth0 is the uplink. */
const ownBridge: Machine = {
  interfaces: [wire('br0'), wire('eth0'), wire('eth1', 'br0'), radio('wlan0', 'br0')],
  uplinks: ['eth0'],
  networks: [network('eth0', '10.0.2.0'), network('br0', '10.3.141.0')],
  ranges: [range('10.3.141.50')],
  accessPoints: ['wlan0'],
};
/** An access point and a client on one radio. */
const apSta: Machine = {
  interfaces: [wire('eth0'), radio('wlan0'), radio('uap0')],
  uplinks: ['wlan0'],
  networks: [network('wlan0', '192.168.1.0'), network('uap0', '192.168.50.0')],
  ranges: [range('192.168.50.50')],
  accessPoints: ['uap0'],
};

interface ClientsCase {
  readonly machine: Machine;
  /** `MAC address type interface state sources`, sorted by interface and MAC address. */
  readonly active: string[];
  /** MAC address, or IP address of a lease without one. */
  readonly inactive?: string[];
}

const line = (row: Client): string =>
  [row.mac_address, row.ip_address ?? '-', row.connection_type, row.interface, row.state, row.sources.join('+') || '-'].join(' ');

const cases: Record<string, ClientsCase> = {
  'a station, its lease and its neighbour entry are one client': {
    machine: {
      ...routed,
      stations: [station('wlan0', alice)],
      leases: [lease(alice, '10.3.141.221')],
      neighbours: [neighbour('wlan0', alice, '10.3.141.221')],
    },
    active: [`${alice} 10.3.141.221 wireless wlan0 associated station+lease+neighbour`],
  },
  'a station whose neighbour entry is stale is a client': {
    machine: {
      ...routed,
      stations: [station('wlan0', alice)],
      leases: [lease(alice, '10.3.141.221')],
      neighbours: [neighbour('wlan0', alice, '10.3.141.221', 'STALE')],
    },
    active: [`${alice} 10.3.141.221 wireless wlan0 associated station+lease+neighbour`],
  },
  'a station without a lease': {
    machine: { ...routed, stations: [station('wlan0', alice)] },
    active: [`${alice} - wireless wlan0 associated station`],
  },
  'a station with a static address': {
    machine: { ...routed, stations: [station('wlan0', alice)], neighbours: [neighbour('wlan0', alice, '10.3.141.9')] },
    active: [`${alice} 10.3.141.9 wireless wlan0 associated station+neighbour`],
  },
  'a station with IPv6 only': {
    machine: {
      ...routed,
      stations: [station('wlan0', alice)],
      neighbours: [neighbour('wlan0', alice, 'fe80::1'), neighbour('wlan0', alice, 'fd00::14c', 'STALE')],
    },
    active: [`${alice} fd00::14c wireless wlan0 associated station+neighbour`],
  },
  'IPv4 before IPv6': {
    machine: {
      ...routed,
      stations: [station('wlan0', alice)],
      neighbours: [neighbour('wlan0', alice, 'fe80::1'), neighbour('wlan0', alice, 'fd00::14c'), neighbour('wlan0', alice, '10.3.141.9')],
    },
    active: [`${alice} 10.3.141.9 wireless wlan0 associated station+neighbour`],
  },
  'a wireless client that left, with neighbour entry and lease': {
    machine: {
      ...routed,
      leases: [lease(alice, '10.3.141.221')],
      neighbours: [neighbour('wlan0', alice, '10.3.141.221', 'STALE')],
    },
    active: [],
    inactive: [alice],
  },
  'a wireless client that left a moment ago, still reachable': {
    machine: { ...routed, neighbours: [neighbour('wlan0', alice, '10.3.141.221')] },
    active: [],
  },
  'a lease alone': { machine: { ...routed, leases: [lease(alice, '10.3.141.221')] }, active: [], inactive: [alice] },
  'an IPv6 lease alone': { machine: { ...routed, leases: [lease(null, 'fd00::14c')] }, active: [], inactive: ['fd00::14c'] },
  'the IPv6 lease of a client': {
    machine: {
      ...routed,
      stations: [station('wlan0', alice)],
      leases: [lease(null, 'fd00::14c')],
      neighbours: [neighbour('wlan0', alice, 'fd00::14c')],
    },
    active: [`${alice} fd00::14c wireless wlan0 associated station+neighbour`],
    inactive: [],
  },
  'the gateway and the home LAN on the uplink': {
    machine: { ...routed, neighbours: [neighbour('eth0', gateway, '10.0.2.2'), neighbour('eth0', nas, '10.0.2.7')] },
    active: [],
  },
  'the gateway with an old lease': {
    machine: { ...routed, leases: [lease(gateway, '10.3.141.60')], neighbours: [neighbour('eth0', gateway, '10.0.2.2')] },
    active: [],
    inactive: [gateway],
  },
  'a wired client with a lease': {
    machine: { ...wired, leases: [lease(nas, '10.4.1.60')], neighbours: [neighbour('eth1', nas, '10.4.1.60')] },
    active: [`${nas} 10.4.1.60 ethernet eth1 reachable lease+neighbour`],
  },
  'a wired client without a lease on a served network': {
    machine: { ...wired, neighbours: [neighbour('eth1', nas, '10.4.200.9')] },
    active: [`${nas} 10.4.200.9 ethernet eth1 reachable neighbour`],
  },
  'a wired client that has not been checked recently': {
    machine: { ...wired, neighbours: [neighbour('eth1', nas, '10.4.200.9', 'STALE')] },
    active: [`${nas} 10.4.200.9 ethernet eth1 idle neighbour`],
  },
  'a wired client in /proc/net/arp, which has no states': {
    machine: { ...wired, neighbours: [neighbour('eth1', nas, '10.4.200.9', null)] },
    active: [`${nas} 10.4.200.9 ethernet eth1 reachable neighbour`],
  },
  'a wired client with IPv6 only': {
    machine: { ...wired, neighbours: [neighbour('eth1', nas, 'fd00:4::9', 'DELAY')] },
    active: [`${nas} fd00:4::9 ethernet eth1 reachable neighbour`],
  },
  'a wired client with a lease of an unknown range': {
    machine: { ...wired, ranges: [], leases: [lease(nas, '10.4.1.60')], neighbours: [neighbour('eth1', nas, '10.4.1.60', 'PROBE')] },
    active: [`${nas} 10.4.1.60 ethernet eth1 reachable lease+neighbour`],
  },
  'a device on a network that is not served': {
    machine: { ...wired, ranges: [], neighbours: [neighbour('eth1', nas, '10.4.1.60')] },
    active: [],
  },
  'a range that names its interface, which has no address yet': {
    machine: { ...wired, networks: [], ranges: [range('10.4.1.50', 'eth1')], neighbours: [neighbour('eth1', nas, 'fe80::9')] },
    active: [`${nas} fe80::9 ethernet eth1 reachable neighbour`],
  },
  'a range whose file names the interface, which has no address yet': {
    machine: { ...wired, networks: [], ranges: [range('10.4.1.50', null, ['eth1'])], neighbours: [neighbour('eth1', nas, 'fe80::9')] },
    active: [`${nas} fe80::9 ethernet eth1 reachable neighbour`],
  },
  "range inside a VPN's half of the internet": {
    machine: {
      ...wired,
      interfaces: [...wired.interfaces, wire('tap0')],
      networks: [network('tap0', '0.0.0.0', 1), network('tap0', '128.0.0.0', 1), ...(wired.networks ?? [])],
      neighbours: [neighbour('tap0', nas, '10.9.0.1'), neighbour('eth1', bob, '10.4.1.60')],
    },
    active: [`${bob} 10.4.1.60 ethernet eth1 reachable neighbour`],
  },
  'an interface that is neither radio nor Ethernet': {
    machine: {
      ...routed,
      interfaces: [...routed.interfaces, tunnel('usb0')],
      ranges: [range('10.5.0.50', 'usb0')],
      neighbours: [neighbour('usb0', nas, '10.5.0.60')],
    },
    active: [`${nas} 10.5.0.60 unknown usb0 reachable neighbour`],
  },
  'bridged: stations only': {
    machine: {
      ...bridged,
      stations: [station('wlan0', alice), station('wlan0', bob)],
      neighbours: [
        neighbour('br0', alice, '192.168.1.101'),
        neighbour('br0', gateway, '192.168.1.1'),
        neighbour('br0', nas, '192.168.1.9'),
      ],
      ports: [seen('wlan0', alice), seen('wlan0', bob), seen('eth0', gateway), seen('eth0', nas)],
    },
    active: [
      `${alice} 192.168.1.101 wireless wlan0 associated station+neighbour+bridge`,
      `${bob} - wireless wlan0 associated station+bridge`,
    ],
  },
  'bridged: a station that left is no client': {
    machine: { ...bridged, neighbours: [neighbour('br0', alice, '192.168.1.101')], ports: [seen('wlan0', alice)] },
    active: [],
  },
  'bridged: a lease from the time in routed mode': {
    machine: {
      ...bridged,
      stations: [station('wlan0', alice)],
      leases: [lease(alice, '10.3.141.221'), lease(nas, '10.3.141.60')],
      neighbours: [neighbour('br0', alice, '192.168.1.101'), neighbour('br0', nas, '192.168.1.9')],
      ports: [seen('wlan0', alice), seen('eth0', nas)],
    },
    active: [`${alice} 192.168.1.101 wireless wlan0 associated station+lease+neighbour+bridge`],
    inactive: [nas],
  },
  'bridged: neighbours at the port from the time in routed mode': {
    machine: {
      ...bridged,
      leases: [lease(nas, '10.3.141.60')],
      neighbours: [neighbour('eth0', gateway, '192.168.1.1', 'STALE'), neighbour('eth0', nas, '192.168.1.9', 'STALE')],
    },
    active: [],
    inactive: [nas],
  },
  'own bridge: wired at another port, wireless at the AP': {
    machine: {
      ...ownBridge,
      stations: [station('wlan0', alice)],
      leases: [lease(nas, '10.3.141.193')],
      neighbours: [neighbour('br0', alice, '10.3.141.221'), neighbour('br0', nas, '10.3.141.193')],
      ports: [seen('wlan0', alice), seen('eth1', nas)],
    },
    active: [
      `${nas} 10.3.141.193 ethernet eth1 reachable lease+neighbour+bridge`,
      `${alice} 10.3.141.221 wireless wlan0 associated station+neighbour+bridge`,
    ],
  },
  'own bridge: a wired client that only the bridge saw': {
    machine: { ...ownBridge, ports: [seen('eth1', nas)] },
    active: [`${nas} - ethernet eth1 idle bridge`],
  },
  'own bridge: wireless client that left, known at the AP': {
    machine: {
      ...ownBridge,
      leases: [lease(bob, '10.3.141.93')],
      neighbours: [neighbour('br0', bob, '10.3.141.93')],
      ports: [seen('wlan0', bob)],
    },
    active: [],
    inactive: [bob],
  },
  'own bridge: wireless client that left and is forgotten by the bridge': {
    machine: { ...ownBridge, leases: [lease(bob, '10.3.141.93')], neighbours: [neighbour('br0', bob, '10.3.141.93', 'STALE')] },
    active: [],
    inactive: [bob],
  },
  'own bridge: wireless client that moved to a cable': {
    machine: { ...ownBridge, neighbours: [neighbour('br0', bob, '10.3.141.93')], ports: [seen('eth1', bob)] },
    active: [`${bob} 10.3.141.93 ethernet eth1 reachable neighbour+bridge`],
  },
  'a bridge that is not served': {
    machine: {
      ...ownBridge,
      interfaces: [...ownBridge.interfaces, wire('lxdbr0'), wire('veth1', 'lxdbr0')],
      networks: [...(ownBridge.networks ?? []), network('lxdbr0', '10.99.0.0')],
      neighbours: [neighbour('lxdbr0', nas, '10.99.0.5')],
      ports: [seen('veth1', nas, 'lxdbr0'), seen('veth1', bob, 'lxdbr0')],
    },
    active: [],
  },
  'own bridge without an access point': {
    machine: {
      ...ownBridge,
      interfaces: [wire('br0'), wire('eth0'), wire('eth1', 'br0'), wire('eth2', 'br0')],
      accessPoints: [],
      neighbours: [neighbour('br0', bob, '10.3.141.93', 'STALE')],
    },
    active: [`${bob} 10.3.141.93 ethernet br0 idle neighbour`],
  },
  'two access points': {
    machine: {
      ...routed,
      interfaces: [...routed.interfaces, radio('wlan10')],
      accessPoints: ['wlan0', 'wlan10'],
      stations: [station('wlan10', bob), station('wlan0', alice)],
      neighbours: [neighbour('wlan0', bob, '10.3.141.93', 'STALE'), neighbour('wlan10', bob, '10.3.142.93')],
    },
    active: [`${alice} - wireless wlan0 associated station`, `${bob} 10.3.142.93 wireless wlan10 associated station+neighbour`],
  },
  'AP-STA: the home LAN is behind a radio': {
    machine: {
      ...apSta,
      stations: [station('uap0', alice)],
      leases: [lease(alice, '192.168.50.82')],
      neighbours: [
        neighbour('uap0', alice, '192.168.50.82'),
        neighbour('wlan0', gateway, '192.168.1.1'),
        neighbour('wlan0', nas, '192.168.1.9'),
      ],
    },
    active: [`${alice} 192.168.50.82 wireless uap0 associated station+lease+neighbour`],
  },
  'two leases of a MAC address: the one that was seen': {
    machine: {
      ...routed,
      stations: [station('wlan0', alice)],
      leases: [lease(alice, '10.3.141.60', { expiry: 20 }), lease(alice, '10.3.141.61', { expiry: 30 })],
      neighbours: [neighbour('wlan0', alice, '10.3.141.60')],
    },
    active: [`${alice} 10.3.141.60 wireless wlan0 associated station+lease+neighbour`],
    inactive: [],
  },
  'two leases of a MAC address, none seen: the newest': {
    machine: {
      ...routed,
      stations: [station('wlan0', alice), station('wlan0', bob)],
      leases: [
        lease(alice, '10.3.141.61', { expiry: 30 }),
        lease(alice, '10.3.141.60', { expiry: 20 }),
        lease(bob, '10.3.141.71', { expiry: 30 }),
        lease(bob, '10.3.141.70', { expiry: 0 }),
        lease(bob, '10.3.141.72', { expiry: 40 }),
      ],
    },
    active: [`${alice} 10.3.141.61 wireless wlan0 associated station+lease`, `${bob} 10.3.141.70 wireless wlan0 associated station+lease`],
  },
  'an address other than the leased one': {
    machine: {
      ...routed,
      stations: [station('wlan0', alice)],
      leases: [lease(alice, '10.3.141.60')],
      neighbours: [neighbour('wlan0', alice, '10.3.141.99', 'STALE')],
    },
    active: [`${alice} 10.3.141.99 wireless wlan0 associated station+lease+neighbour`],
  },
  'no clients at all': { machine: { interfaces: [] }, active: [] },
};

for (const [title, { machine, active, inactive }] of Object.entries(cases)) {
  test(title, () => {
    const given = sources(machine);
    const body = clients.compose(given);
    assert.deepEqual(body.active_clients.map(line), active);
    assert.deepEqual(findClients(given), body.active_clients);
    if (inactive) {
      assert.deepEqual(
        body.inactive_clients.map((row) => row.mac_address ?? row.ip_address),
        inactive,
      );
    }
    assertSound(given);
  });
}

/** Checks what holds for every response. */
function assertSound(given: Sources): void {
  const body = clients.compose(given);
  const active = body.active_clients;
  assertValid(body, clients.view);
  assert.equal(body.active_clients_amount, active.length);
  assert.equal(body.active_wireless_clients_amount, active.filter((row) => row.connection_type === 'wireless').length);
  assert.equal(body.active_ethernet_clients_amount, active.filter((row) => row.connection_type === 'ethernet').length);
  assert.equal(new Set(active.map((row) => `${row.interface} ${row.mac_address}`)).size, active.length, 'a client is listed twice');

  // Every station is a client at its access point. No other client is at an access point or on an uplink.
  const uplinks = new Set(given.interfaces.uplinks);
  const accessPoints = new Set(given.stations.accessPoints.map((row) => row.interface));
  const bridgeOf = new Map(given.interfaces.interfaces.map((row) => [row.interface, row.bridge]));
  const associated = active.filter((row) => row.state === 'associated');
  const key = (row: { interface: string; mac_address: string | null }) => `${row.interface} ${row.mac_address}`;
  assert.deepEqual(associated.map(key).sort(), [...new Set(given.stations.stations.map(key))].sort());
  for (const row of active) {
    assert.equal(row.state === 'associated', row.sources.includes('station'));
    assert.ok(
      row.sources.some((source) => source !== 'lease'),
      'a lease alone proves nothing',
    );
    if (row.state === 'associated') continue;
    assert.ok(!accessPoints.has(row.interface), `${line(row)}: is at an access point without being a station`);
    assert.ok(!uplinks.has(row.interface) && !uplinks.has(bridgeOf.get(row.interface) ?? ''), `${line(row)}: is on the uplink`);
  }

  // Every lease belongs to an active client or is in the other list.
  const there = new Set(active.map((row) => row.mac_address));
  const addresses = new Set(active.flatMap((row) => row.ip_addresses));
  const idle = given.leases.leases.filter((row) => !(row.mac_address ? there.has(row.mac_address) : addresses.has(row.ip_address)));
  assert.deepEqual(
    body.inactive_clients.map((row) => row.ip_address),
    idle.map((row) => row.ip_address),
  );

  // Each interface has a page with the clients on it and on its ports.
  const pages = clients.pages?.compose(body, given) ?? new Map();
  assert.deepEqual([...pages.keys()].sort(), [...new Set(given.interfaces.interfaces.map((row) => row.interface))].sort());
  for (const [name, page] of pages) {
    if (clients.pages) assertValid(page, clients.pages.view);
    assert.equal(page.active_clients_amount, page.active_clients.length);
    assert.deepEqual(
      page.active_clients,
      active.filter((row) => row.interface === name || bridgeOf.get(row.interface) === name),
    );
  }
}

describe('the description of a client', () => {
  const given = sources({
    ...routed,
    stations: [station('wlan0', alice, { signal_dbm: -51, download_bytes: 2125, upload_bytes: 3061, connected_seconds: 7 })],
    leases: [
      lease(alice, '10.3.141.221', { expiry: 0, hostname: 'alices-iphone', client_id: '01:02:00:00:00:01:00' }),
      lease(bob, '10.3.141.93', { hostname: 'bobs-laptop' }),
      lease(null, 'fd00::14c', { hostname: 'nas', client_id: '00:03:00:01' }),
    ],
    neighbours: [neighbour('wlan0', alice, 'fe80::1'), neighbour('wlan0', alice, '10.3.141.221'), neighbour('eth0', nas, 'fd00::14c')],
  });

  test('a station has its lease, addresses and measurements', () => {
    assert.deepEqual(findClients(given), [
      {
        timestamp: 0,
        mac_address: alice,
        ip_address: '10.3.141.221',
        hostname: 'alices-iphone',
        client_id: '01:02:00:00:00:01:00',
        connection_type: 'wireless',
        interface: 'wlan0',
        ip_addresses: ['10.3.141.221', 'fe80::1'],
        sources: ['station', 'lease', 'neighbour'],
        state: 'associated',
        signal_dbm: -51,
        download_bytes: 2125,
        upload_bytes: 3061,
        download_bits_per_second: null,
        upload_bits_per_second: null,
        download_link_mbps: null,
        upload_link_mbps: null,
        connected_seconds: 7,
        inactive_seconds: null,
      },
    ]);
  });

  test('devices that are not active have only their lease', () => {
    assert.deepEqual(clients.compose(given).inactive_clients, [
      { timestamp: 1795500557, mac_address: bob, ip_address: '10.3.141.93', hostname: 'bobs-laptop', client_id: null },
      { timestamp: 1795500557, mac_address: null, ip_address: 'fd00::14c', hostname: 'nas', client_id: '00:03:00:01' },
    ]);
  });

  test('of two leases, the one whose address was seen wins over a newer one', () => {
    const machine = {
      ...routed,
      stations: [station('wlan0', alice)],
      leases: [
        lease(alice, '10.3.141.60', { expiry: 20, hostname: 'here' }),
        lease(alice, '10.3.141.61', { expiry: 30, hostname: 'gone' }),
      ],
      neighbours: [neighbour('wlan0', alice, '10.3.141.60')],
    };
    const [client] = findClients(sources(machine));
    assert.deepEqual([client?.timestamp, client?.hostname, client?.ip_addresses], [20, 'here', ['10.3.141.60']]);
  });

  test('without a lease there is no timestamp', () => {
    const [client] = findClients(sources({ ...routed, stations: [station('wlan0', alice)] }));
    assert.equal(client?.timestamp, null);
    assert.equal(client?.hostname, null);
  });

  test('the host name can come from an IPv6 lease, which has no MAC address', () => {
    const machine = {
      ...wired,
      leases: [lease(null, 'fd00::14c', { hostname: 'nas' })],
      neighbours: [neighbour('eth1', nas, 'fe80::9'), neighbour('eth1', nas, 'fd00::14c')],
    };
    assert.equal(findClients(sources(machine))[0]?.hostname, 'nas');
  });

  test('MAC addresses compare without regard to case', () => {
    const dump = parseStationDump('Station 02:00:00:AB:CD:EF (on wlan0)\n\tauthorized:\tyes\n');
    const given = sources({
      ...routed,
      stations: dump.map(({ mac }) => station('wlan0', mac)),
      leases: parseLeases('1795500557 02:00:00:ab:CD:ef 10.3.141.60 phone *\n'),
      neighbours: parseNeigh('[{"dst":"10.3.141.60","dev":"wlan0","lladdr":"02:00:00:aB:cD:eF","state":["REACHABLE"]}]'),
    });
    assert.deepEqual(findClients(given).map(line), ['02:00:00:ab:cd:ef 10.3.141.60 wireless wlan0 associated station+lease+neighbour']);
  });

  test('/clients/br0 lists the clients at its ports, and each port its own', () => {
    const given = sources({ ...ownBridge, stations: [station('wlan0', alice)], ports: [seen('eth1', nas), seen('wlan0', alice)] });
    const pages = clients.pages?.compose(clients.compose(given), given);
    const macs = (name: string) => pages?.get(name)?.active_clients.map((row) => row.mac_address);
    assert.deepEqual(macs('br0'), [nas, alice]);
    assert.deepEqual(macs('eth1'), [nas]);
    assert.deepEqual(macs('wlan0'), [alice]);
    assert.deepEqual(macs('eth0'), []);
    assert.equal(pages?.has('nosuch'), false);
  });

  test('stations are clients even if bridges and DHCP ranges are unknown', () => {
    const given = sources({ ...routed, stations: [station('wlan0', alice)] });
    const body = clients.compose({ ...given, bridges: undefined, dnsmasq: undefined });
    assert.equal(body.active_clients_amount, 1);
  });
});

test('n100: each of 100 captured stations has its lease and its address', async () => {
  const capture = fixture('clients', 'n100');
  const outcome = await composeFixture(clients, capture);
  assert.ok('value' in outcome);
  const { document } = outcome.value as { document: ReturnType<typeof clients.compose> };
  const captured = fixtureText(capture, 'var/lib/misc/dnsmasq.leases').trimEnd().split('\n');
  assert.equal(captured.length, 100);
  assert.equal(document.active_clients_amount, 100);
  assert.deepEqual(document.inactive_clients, []);
  const told = new Map(document.active_clients.map((row) => [row.mac_address, row]));
  for (const [expiry, mac = '', address, hostname, clientId] of captured.map((row) => row.split(' '))) {
    const row = told.get(mac);
    assert.deepEqual(
      [row?.timestamp, row?.ip_address, row?.hostname, row?.client_id, row?.sources],
      [Number(expiry), address, hostname, clientId, ['station', 'lease', 'neighbour']],
    );
  }
});

const mac = fc.constantFrom(alice, bob, nas, gateway, '02:00:00:00:03:00');
const address = fc.constantFrom('10.3.141.50', '10.3.141.60', '10.0.2.2', '192.168.1.1', 'fd00::1', 'fe80::1');
const name = fc.constantFrom('eth0', 'eth1', 'wlan0', 'wlan1', 'br0', 'wg0', 'nosuch');
const interfaces = fc.record({ eth1: fc.boolean(), wlan0: fc.boolean(), wlan1: fc.boolean() }).map((joined): Interface[] => {
  const bridge = (isJoined: boolean) => (isJoined ? 'br0' : null);
  const ports = [wire('eth1', bridge(joined.eth1)), radio('wlan0', bridge(joined.wlan0)), radio('wlan1', bridge(joined.wlan1))];
  return [wire('br0'), wire('eth0'), ...ports, tunnel('wg0')];
});
// Only an access point has stations.
const access = fc
  .record({
    accessPoints: fc.uniqueArray(fc.constantFrom('wlan0', 'wlan1')),
    stations: fc.uniqueArray(fc.tuple(fc.constantFrom('wlan0', 'wlan1'), mac), { selector: String }),
  })
  .map(({ accessPoints, stations }) => ({ accessPoints, stations: stations.filter(([link]) => accessPoints.includes(link)) }));
const machine = fc.record({
  interfaces,
  uplinks: fc.uniqueArray(name, { maxLength: 2 }),
  networks: fc.array(
    fc.tuple(name, address, fc.integer({ min: 1, max: 32 })).map(([link, base, length]) => network(link, base, length)),
    { maxLength: 4 },
  ),
  ranges: fc.array(
    fc.tuple(address, fc.option(name)).map(([start, link]) => range(start, link)),
    { maxLength: 3 },
  ),
  access,
  leases: fc.array(fc.tuple(fc.option(mac), address, fc.nat(9)).map(([of, leased, expiry]) => lease(of, leased, { expiry }))),
  neighbours: fc.array(
    fc
      .tuple(name, mac, address, fc.constantFrom('REACHABLE', 'STALE', 'DELAY', 'PROBE', 'PERMANENT', null))
      .map(([link, of, seenWith, state]) => neighbour(link, of, seenWith, state)),
  ),
  hosts: fc.array(fc.tuple(fc.constantFrom('eth1', 'wlan0', 'wlan1'), mac)),
});

/** Sources of any machine. */
const anySources = machine.map(({ access: { accessPoints, stations }, hosts, ...rest }) => {
  // A bridge reports its own ports only.
  const isPort = (port: string) => rest.interfaces.some((row) => row.interface === port && row.bridge === 'br0');
  const ports = hosts.filter(([port]) => isPort(port)).map(([port, of]) => seen(port, of));
  return sources({ ...rest, accessPoints, ports, stations: stations.map(([link, of]) => station(link, of)) });
});

test('any tables give a sound response', () => {
  fc.assert(fc.property(anySources, assertSound), { numRuns: 2000 });
});

test('a value composed after any other is as without it, and takes what is equal from it', () => {
  fc.assert(
    fc.property(anySources, anySources, (before, now) => {
      const previous = clients.compose(before);
      const value = clients.compose(now, previous);
      assert.deepEqual(value, clients.compose(now));
      const ofBefore = (row: Client) => previous.active_clients.find((old) => isDeepStrictEqual(old, row));
      for (const row of value.active_clients) assert.equal(row, ofBefore(row) ?? row);
      assert.equal(clients.compose(structuredClone(now), value) === value, value.inactive_clients.length === 0);
      assert.equal(clients.compose({ ...now }, value), value);
    }),
    { numRuns: 1000 },
  );
});
