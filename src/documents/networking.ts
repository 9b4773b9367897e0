import type { Values } from '../collectors/index.js';
import { array, boolean, type Infer, integer, map, nullable, object, oneOf, string } from '../model/schema.js';
import { netmask } from '../parse/ipv4.js';
import { document } from './define.js';

const count = (description: string, unit: string) => nullable(integer(description, unit));

const link = object({
  IP_address: nullable(string('First IPv4 address')),
  Netmask: nullable(string('Netmask of that: 255.255.255.0')),
  MAC_address: nullable(string('MAC address in lower case; null for a tunnel')),
  IPv6_addresses: array(string('Address'), 'Those of a wider scope before those of the link'),
  addresses: array(string('10.3.141.1/24'), 'Every address of both families, with the length of its prefix'),
  state: oneOf(['up', 'down'], 'Whether it works'),
  operational_state: nullable(string('`operstate` of the kernel: up, down, dormant; unknown for a tunnel, which may well work')),
  carrier: nullable(boolean('Something is at the other end; null while it is switched off')),
  speed_mbps: nullable(integer('Speed of the link; null for what is no Ethernet, or has no link', 'megabits per second')),
  duplex: nullable(oneOf(['half', 'full'], 'Whether both ends may send at the same time')),
  mtu: nullable(integer('Largest packet', 'bytes')),
  kind: nullable(string('ethernet (real or not), wlan, bridge, wireguard, tun, vlan…; null where the kernel does not say')),
  wireless: boolean('It is a radio'),
  bridge: nullable(string('The bridge it is a port of')),
  uplink: boolean('The best default route of a family goes through it'),
  vpn: boolean('It is the end of a tunnel'),
});
type Link = Infer<typeof link>;

const throughput = object({
  RX_packets: count('Received since the interface was made', 'packets'),
  RX_bytes: count('Received since then', 'bytes'),
  TX_packets: count('Sent since then', 'packets'),
  TX_bytes: count('Sent since then', 'bytes'),
  RX_bytes_per_second: count('Received between the last two samples; null until there are two', 'bytes per second'),
  TX_bytes_per_second: count('Sent between the last two samples', 'bytes per second'),
  RX_errors: count('Received broken', 'packets'),
  TX_errors: count('Could not be sent', 'packets'),
  RX_drops: count('Received and not taken', 'packets'),
  TX_drops: count('Given up before they were sent', 'packets'),
});

type Interface = Values['interfaces']['interfaces'][number];
type Address = Values['addresses']['addresses'][number];

/** The network interfaces, their addresses and their traffic. Names of fields with capitals are RaspAP's. */
export const networking = document({
  name: 'networking',
  summary: 'Network interfaces: state, addresses, traffic, uplink, VPN',
  required: ['interfaces'],
  optional: ['addresses', 'traffic'],
  view: object({
    interfaces: map(link, 'By name, without `lo*` and `docker*`'),
    throughput: map(throughput, 'By name, without `lo*` and `docker*`'),
    uplinks: array(string('Name'), 'Interfaces of the best default route of each family, IPv4 first'),
    vpn: array(
      object({ interface: string('Name'), kind: string('wireguard, tun, ovpn'), up: boolean('It works') }),
      'Ends of tunnels that are there',
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
 * RaspAP leaves out the loopback and Docker's bridge, by the start of the name. `__proto__` is a legal name too: as that of a field it
 * would be more than a name to some clients.
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

/** Tunnels and the like stay `unknown` while they work. */
function isUp({ admin_up, operational_state, carrier }: Interface): boolean {
  if (!admin_up) return false;
  return operational_state === 'up' || (operational_state === 'unknown' && carrier !== false);
}

/** IPv4 before IPv6, and of each those of the link last. */
function rank({ family, scope }: Address): number {
  return (family === 'inet' ? 0 : 2) + Number(scope === 'link');
}
