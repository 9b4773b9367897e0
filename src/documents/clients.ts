/**
 * Who is connected. An active client is whoever there is living evidence for on an interface that serves clients:
 * a station of an access point, a neighbour, or an address that a bridge of ours has seen at a port. A lease is none.
 */
import { dnsmasq as dnsmasqCollector } from '../collectors/dns-dhcp/dnsmasq.js';
import type { Lease } from '../collectors/dns-dhcp/leases.js';
import type { Values } from '../collectors/index.js';
import type { Neighbour } from '../collectors/network/neighbours.js';
import { perRow } from '../model/metrics.js';
import { array, type Infer, integer, nullable, number, object, oneOf, string } from '../model/schema.js';
import { rangeInterfaces } from '../parse/dhcp-range.js';
import { document } from './define.js';

const identity = {
  timestamp: nullable(integer('When the lease ends; 0: never; null: there is no lease', 'Unix seconds')),
  mac_address: nullable(string('MAC address in lower case; null only in an IPv6 lease of somebody who is not there')),
  ip_address: nullable(string('IPv4 address, or IPv6 if there is none')),
  hostname: nullable(string('Name that the client gave with its lease')),
  client_id: nullable(string('DHCP client identifier')),
};

const client = object({
  ...identity,
  connection_type: oneOf(['wireless', 'ethernet', 'unknown'], 'How it is connected'),
  interface: string('Where it is connected'),
  ip_addresses: array(string('IPv4 or IPv6 address'), 'Every address known of it'),
  sources: array(oneOf(['station', 'lease', 'neighbour', 'bridge'], 'Evidence'), 'What is known of it from where'),
  state: oneOf(
    ['associated', 'reachable', 'idle'],
    'associated: a station of the access point; reachable: answered lately; idle: has not been asked since',
  ),
  signal_dbm: nullable(integer('How loud the access point hears it', 'decibel-milliwatts')),
  download_bytes: nullable(integer('What it has received since it associated', 'bytes')),
  upload_bytes: nullable(integer('What it has sent since it associated', 'bytes')),
  download_bits_per_second: nullable(integer('Throughput to it between the last two samples', 'bits per second')),
  upload_bits_per_second: nullable(integer('Throughput from it between the last two samples', 'bits per second')),
  download_link_mbps: nullable(number('Bit rate of the radio to it', 'megabits per second')),
  upload_link_mbps: nullable(number('Bit rate of the radio from it', 'megabits per second')),
  connected_seconds: nullable(integer('Since it associated', 'seconds')),
  inactive_seconds: nullable(number('Since its last frame', 'seconds')),
});
type Client = Infer<typeof client>;

const perInterface = {
  active_clients_amount: integer('Length of `active_clients`'),
  active_clients: array(client, 'Who is connected'),
};

export const clients = document({
  name: 'clients',
  summary: 'Who is connected to the access points and to the networks they serve',
  required: ['interfaces', 'stations', 'leases', 'neighbours'],
  optional: ['bridges', 'dnsmasq'],
  view: object({
    active_clients_amount: perInterface.active_clients_amount,
    active_wireless_clients_amount: integer('How many of them are wireless'),
    active_ethernet_clients_amount: integer('How many of them are wired'),
    active_clients: perInterface.active_clients,
    inactive_clients: array(object(identity), 'Leases of those who are not there'),
  }),
  compose({ interfaces, bridges, dnsmasq, stations, leases, neighbours }) {
    const active = findClients({
      interfaces,
      stations,
      leases,
      neighbours,
      bridges: bridges ?? { hosts: [] },
      dnsmasq: dnsmasq ?? dnsmasqCollector.absent,
    });
    const amount = (type: Client['connection_type']) => active.filter((row) => row.connection_type === type).length;
    return {
      active_clients_amount: active.length,
      active_wireless_clients_amount: amount('wireless'),
      active_ethernet_clients_amount: amount('ethernet'),
      active_clients: active,
      inactive_clients: findInactive(leases.leases, active),
    };
  },
  changes({ active_clients: now }, { active_clients: before }) {
    return [
      ...missingIn(before, now).map((data) => ({ event: 'client-joined', data })),
      ...missingIn(now, before).map((data) => ({ event: 'client-left', data })),
    ];
  },
  metrics({ active_clients }, mostStations) {
    // One for each address, or a client that is in two places could not be joined with its signal.
    const byMac = new Map([...active_clients].reverse().map((row) => [row.mac_address ?? '', row]));
    const told = [...byMac].sort(([a], [b]) => compare(a, b)).slice(0, mostStations);
    return [
      perRow('apsnap_client_info', 'info', 'Address and name of each client that is there.', told, ([mac, row]) => ({
        labels: { mac_address: mac, ip: row.ip_address ?? '', hostname: row.hostname ?? '' },
        value: 1,
      })),
    ];
  },
  pages: {
    parameter: 'interface',
    view: object(perInterface),
    compose({ active_clients }, { interfaces }) {
      const all = interfaces?.interfaces ?? [];
      const bridgeOf = new Map(all.map((row) => [row.interface, row.bridge]));
      const pages = new Map(all.map((row) => [row.interface, [] as Client[]]));
      for (const row of active_clients) {
        pages.get(row.interface)?.push(row);
        pages.get(bridgeOf.get(row.interface) ?? '')?.push(row);
      }
      return new Map([...pages].map(([name, rows]) => [name, { active_clients_amount: rows.length, active_clients: rows }]));
    },
  },
});

