/**
 * Connected clients. A device is an active client if it was recently seen on an interface that serves clients: as a station
 * of an access point, as a neighbour, or at a bridge port. A lease alone proves nothing.
 */
import { dnsmasq as dnsmasqCollector } from '../collectors/dns-dhcp/dnsmasq.js';
import { perRow } from '../model/metrics.js';
import { array, integer, object } from '../model/schema.js';
import { type Client, clientView, describeClient, identity, isSameClient } from './clients/client.js';
import { indexLeases, unusedLeases } from './clients/leases.js';
import { findPresences, type Sources } from './clients/presence.js';
import { document } from './define.js';

const perInterface = {
  active_clients_amount: integer('Number of active clients: the length of `active_clients`.'),
  active_clients: array(clientView, 'Active clients, sorted by interface and MAC address.'),
};

export const clients = document({
  name: 'clients',
  summary: 'Connected clients of the access points and of the networks they serve',
  required: ['interfaces', 'stations', 'leases', 'neighbours'],
  optional: ['bridges', 'dnsmasq'],
  view: object({
    active_clients_amount: perInterface.active_clients_amount,
    active_wireless_clients_amount: integer('Number of active wireless clients.'),
    active_ethernet_clients_amount: integer('Number of active wired clients.'),
    active_clients: perInterface.active_clients,
    inactive_clients: array(object(identity), 'Leases of devices that are not active clients.'),
  }),
  compose({ bridges, dnsmasq, ...required }, previous) {
    const found = findClients({ ...required, bridges: bridges ?? { hosts: [] }, dnsmasq: dnsmasq ?? dnsmasqCollector.absent });
    const active = previous ? reuseClients(found, previous.active_clients) : found;
    const inactive = unusedLeases(indexLeases(required.leases.leases), active);
    // Neighbours and bridges change every few seconds, which seldom changes a client.
    if (previous && areSame(active, previous.active_clients) && areSame(inactive, previous.inactive_clients)) return previous;
    const amount = (type: Client['connection_type']) => active.filter((row) => row.connection_type === type).length;
    return {
      active_clients_amount: active.length,
      active_wireless_clients_amount: amount('wireless'),
      active_ethernet_clients_amount: amount('ethernet'),
      active_clients: active,
      inactive_clients: inactive,
    };
  },
  changes({ active_clients: now }, { active_clients: previous }) {
    return [
      ...missingIn(previous, now).map((data) => ({ event: 'client-joined', data })),
      ...missingIn(now, previous).map((data) => ({ event: 'client-left', data })),
    ];
  },
  metrics({ active_clients }, maxStations) {
    // One series per MAC address: two for a client seen in two places would break joins with its signal.
    const byMac = new Map([...active_clients].reverse().map((row) => [row.mac_address ?? '', row]));
    const shown = [...byMac].sort(([a], [b]) => compare(a, b)).slice(0, maxStations);
    return [
      perRow('apsnap_client_info', 'info', 'Address and host name of each active client.', shown, ([mac, row]) => ({
        labels: { mac_address: mac, ip: row.ip_address ?? '', hostname: row.hostname ?? '' },
        value: 1,
      })),
    ];
  },
  pages: {
    parameter: 'interface',
    view: object(perInterface),
    compose({ active_clients }, { interfaces: { interfaces } }) {
      const bridgeOf = new Map(interfaces.map((row) => [row.interface, row.bridge]));
      const pages = new Map(interfaces.map((row) => [row.interface, [] as Client[]]));
      for (const row of active_clients) {
        pages.get(row.interface)?.push(row);
        pages.get(bridgeOf.get(row.interface) ?? '')?.push(row);
      }
      return new Map([...pages].map(([name, rows]) => [name, { active_clients_amount: rows.length, active_clients: rows }]));
    },
  },
});

/** Finds the active clients, sorted by interface and MAC address. */
export function findClients(sources: Sources): Client[] {
  const leases = indexLeases(sources.leases.leases);
  return findPresences(sources, leases)
    .map((presence) => describeClient(presence, leases))
    .sort(inOrder);
}

/** Replaces clients that have not changed by their previous objects. Both lists are sorted. */
function reuseClients(clients: readonly Client[], previous: readonly Client[]): Client[] {
  let next = 0;
  return clients.map((row) => {
    let old = previous[next];
    while (old && inOrder(old, row) < 0) old = previous[++next];
    return old && isSameClient(old, row) ? old : row;
  });
}

function inOrder(a: Client, b: Client): number {
  return compare(a.interface, b.interface) || compare(a.mac_address ?? '', b.mac_address ?? '');
}

function areSame(rows: readonly unknown[], others: readonly unknown[]): boolean {
  return rows.length === others.length && rows.every((row, index) => row === others[index]);
}

/** Lists clients of `others` that are not in `clients`. A client that moves to another access point neither joins nor leaves. */
function missingIn(clients: readonly Client[], others: readonly Client[]): Client[] {
  // Mostly none of them comes or goes.
  if (clients.length === others.length && clients.every((row, index) => row.mac_address === others[index]?.mac_address)) return [];
  const macs = new Set(clients.map((row) => row.mac_address));
  return others.filter((row) => !macs.has(row.mac_address));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
