import { collector } from '../collector.js';
import { quote, SourceError } from '../errors.js';
import type { Host } from '../host.js';
import { array, boolean, integer, nullable, object, string } from '../schema.js';

const FOLDER = '/sys/class/net';

interface Interface {
  interface: string;
  wireless: boolean;
  ethernet: boolean;
  bridge: string | null;
}

export interface Route {
  interface: string;
  network: string;
  prefixLength: number;
  metric: number;
  /** Through another router: not a network of the interface itself. */
  gateway: boolean;
}

/** The network interfaces: which are wireless, which are ports of a bridge, which is the uplink, which networks they are on. */
export const interfaces = collector({
  name: 'interfaces',
  summary: 'Network interfaces, bridges, uplink',
  schedule: '*/2 * * * * *',
  sources: [`${FOLDER}/*`, '/proc/net/route', '/proc/net/ipv6_route'],
  required: true,
  view: object({
    interfaces: array(
      object({
        interface: string('Name'),
        wireless: boolean('It is a radio'),
        ethernet: boolean('It has an Ethernet link layer and is no radio'),
        bridge: nullable(string('The bridge it is a port of')),
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
  read(host) {
    const names = host.list(FOLDER).filter((name) => host.exists(`${FOLDER}/${name}/ifindex`));
    const bridges = names.filter((name) => host.exists(`${FOLDER}/${name}/bridge`)).sort();
    const bridgeOf = new Map(bridges.flatMap((bridge) => host.list(`${FOLDER}/${bridge}/brif`).map((port) => [port, bridge] as const)));
    const routes4 = parseRoute(host.readTextIfThere('/proc/net/route') ?? '');
    const routes6 = parseIpv6Route(host.readTextIfThere('/proc/net/ipv6_route') ?? '');
    return {
      value: {
        interfaces: names.sort().map((name) => readInterface(host, name, bridgeOf.get(name) ?? null)),
        bridges,
        uplinks: [...new Set([bestDefault(routes4), bestDefault(routes6)])].filter((name) => name !== undefined),
        networks: routes4
          .filter((route) => !route.gateway && route.prefixLength > 0)
          .map(({ interface: name, network, prefixLength }) => ({ interface: name, network, prefixLength })),
      },
    };
  },
});

function readInterface(host: Host, name: string, bridge: string | null): Interface {
  const wireless = host.exists(`${FOLDER}/${name}/phy80211`) || host.exists(`${FOLDER}/${name}/wireless`);
  // ARPHRD_ETHER, linux/if_arp.h
  const ethernet = !wireless && host.readTextIfThere(`${FOLDER}/${name}/type`)?.trim() === '1';
  return { interface: name, wireless, ethernet, bridge };
}

/** Interface of the default route with the lowest metric, which is the one the kernel takes. */
function bestDefault(routes: readonly Route[]): string | undefined {
  const defaults = routes.filter((route) => route.prefixLength === 0 && route.interface !== 'lo');
  return defaults.sort((a, b) => a.metric - b.metric)[0]?.interface;
}

// Flags of linux/route.h
const RTF_GATEWAY = 0x2;
const RTF_REJECT = 0x200;

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
    const match = /^(\S+)\s+([0-9A-F]{8})\s+[0-9A-F]{8}\s+([0-9A-F]{4})\s+\d+\s+\d+\s+(\d+)\s+([0-9A-F]{8})\s/.exec(line);
    if (!match) throw new SourceError('malformed', `route: not a route: ${quote(line)}`);
    const [, name = '', network = '', flagsHex = '', metric, mask = ''] = match;
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
