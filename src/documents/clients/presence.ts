/**
 * Decides which devices are present: those recently seen on an interface that serves clients.
 *
 * A station of an access point is present. A device seen only as a neighbour or at a bridge port is a sighting, and each rule
 * below is one predicate on it.
 */
import type { Values } from '../../collectors/index.js';
import type { Neighbour } from '../../collectors/network/neighbours.js';
import { rangeInterfaces } from '../../parse/dhcp-range.js';
import type { LeaseIndex } from './leases.js';

export type Sources = Pick<Values, 'interfaces' | 'bridges' | 'dnsmasq' | 'stations' | 'leases' | 'neighbours'>;

type Link = Pick<Values['interfaces']['interfaces'][number], 'bridge' | 'wireless' | 'ethernet' | 'admin_up' | 'carrier'>;

export const CONNECTION_TYPES = ['wireless', 'ethernet', 'unknown'] as const;
type ConnectionType = (typeof CONNECTION_TYPES)[number];

/** A device that is present, before its lease is known. */
export interface Presence {
  readonly mac: string;
  readonly interface: string;
  readonly type: ConnectionType;
  readonly station?: Values['stations']['stations'][number];
  neighbours: Neighbour[];
  readonly seenAtBridge: boolean;
}

/** A device seen at a place without being a station there. */
export interface Sighting {
  readonly mac: string;
  /** The interface with the network's addresses: a bridge stands for its ports. */
  readonly link: string;
  /** The bridge port if a bridge saw the device, else the interface itself. */
  readonly interface: string;
  readonly seenAtBridge: boolean;
}

/** What the rules depend on. */
export interface Network {
  readonly links: ReadonlyMap<string, Link>;
  /** Interfaces with a default route, or the bridges they are ports of. */
  readonly uplinks: ReadonlySet<string>;
  readonly accessPoints: ReadonlySet<string>;
  /** The access points, or the bridges they are ports of. */
  readonly accessPointLinks: ReadonlySet<string>;
  /** Access points, and interfaces with a DHCP range. */
  readonly served: ReadonlySet<string>;
  /** MAC addresses with a lease. */
  readonly leased: ReadonlySet<string | null>;
}

/**
 * Tells whether a link is switched off or has nothing at its other end. The kernel forgets neighbours when a link goes down, as an access
 * point's does when hostapd stops, but the neighbour table may have been sampled before that.
 */
export function isDown({ links }: Network, name: string): boolean {
  const { admin_up, carrier } = links.get(name) ?? {};
  return admin_up === false || carrier === false;
}

/** Tells whether the device is the gateway, or in the home network behind it. */
export function isOnUplink({ uplinks }: Network, { link }: Sighting): boolean {
  return uplinks.has(link);
}

/**
 * Tells whether the device was a client of an access point and isn't a station any more. On a bridge that joins an access point this holds for
 * every device that the bridge doesn't see at another port: a bridge forgets silent devices, the neighbour table doesn't.
 */
export function hasLeftAccessPoint({ accessPoints, accessPointLinks }: Network, sighting: Sighting): boolean {
  return accessPoints.has(sighting.interface) || (!sighting.seenAtBridge && accessPointLinks.has(sighting.link));
}

/** Tells whether a neighbour is served: an access point or a DHCP range is at its place, or it has a lease. */
export function isServedNeighbour({ served, leased }: Network, { link, interface: name, mac }: Sighting): boolean {
  return served.has(link) || served.has(name) || leased.has(mac);
}

/** Tells whether a device that only a bridge saw is served: the bridge has a DHCP range. Otherwise another router serves its network. */
export function isServedByBridge({ served }: Network, { link }: Sighting): boolean {
  return served.has(link);
}

/** Tells whether a neighbour that isn't a station is present. Its link is up. */
export function isPresentNeighbour(network: Network, sighting: Sighting): boolean {
  return !isOnUplink(network, sighting) && !hasLeftAccessPoint(network, sighting) && isServedNeighbour(network, sighting);
}

/** Tells whether a device that only a bridge saw is present. */
export function isPresentAtBridge(network: Network, sighting: Sighting): boolean {
  return !isOnUplink(network, sighting) && !hasLeftAccessPoint(network, sighting) && isServedByBridge(network, sighting);
}