/** Clients of the second list that are not in the first. One that moves to another access point has neither come nor left. */
function missingIn(clients: readonly Client[], others: readonly Client[]): Client[] {
  const macs = new Set(clients.map((row) => row.mac_address));
  return others.filter((row) => !macs.has(row.mac_address));
}

type Sources = Pick<Values, 'interfaces' | 'bridges' | 'dnsmasq' | 'stations' | 'leases' | 'neighbours'>;

/** Somebody there is living evidence for, before the leases are asked for names. */
interface Presence {
  readonly mac: string;
  readonly interface: string;
  readonly type: Client['connection_type'];
  readonly station?: Values['stations']['stations'][number];
  readonly neighbours: Neighbour[];
  readonly seenAtBridge: boolean;
}

/** @returns the active clients, by interface and MAC address */
export function findClients(sources: Sources): Client[] {
  const leaseOf = indexLeases(sources.leases.leases);
  return findPresences(sources)
    .map((presence) => describe(presence, leaseOf))
    .sort((a, b) => compare(a.interface, b.interface) || compare(a.mac_address ?? '', b.mac_address ?? ''));
}

function findPresences({ interfaces, bridges, dnsmasq, stations, leases, neighbours }: Sources): Presence[] {
  const links = new Map(interfaces.interfaces.map((row) => [row.interface, row]));
  // A bridge stands for its ports: what these had of their own before they joined it means nothing.
  const linkOf = (name: string) => links.get(name)?.bridge ?? name;
  const uplinks = new Set(interfaces.uplinks.map(linkOf));
  const accessPoints = new Set(stations.accessPoints.map((row) => row.interface));
  const served = servedInterfaces({ interfaces, dnsmasq }, accessPoints);
  const key = (link: string, mac: string) => `${link} ${mac}`;
  const portOf = new Map(bridges.hosts.map((row) => [key(row.bridge, row.mac_address), row]));
  const leased = new Set(leases.leases.map((row) => row.mac_address));
  const accessLinks = new Set([...accessPoints].map(linkOf));
  const found = new Map<string, Presence>();

  for (const station of stations.stations) {
    const { interface: name, mac_address: mac } = station;
    const bridge = links.get(name)?.bridge;
    const presence: Presence = {
      mac,
      interface: name,
      type: 'wireless',
      station,
      neighbours: [],
      seenAtBridge: bridge != null && portOf.has(key(bridge, mac)),
    };
    // The kernel knows a bridge's stations as neighbours on the bridge.
    found.set(key(name, mac), presence);
    if (bridge) found.set(key(bridge, mac), presence);
  }

  for (const row of neighbours.neighbours) {
    // The kernel forgets neighbours when their link goes down, as that of an access point does with its hostapd; the table may be older.
    const { admin_up: isOn, carrier } = links.get(row.interface) ?? {};
    if (isOn === false || carrier === false) continue;
    const link = linkOf(row.interface);
    const at = key(link, row.mac_address);
    let presence = found.get(at);
    if (!presence) {
      const bridged = portOf.get(at);
      const name = bridged?.interface ?? row.interface;
      // Not on the uplink: that is the gateway, or the home LAN. On an access point only stations are there: it has left.
      if (uplinks.has(link) || accessPoints.has(name)) continue;
      // Nor on its bridge, unless that sees it at another port: a bridge forgets who is silent, the neighbour table does not.
      if (!bridged && accessLinks.has(link)) continue;
      if (!served.has(link) && !served.has(name) && !leased.has(row.mac_address)) continue;
      presence = {
        mac: row.mac_address,
        interface: name,
        type: connectionType(links.get(name)),
        neighbours: [],
        seenAtBridge: bridged !== undefined,
      };
      found.set(at, presence);
    }
    presence.neighbours.push(row);
  }

  for (const row of bridges.hosts) {
    const at = key(row.bridge, row.mac_address);
    if (found.has(at) || uplinks.has(row.bridge) || accessPoints.has(row.interface) || !served.has(row.bridge)) continue;
    const type = connectionType(links.get(row.interface));
    found.set(at, { mac: row.mac_address, interface: row.interface, type, neighbours: [], seenAtBridge: true });
  }
  return [...new Set(found.values())];
}

