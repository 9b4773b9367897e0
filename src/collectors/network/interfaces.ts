import { quote, SourceError } from '../../errors.js';
import type { Machine } from '../../machine/machine.js';
import { collector, type Sampling } from '../../model/collector.js';
import { type MetricFamily, perRow } from '../../model/metrics.js';
import { array, boolean, integer, nullable, object, oneOf, string } from '../../model/schema.js';
import { type Dumped, hasLinkChanged, isDumpDue, MAX_LINKS_AGE_MS } from './dump.js';
import { DUPLEX, readLink } from './link.js';
import { INTERFACES_FOLDER as FOLDER, listInterfaces } from './network-interface.js';

export interface Route {
  interface: string;
  network: string;
  prefixLength: number;
  metric: number;
  /** True if it leads through another router, so it isn't a network of the interface itself. */
  gateway: boolean;
}

/** State of a link, in the fields of `/networking`. */
export const linkFields = {
  operational_state: nullable(
    string('State that the kernel reports in `operstate`: `up`, `down` or `dormant`. Often `unknown` for a tunnel that works.'),
  ),
  carrier: nullable(
    boolean('True if the link has a carrier: a cable or an access point at the other end. `null` while the interface is disabled.'),
  ),
  speed_mbps: nullable(integer('Speed of an Ethernet link. `null` for other interfaces and without a link.', 'megabits per second')),
  duplex: nullable(oneOf(DUPLEX, 'Duplex mode of an Ethernet link. `null` for other interfaces and without a link.')),
  mtu: nullable(integer('Maximum packet size.', 'bytes')),
  kind: nullable(
    string(
      'Kind of interface: `ethernet` (also virtual), `wlan`, `bridge`, `wireguard`, `tun`, `vlan` and others. `null` if the kernel does not report it.',
    ),
  ),
  wireless: boolean('True for a Wi-Fi interface.'),
  bridge: nullable(string('Bridge that the interface is a port of. `null` if it is not in a bridge.')),
  uplink: boolean('True if the best IPv4 or IPv6 default route uses this interface.'),
  vpn: boolean('True for a VPN tunnel.'),
};

/** Network interfaces: kind, state, networks, and which is the uplink. */
export const interfaces = collector({
  name: 'interfaces',
  summary: 'Network interfaces: links, bridges, uplink',
  trigger: 'schedule',
  schedule: '*/2 * * * * *',
  lane: 'quick',
  required: true,
  view: object({
    interfaces: array(
      object({
        interface: string('Name of the interface.'),
        ethernet: boolean('True for an Ethernet link layer that is not Wi-Fi.'),
        mac_address: nullable(string('MAC address in lower case. `null` for tunnels.')),
        admin_up: nullable(boolean('True if the interface is switched on (`ip link set … up`). `null` if the kernel does not report it.')),
        ...linkFields,
      }),
      'Network interfaces, sorted by name.',
    ),
    bridges: array(string('Name of an interface.'), 'Interfaces that are bridges.'),
    uplinks: array(string('Name of an interface.'), 'Interfaces of the best default route of each address family, IPv4 first.'),
    networks: array(
      object({
        interface: string('Name of the interface.'),
        network: string('IPv4 address of the network.'),
        prefixLength: integer('Prefix length of the network.', 'bits'),
      }),
      'IPv4 networks that interfaces are directly connected to.',
    ),
  }),
  absent: { interfaces: [], bridges: [], uplinks: [], networks: [] },
  followsIpMonitor: true,
  read(machine, sampling: Sampling<Dumped<Links>>) {
    const { carried, monotonicMs } = sampling;
    // Each link takes ten files.
    const isCurrent = carried && !hasLinkChanged(sampling) && !isDumpDue(sampling, MAX_LINKS_AGE_MS);
    const carry = isCurrent ? carried : { value: readLinks(machine), dumpedAtMs: monotonicMs };
    const { links, bridges } = carry.value;
    const routes4 = parseRoute(machine.readTextIfThere('/proc/net/route') ?? '');
    const routes6 = parseIpv6Route(machine.readTextIfThere('/proc/net/ipv6_route') ?? '');
    const uplinks = [...new Set([bestDefault(routes4), bestDefault(routes6)])].filter((name) => name !== undefined);
    const interfaces = links.map((link) => ({ ...link, uplink: uplinks.includes(link.interface) }));
    return {
      value: {
        interfaces,
        bridges,
        uplinks,
        networks: routes4
          .filter((route) => !route.gateway && route.prefixLength > 0)
          .map(({ interface: name, network, prefixLength }) => ({ interface: name, network, prefixLength })),
      },
      carry,
      metrics: () => families(interfaces),
    };
  },
});

type Links = ReturnType<typeof readLinks>;

