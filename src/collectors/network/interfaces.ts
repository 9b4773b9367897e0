import { quote, SourceError } from '../../errors.js';
import { collector } from '../../model/collector.js';
import { type MetricFamily, perRow } from '../../model/metrics.js';
import { array, boolean, integer, nullable, object, oneOf, string } from '../../model/schema.js';
import { DUPLEX, readLink } from './link.js';
import { INTERFACES_FOLDER as FOLDER, listInterfaces } from './network-interface.js';

export interface Route {
  interface: string;
  network: string;
  prefixLength: number;
  metric: number;
  /** Through another router: not a network of the interface itself. */
  gateway: boolean;
}

/** The network interfaces: what they are, whether they work, which is the uplink, which networks they are on. */
export const interfaces = collector({
  name: 'interfaces',
  summary: 'Network interfaces, their links, bridges, uplink',
  trigger: 'schedule',
  schedule: '*/2 * * * * *',
  lane: 'quick',
  required: true,
  view: object({
    interfaces: array(
      object({
        interface: string('Name'),
        wireless: boolean('It is a radio'),
        ethernet: boolean('It has an Ethernet link layer and is no radio'),
        bridge: nullable(string('The bridge it is a port of')),
        kind: nullable(string('ethernet (real or not), wlan, bridge, wireguard, tun, vlan…; null where the kernel does not say')),
        mac_address: nullable(string('MAC address in lower case')),
        admin_up: nullable(boolean('It is switched on: `ip link set … up`')),
        operational_state: nullable(string('`operstate` of the kernel: up, down, dormant, unknown…')),
        carrier: nullable(boolean('Something is at the other end; null while it is switched off')),
        speed_mbps: nullable(integer('Speed of the link; null for what is no Ethernet', 'megabits per second')),
        duplex: nullable(oneOf(DUPLEX, 'Whether both ends may send at the same time')),
        mtu: nullable(integer('Largest packet', 'bytes')),
        uplink: boolean('The best default route of a family goes through it'),
        vpn: boolean('It is the end of a tunnel: WireGuard, tun, OpenVPN in the kernel'),
      }),
      'Every network interface',
    ),
    bridges: array(string('Name'), 'Interfaces that are bridges'),
    uplinks: array(string('Name'), 'Interfaces of the best default route of each family'),
    networks: array(
      object({ interface: string('Name'), network: string('IPv4 address of the network'), prefixLength: integer('Its length', 'bits') }),
      'IPv4 networks that an interface is on itself',
    ),
  }),
  absent: { interfaces: [], bridges: [], uplinks: [], networks: [] },
  read(machine) {
    // One listing says what else is worth a look: of forty files most do not concern us.
    const listed = listInterfaces(machine).map((name) => [name, new Set(machine.list(`${FOLDER}/${name}`))] as const);
    const present = listed.filter(([, files]) => files.has('ifindex'));
    const bridges = present.flatMap(([name, files]) => (files.has('bridge') ? [name] : []));
    const bridgeOf = new Map(bridges.flatMap((bridge) => machine.list(`${FOLDER}/${bridge}/brif`).map((port) => [port, bridge] as const)));
    const routes4 = parseRoute(machine.readTextIfThere('/proc/net/route') ?? '');
    const routes6 = parseIpv6Route(machine.readTextIfThere('/proc/net/ipv6_route') ?? '');
    const uplinks = [...new Set([bestDefault(routes4), bestDefault(routes6)])].filter((name) => name !== undefined);
    const interfaces = present.map(([name, files]) => ({
      interface: name,
      ...readLink(machine, name, files),
      bridge: bridgeOf.get(name) ?? null,
      uplink: uplinks.includes(name),
    }));
    return {
      value: {
        interfaces,
        bridges,
        uplinks,
        networks: routes4
          .filter((route) => !route.gateway && route.prefixLength > 0)
          .map(({ interface: name, network, prefixLength }) => ({ interface: name, network, prefixLength })),
      },
      metrics: () => families(interfaces),
    };
  },
});

interface Known {
  readonly interface: string;
  readonly operational_state: string | null;
  readonly mtu: number | null;
  readonly speed_mbps: number | null;
}

function families(interfaces: readonly Known[]): MetricFamily[] {
  const family = (name: string, help: string, value: (row: Known) => number | null) =>
    perRow(`node_network_${name}`, 'gauge', help, interfaces, (row) => ({ labels: { device: row.interface }, value: value(row) }));
  return [
    family('up', "Value is 1 if operstate is 'up', 0 otherwise.", ({ operational_state: state }) =>
      state === null ? null : Number(state === 'up'),
    ),
    family('mtu_bytes', 'Network device property: mtu_bytes', ({ mtu }) => mtu),
    family('speed_bytes', 'Network device property: speed_bytes', ({ speed_mbps: speed }) => (speed === null ? null : (speed * 1e6) / 8)),
  ];
}

/** Interface of the default route with the lowest metric, which is the one the kernel takes. */
function bestDefault(routes: readonly Route[]): string | undefined {
  const defaults = routes.filter((route) => route.prefixLength === 0 && route.interface !== 'lo');
  return defaults.sort((a, b) => a.metric - b.metric)[0]?.interface;
}

// Flags of linux/route.h
const RTF_GATEWAY = 0x2;
const RTF_REJECT = 0x200;

/** Interface, destination, gateway, flags, references, uses, metric, mask. */
const ROUTE_FIELDS = [/^\S/, /^[0-9A-F]{8}$/, /^[0-9A-F]{8}$/, /^[0-9A-F]{4}$/, /^\d+$/, /^\d+$/, /^\d+$/, /^[0-9A-F]{8}$/];

/**
 * /proc/net/route: IPv4 addresses as the eight hexadecimal digits of a number in the machine's byte order, which is
 * little-endian on every machine that Node runs on but s390x.
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
    // One more at least: a line that ends here was torn.
    if (fields.length <= ROUTE_FIELDS.length || !ROUTE_FIELDS.every((form, index) => form.test(fields[index] ?? ''))) {
      throw new SourceError('malformed', `route: not a route: ${quote(line)}`);
    }
    const [name = '', network = '', , flagsHex = '', , , metric, mask = ''] = fields;
    const flags = Number.parseInt(flagsHex, 16);
    if (flags & RTF_REJECT || name === '*') continue; // * of a blackhole
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
 * The default routes of /proc/net/ipv6_route: destination, prefix length, source, source prefix length, next hop, metric,
 * reference count, use count, flags, interface, all but the last in hexadecimal.
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
    if (!match) throw new SourceError('malformed', `ipv6_route: not a route: ${quote(line)}`);
    const [, network = '', length = '', metric = '', flagsHex = '', name = ''] = match;
    const flags = Number.parseInt(flagsHex, 16);
    if (Number.parseInt(length, 16) !== 0 || flags & RTF_REJECT) continue;
    routes.push({ interface: name, network, prefixLength: 0, metric: Number.parseInt(metric, 16), gateway: (flags & RTF_GATEWAY) !== 0 });
  }
  return routes;
}
