/** One client as responses show it: its presence, with the lease and the addresses that go with it. */
import type { Lease } from '../../collectors/dns-dhcp/leases.js';
import type { Neighbour } from '../../collectors/network/neighbours.js';
import { type Measured, stationFields } from '../../collectors/wifi/stations.js';
import { array, type Infer, integer, nullable, object, oneOf, string } from '../../model/schema.js';
import { findHostname, findLease, type LeaseIndex } from './leases.js';
import { CONNECTION_TYPES, type Presence } from './presence.js';

export const identity = {
  timestamp: nullable(integer('Expiry of the DHCP lease. `0` if it never expires, `null` without a lease.', 'Unix seconds')),
  mac_address: nullable(string('MAC address in lower case. `null` only for an IPv6 lease of an inactive client.')),
  ip_address: nullable(string('IPv4 address, else IPv6 address. `null` if no address is known.')),
  hostname: nullable(string('Host name that the client sent with its DHCP request. `null` if it sent none.')),
  client_id: nullable(string('DHCP client identifier. `null` if the client sent none.')),
};

const SOURCES = ['station', 'lease', 'neighbour', 'bridge'] as const;
/** All combinations of sources, by bits. Clients share them, so that 2,000 clients don't make as many arrays in each sample. */
const COMBINATIONS = Array.from({ length: 1 << SOURCES.length }, (_, bits) => SOURCES.filter((_, index) => bits & (1 << index)));

export const clientView = object({
  ...identity,
  connection_type: oneOf(CONNECTION_TYPES, 'Kind of connection.'),
  interface: string('Interface the client is connected to.'),
  ip_addresses: array(string('IPv4 or IPv6 address.'), 'All known addresses of the client.'),
  sources: array(oneOf(SOURCES, 'Source that reported the client.'), 'Sources that reported this client.'),
  state: oneOf(
    ['associated', 'reachable', 'idle'],
    '`associated`: a station of the access point. `reachable`: a neighbour that responded recently. `idle`: a neighbour not checked since.',
  ),
  ...stationFields,
});
export type Client = Infer<typeof clientView>;

/** Values of a client that isn't a station. */
const NOT_MEASURED = Object.fromEntries(Object.keys(stationFields).map((name) => [name, null])) as Measured;

/** Describes a client by its presence, and by the lease that goes with its MAC address or one of its addresses. */
export function describeClient({ mac, interface: name, type, station, neighbours, seenAtBridge }: Presence, leases: LeaseIndex): Client {
  if (neighbours.length > 1) neighbours.sort((a, b) => rank(a) - rank(b));
  const seenAddresses = neighbours.map((row) => row.ip_address);
  const lease = findLease(leases, mac, seenAddresses);
  const addresses = addressesOf(lease, seenAddresses);
  const sources = sourcesOf([station !== undefined, lease !== undefined, neighbours.length > 0, seenAtBridge]);
  const measured = station ?? NOT_MEASURED;
  return {
    timestamp: lease?.expiry ?? null,
    mac_address: mac,
    ip_address: addresses[0] ?? null,
    hostname: lease?.hostname ?? findHostname(leases, seenAddresses),
    client_id: lease?.client_id ?? null,
    connection_type: type,
    interface: name,
    ip_addresses: addresses,
    sources,
    state: station ? 'associated' : neighbours.some((row) => rank(row) === 0) ? 'reachable' : 'idle',
    // One by one: copying them with a spread takes ten times as long.
    signal_dbm: measured.signal_dbm,
    download_bytes: measured.download_bytes,
    upload_bytes: measured.upload_bytes,
    download_bits_per_second: measured.download_bits_per_second,
    upload_bits_per_second: measured.upload_bits_per_second,
    download_link_mbps: measured.download_link_mbps,
    upload_link_mbps: measured.upload_link_mbps,
    connected_seconds: measured.connected_seconds,
    inactive_seconds: measured.inactive_seconds,
  };
}

/** @param reported whether each of {@link SOURCES} reported the client */
function sourcesOf(reported: readonly boolean[]): Client['sources'] {
  return COMBINATIONS[reported.reduce((bits, is, index) => bits | (Number(is) << index), 0)] as Client['sources'];
}

/** Fields of a client. Those that change most come first. */
const FIELDS = Object.keys(clientView.json.properties ?? {}).reverse() as (keyof Client)[];

export function isSameClient(a: Client, b: Client): boolean {
  return FIELDS.every((name) => {
    const value = a[name];
    const other = b[name];
    if (value === other) return true;
    if (!Array.isArray(value) || !Array.isArray(other)) return false;
    return value.length === other.length && value.every((item, index) => item === other[index]);
  });
}

/** Lists all addresses of a client. The lease may belong to a network the client has left: addresses it was seen with come first. */
function addressesOf(lease: Lease | undefined, seenAddresses: string[]): string[] {
  // Most clients have one address.
  if (seenAddresses.length === 1 && (!lease || lease.ip_address === seenAddresses[0])) return seenAddresses;
  const isUnseen = (address: string) => Number(!seenAddresses.includes(address));
  return [...new Set([...(lease ? [lease.ip_address] : []), ...seenAddresses])].sort(
    (a, b) => scope(a) - scope(b) || isUnseen(a) - isUnseen(b),
  );
}

/** Ranks a neighbour: 0 if it responded recently or the table has no states, 1 if it wasn't checked since. */
function rank({ state }: Neighbour): number {
  return state === 'STALE' || state === 'PERMANENT' ? 1 : 0;
}

/** Ranks an address: IPv4 before IPv6, link-local ones last. */
function scope(address: string): number {
  if (!address.includes(':')) return 0;
  return address.startsWith('fe80:') ? 2 : 1;
}