/** Reads kind and state of all links. */
function readLinks(machine: Machine) {
  // One listing per interface tells which of its forty files to read.
  const listed = listInterfaces(machine).map((name) => [name, new Set(machine.list(`${FOLDER}/${name}`))] as const);
  const present = listed.filter(([, files]) => files.has('ifindex'));
  const bridges = present.flatMap(([name, files]) => (files.has('bridge') ? [name] : []));
  const bridgeOf = new Map(bridges.flatMap((bridge) => machine.list(`${FOLDER}/${bridge}/brif`).map((port) => [port, bridge] as const)));
  const links = present.map(([name, files]) => ({
    interface: name,
    ...readLink(machine, name, files),
    bridge: bridgeOf.get(name) ?? null,
  }));
  return { links, bridges };
}

interface Linked {
  readonly interface: string;
  readonly operational_state: string | null;
  readonly mtu: number | null;
  readonly speed_mbps: number | null;
}

function families(interfaces: readonly Linked[]): MetricFamily[] {
  const family = (name: string, help: string, value: (row: Linked) => number | null) =>
    perRow(`node_network_${name}`, 'gauge', help, interfaces, (row) => ({ labels: { device: row.interface }, value: value(row) }));
  return [
    family('up', "Value is 1 if operstate is 'up', 0 otherwise.", ({ operational_state: state }) =>
      state === null ? null : Number(state === 'up'),
    ),
    family('mtu_bytes', 'Network device property: mtu_bytes', ({ mtu }) => mtu),
    family('speed_bytes', 'Network device property: speed_bytes', ({ speed_mbps: speed }) => (speed === null ? null : (speed * 1e6) / 8)),
  ];
}

/** Returns the interface of the default route with the lowest metric, which the kernel uses. */
function bestDefault(routes: readonly Route[]): string | undefined {
  const defaults = routes.filter((route) => route.prefixLength === 0 && route.interface !== 'lo');
  return defaults.sort((a, b) => a.metric - b.metric)[0]?.interface;
}

// Flags of linux/route.h
const RTF_GATEWAY = 0x2;
const RTF_REJECT = 0x200;

/** Forms of the fields: interface, destination, gateway, flags, references, uses, metric, mask. */
const ROUTE_FIELDS = [/^\S/, /^[0-9A-F]{8}$/, /^[0-9A-F]{8}$/, /^[0-9A-F]{4}$/, /^\d+$/, /^\d+$/, /^\d+$/, /^[0-9A-F]{8}$/];

/**
 * Parses /proc/net/route. IPv4 addresses are eight hexadecimal digits of a number in the machine's byte order, which is
 * little-endian on every machine that Node supports, except s390x.
 *
 *     Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
 *     eth0	00000000	0202000A	0003	0	0	100	00000000	0	0	0
 *     wlan0	008D030A	00000000	0001	0	0	0	00FFFFFF	0	0	0
 */
export function parseRoute(text: string): Route[] {
  const routes: Route[] = [];
  for (const line of text.split('\n').slice(1)) {
    if (line.trim() === '') continue;
    const fields = line.split(/\s+/);
    // A complete line has more fields: one that ends here was cut off.
    if (fields.length <= ROUTE_FIELDS.length || !ROUTE_FIELDS.every((form, index) => form.test(fields[index] ?? ''))) {
      throw new SourceError('malformed', `route: expected a route: ${quote(line)}`);
    }
    const [name = '', network = '', , flagsHex = '', , , metric, mask = ''] = fields;
    const flags = Number.parseInt(flagsHex, 16);
    if (flags & RTF_REJECT || name === '*') continue; // a blackhole has *
    const prefixLength = octets(mask).reduce((bits, octet) => bits + octet.toString(2).replaceAll('0', '').length, 0);
    routes.push({
      interface: name,
      network: octets(network).join('.'),
      prefixLength,
      metric: Number(metric),
      gateway: (flags & RTF_GATEWAY) !== 0,
    });
  }
  return routes;
}

function octets(hex: string): number[] {
  return [6, 4, 2, 0].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
}

/**
 * Parses the default routes of /proc/net/ipv6_route: destination, prefix length, source, source prefix length, next hop, metric,
 * reference count, use count, flags, interface. All except the last are hexadecimal.
 *
 *     00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe80000000000000000000000000000 00000400 … 00450003 eth0
 */
export function parseIpv6Route(text: string): Route[] {
  const routes: Route[] = [];
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const match = /^([0-9a-f]{32}) ([0-9a-f]{2}) [0-9a-f]{32} [0-9a-f]{2} [0-9a-f]{32} ([0-9a-f]{8}) \S+ \S+ ([0-9a-f]{8}) +(\S+)$/.exec(
      line,
    );
    if (!match) throw new SourceError('malformed', `ipv6_route: expected a route: ${quote(line)}`);
    const [, network = '', length = '', metric = '', flagsHex = '', name = ''] = match;
    const flags = Number.parseInt(flagsHex, 16);
    if (Number.parseInt(length, 16) !== 0 || flags & RTF_REJECT) continue;
    routes.push({ interface: name, network, prefixLength: 0, metric: Number.parseInt(metric, 16), gateway: (flags & RTF_GATEWAY) !== 0 });
  }
  return routes;
}
