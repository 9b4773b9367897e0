import type { Values } from '../collectors/index.js';
import { linkFields } from '../collectors/network/interfaces.js';
import { array, boolean, type Infer, integer, map, nullable, object, oneOf, string } from '../model/schema.js';
import { netmask } from '../parse/ipv4.js';
import { document } from './define.js';

const count = (description: string, unit: string) => nullable(integer(description, unit));

const link = object({
  IP_address: nullable(string('First IPv4 address. `null` if the interface has none.')),
  Netmask: nullable(string('Netmask of the first IPv4 address, such as `255.255.255.0`. `null` without an IPv4 address.')),
  MAC_address: nullable(string('MAC address in lower case. `null` for a tunnel.')),
  IPv6_addresses: array(string('IPv6 address.'), 'IPv6 addresses. Link-local ones come last.'),
  addresses: array(string('Address with prefix length, such as `10.3.141.1/24`.'), 'All IPv4 and IPv6 addresses, with prefix length.'),
  state: oneOf(['up', 'down'], '`up` if the interface can carry traffic.'),
  ...linkFields,
});
type Link = Infer<typeof link>;

const throughput = object({
  RX_packets: count('Packets received since the interface was created.', 'packets'),
  RX_bytes: count('Bytes received since the interface was created.', 'bytes'),
  TX_packets: count('Packets sent since the interface was created.', 'packets'),
  TX_bytes: count('Bytes sent since the interface was created.', 'bytes'),
  RX_bytes_per_second: count('Receive rate between the last two samples. `null` until there are two samples.', 'bytes per second'),
  TX_bytes_per_second: count('Send rate between the last two samples. `null` until there are two samples.', 'bytes per second'),
  RX_errors: count('Received packets with errors.', 'packets'),
  TX_errors: count('Packets that could not be sent because of errors.', 'packets'),
  RX_drops: count('Received packets that the kernel dropped.', 'packets'),
  TX_drops: count('Outgoing packets that the kernel dropped.', 'packets'),
});

type Interface = Values['interfaces']['interfaces'][number];
type Address = Values['addresses']['addresses'][number];

/** The network interfaces, their addresses and their traffic. Field names with capitals come from RaspAP's API. */
export const networking = document({
  name: 'networking',
  summary: 'Network interfaces: state, addresses, traffic, uplink, VPN',
  required: ['interfaces'],
  optional: ['addresses', 'traffic'],
  view: object({
    interfaces: map(link, 'Interfaces by name, without `lo*` and `docker*`.'),
    throughput: map(throughput, 'Traffic by interface name, without `lo*` and `docker*`.'),
    uplinks: array(string('Name of the interface.'), 'Interfaces of the best IPv4 and IPv6 default routes, IPv4 first.'),
    vpn: array(
      object({
        interface: string('Name of the interface.'),
        kind: string('Kind of tunnel: `wireguard`, `tun` or `ovpn`.'),
        up: boolean('True if the tunnel interface can carry traffic.'),
      }),
      'VPN tunnels.',
    ),
  }),
  compose({ interfaces, addresses, traffic }) {
    const own = (name: string) => addresses?.addresses.filter((row) => row.interface === name) ?? [];
    return {
      interfaces: Object.fromEntries(
        interfaces.interfaces.filter(isShown).map((row) => [row.interface, describe(row, own(row.interface))]),
      ),
      throughput: Object.fromEntries(
        (traffic?.interfaces ?? []).filter(isShown).map((row) => [
          row.interface,
          {
            RX_packets: row.rx_packets,
            RX_bytes: row.rx_bytes,
            TX_packets: row.tx_packets,
            TX_bytes: row.tx_bytes,
            RX_bytes_per_second: row.rx_bytes_per_second,
            TX_bytes_per_second: row.tx_bytes_per_second,
            RX_errors: row.rx_errors,
            TX_errors: row.tx_errors,
            RX_drops: row.rx_dropped,
            TX_drops: row.tx_dropped,
          },
        ]),
      ),
      uplinks: interfaces.uplinks,
      vpn: interfaces.interfaces.flatMap((row) =>
        row.vpn && row.kind !== null ? [{ interface: row.interface, kind: row.kind, up: isUp(row) }] : [],
      ),
    };
  },
});

/**
 * Leaves out the loopback and Docker's bridge by the start of the name, like RaspAP. Also leaves out `__proto__`: it is a legal
 * interface name, but some clients would change the prototype of their object.
 */
function isShown({ interface: name }: { readonly interface: string }): boolean {
  return !name.startsWith('lo') && !name.startsWith('docker') && name !== '__proto__';
}

function describe(row: Interface, own: readonly Address[]): Link {
  const addresses = [...own].sort((a, b) => rank(a) - rank(b));
  const ipv4 = addresses.find(({ family }) => family === 'inet');
  return {
    IP_address: ipv4?.address ?? null,
    Netmask: ipv4 ? netmask(ipv4.prefixLength) : null,
    MAC_address: row.mac_address,
    IPv6_addresses: addresses.flatMap(({ family, address }) => (family === 'inet6' ? [address] : [])),
    addresses: addresses.map(({ address, prefixLength }) => `${address}/${prefixLength}`),
    state: isUp(row) ? 'up' : 'down',
    operational_state: row.operational_state,
    carrier: row.carrier,
    speed_mbps: row.speed_mbps,
    duplex: row.duplex,
    mtu: row.mtu,
    kind: row.kind,
    wireless: row.wireless,
    bridge: row.bridge,
    uplink: row.uplink,
    vpn: row.vpn,
  };
}

/** Tunnels stay `unknown` while they work. */
function isUp({ admin_up, operational_state, carrier }: Interface): boolean {
  if (!admin_up) return false;
  return operational_state === 'up' || (operational_state === 'unknown' && carrier !== false);
}

/** Sorts IPv4 before IPv6, and link-local addresses last in each. */
function rank({ family, scope }: Address): number {
  return (family === 'inet' ? 0 : 2) + Number(scope === 'link');
}