function connectionType(link: { wireless: boolean; ethernet: boolean } | undefined): Client['connection_type'] {
  if (link?.wireless) return 'wireless';
  return link?.ethernet ? 'ethernet' : 'unknown';
}

/** Interfaces with an access point or a DHCP range of ours. A bridge without such a range joins its access point to somebody else's network. */
function servedInterfaces(
  { interfaces, dnsmasq }: Pick<Sources, 'interfaces' | 'dnsmasq'>,
  accessPoints: ReadonlySet<string>,
): Set<string> {
  return new Set([...accessPoints, ...dnsmasq.ranges.flatMap((range) => rangeInterfaces(range, interfaces.networks))]);
}

function describe({ mac, interface: name, type, station, neighbours, seenAtBridge }: Presence, leaseOf: LeaseIndex): Client {
  const addresses = [...neighbours].sort((a, b) => rank(a) - rank(b)).map((row) => row.ip_address);
  const lease = leaseOf.find(mac, addresses);
  // A lease may be of a network that it is no longer in: the addresses it is seen with come first.
  const unseen = (address: string) => Number(!addresses.includes(address));
  const known = [...new Set([...(lease ? [lease.ip_address] : []), ...addresses])];
  known.sort((a, b) => scope(a) - scope(b) || unseen(a) - unseen(b));
  const sources: Client['sources'] = [];
  if (station) sources.push('station');
  if (lease) sources.push('lease');
  if (neighbours.length > 0) sources.push('neighbour');
  if (seenAtBridge) sources.push('bridge');
  return {
    timestamp: lease?.expiry ?? null,
    mac_address: mac,
    ip_address: known[0] ?? null,
    hostname: lease?.hostname ?? leaseOf.hostname(addresses),
    client_id: lease?.client_id ?? null,
    connection_type: type,
    interface: name,
    ip_addresses: known,
    sources,
    state: station ? 'associated' : neighbours.some((row) => rank(row) === 0) ? 'reachable' : 'idle',
    signal_dbm: station?.signal_dbm ?? null,
    download_bytes: station?.download_bytes ?? null,
    upload_bytes: station?.upload_bytes ?? null,
    download_bits_per_second: station?.download_bits_per_second ?? null,
    upload_bits_per_second: station?.upload_bits_per_second ?? null,
    download_link_mbps: station?.download_link_mbps ?? null,
    upload_link_mbps: station?.upload_link_mbps ?? null,
    connected_seconds: station?.connected_seconds ?? null,
    inactive_seconds: station?.inactive_seconds ?? null,
  };
}

/** 0: answered lately (or the table does not say); 1: has not been asked since. */
function rank({ state }: Neighbour): number {
  return state === 'STALE' || state === 'PERMANENT' ? 1 : 0;
}

/** IPv4 before IPv6, and link-local addresses last. */
function scope(address: string): number {
  if (!address.includes(':')) return 0;
  return address.startsWith('fe80:') ? 2 : 1;
}

interface LeaseIndex {
  /** The lease of a MAC address: the one of an address it is seen with, else the newest. */
  find(mac: string, addresses: readonly string[]): Lease | undefined;
  /** The name in an IPv6 lease, which has no MAC address. */
  hostname(addresses: readonly string[]): string | null;
}

function indexLeases(leases: readonly Lease[]): LeaseIndex {
  const byMac = new Map<string, Lease[]>();
  const byAddress = new Map(leases.map((lease) => [lease.ip_address, lease]));
  for (const lease of leases) {
    if (!lease.mac_address) continue;
    const same = byMac.get(lease.mac_address);
    if (same) same.push(lease);
    else byMac.set(lease.mac_address, [lease]);
  }
  const end = (lease: Lease) => lease.expiry || Number.POSITIVE_INFINITY;
  return {
    find(mac, addresses) {
      const candidates = byMac.get(mac) ?? [];
      const seen = candidates.find((lease) => addresses.includes(lease.ip_address));
      return seen ?? candidates.reduce<Lease | undefined>((best, lease) => (best && end(best) >= end(lease) ? best : lease), undefined);
    },
    hostname: (addresses) => addresses.map((address) => byAddress.get(address)?.hostname).find(Boolean) ?? null,
  };
}

/** Leases of no active client, in the file's order. */
function findInactive(leases: readonly Lease[], active: readonly Client[]) {
  const macs = new Set(active.map((row) => row.mac_address));
  const addresses = new Set(active.flatMap((row) => row.ip_addresses));
  return leases
    .filter((lease) => !(lease.mac_address ? macs.has(lease.mac_address) : addresses.has(lease.ip_address)))
    .map(({ expiry, ...rest }) => ({ timestamp: expiry, ...rest }));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