/** Finds every device that is present, at each access point it is a station of, else at one place. */
export function findPresences(sources: Sources, leases: LeaseIndex): Presence[] {
  const network = networkOf(sources, leases);
  const ports = createPlaces<string>();
  for (const row of sources.bridges.hosts) ports.at(row.bridge).set(row.mac_address, row.interface);
  const found = createPlaces<Presence>();
  const presences: Presence[] = [];
  addStations(sources, network, { ports, found, presences });
  for (const row of sources.neighbours.neighbours) {
    if (isDown(network, row.interface)) continue;
    const link = linkOf(network.links, row.interface);
    const here = found.at(link);
    let presence = here.get(row.mac_address);
    if (!presence) {
      const port = ports.at(link).get(row.mac_address);
      const sighting = { mac: row.mac_address, link, interface: port ?? row.interface, seenAtBridge: port !== undefined };
      if (!isPresentNeighbour(network, sighting)) continue;
      presence = presenceOf(network, sighting);
      here.set(row.mac_address, presence);
      presences.push(presence);
    }
    // Most devices have one address. `push` on an empty array would reserve memory for 17.
    if (presence.neighbours.length === 0) presence.neighbours = [row];
    else presence.neighbours.push(row);
  }
  for (const row of sources.bridges.hosts) {
    const sighting = { mac: row.mac_address, link: row.bridge, interface: row.interface, seenAtBridge: true };
    const here = found.at(row.bridge);
    if (here.has(row.mac_address) || !isPresentAtBridge(network, sighting)) continue;
    const presence = presenceOf(network, sighting);
    here.set(row.mac_address, presence);
    presences.push(presence);
  }
  return presences;
}

interface Finds {
  readonly ports: Places<string>;
  readonly found: Places<Presence>;
  readonly presences: Presence[];
}

function addStations({ stations }: Sources, { links }: Network, { ports, found, presences }: Finds): void {
  for (const station of stations.stations) {
    const { interface: name, mac_address: mac } = station;
    const bridge = links.get(name)?.bridge;
    const seenAtBridge = bridge != null && ports.at(bridge).has(mac);
    const presence: Presence = { mac, interface: name, type: 'wireless', station, neighbours: [], seenAtBridge };
    found.at(name).set(mac, presence);
    // The kernel lists stations of a bridged access point as neighbours on the bridge.
    if (bridge) found.at(bridge).set(mac, presence);
    presences.push(presence);
  }
}

/** Maps by link, then by MAC address: a key of both would be another string, and another hash, for each device in each sample. */
interface Places<T> {
  at(link: string): Map<string, T>;
}

function createPlaces<T>(): Places<T> {
  const links = new Map<string, Map<string, T>>();
  return {
    at(link) {
      let place = links.get(link);
      if (!place) {
        place = new Map();
        links.set(link, place);
      }
      return place;
    },
  };
}

function presenceOf({ links }: Network, { mac, interface: name, seenAtBridge }: Sighting): Presence {
  return { mac, interface: name, type: connectionType(links.get(name)), neighbours: [], seenAtBridge };
}

function connectionType(link: Link | undefined): ConnectionType {
  if (link?.wireless) return 'wireless';
  return link?.ethernet ? 'ethernet' : 'unknown';
}

/** Returns the bridge of a port, else the interface itself. A port's own addresses and routes mean nothing once it has joined a bridge. */
function linkOf(links: Network['links'], name: string): string {
  return links.get(name)?.bridge ?? name;
}

function networkOf({ interfaces, dnsmasq, stations }: Sources, { macs }: LeaseIndex): Network {
  const links = new Map(interfaces.interfaces.map((row) => [row.interface, row]));
  const accessPoints = new Set(stations.accessPoints.map((row) => row.interface));
  return {
    links,
    uplinks: new Set(interfaces.uplinks.map((name) => linkOf(links, name))),
    accessPoints,
    accessPointLinks: new Set([...accessPoints].map((name) => linkOf(links, name))),
    served: new Set([...accessPoints, ...dnsmasq.ranges.flatMap((range) => rangeInterfaces(range, interfaces.networks))]),
    leased: macs,
  };
}
