import { staticLease } from '../collectors/dns-dhcp/dnsmasq.js';
import type { Values } from '../collectors/index.js';
import type { Parts } from '../model/document.js';
import { array, nullable, object, string } from '../model/schema.js';
import { rangeInterfaces } from '../parse/dhcp-range.js';
import { contains, netmask } from '../parse/ipv4.js';
import { document } from './define.js';
import { firstAtStart } from './first-access-point.js';

const REQUIRED = ['interfaces', 'dnsmasq'] as const;
const OPTIONAL = ['addresses', 'hostapdconf', 'raspap', 'dhcpcd'] as const;
type Sources = Parts<Values, (typeof REQUIRED)[number], (typeof OPTIONAL)[number]>;
type Range = Values['dnsmasq']['ranges'][number];

const rangeFields = {
  range_start: string('First address of the DHCP range. Empty if there is no range.'),
  range_end: string('Last address of the DHCP range. Empty if the range serves static leases only.'),
  range_subnet_mask: string('Netmask of the DHCP range. Empty if it is unknown.'),
  range_lease_time: string('Lease duration as dnsmasq writes it: `12h`, `infinite`.'),
};

const served = {
  ...rangeFields,
  range_gateway: string('Router that dnsmasq announces to clients. Several are separated by spaces. Empty if there is none.'),
  range_nameservers: array(string('Address of a name server.'), 'Name servers that dnsmasq announces to clients.'),
};

/** DHCP ranges. The flat fields are RaspAP's and describe the first access point. */
export const dhcp = document({
  name: 'dhcp',
  summary: 'DHCP ranges and static leases of dnsmasq',
  required: REQUIRED,
  optional: OPTIONAL,
  view: object({
    ...served,
    interfaces: array(
      object({
        interface: nullable(string('Name of the interface. `null` if the configuration names none.')),
        ...served,
        ranges: array(object(rangeFields), 'Every DHCP range of the interface. The fields next to this list describe the first one.'),
      }),
      'Interfaces with a DHCP range.',
    ),
    static_leases: array(staticLease, 'Addresses reserved for one client each.'),
  }),
  compose(parts) {
    const interfaces = [...rangesByInterface(parts.dnsmasq.ranges, parts.interfaces.networks)].map(([name, ranges]) => ({
      interface: name,
      ...describe(name, ranges, parts),
    }));
    const link = firstLink(parts);
    const {
      interface: _interface,
      ranges: _ranges,
      ...first
    } = (link === undefined ? interfaces[0] : interfaces.find((row) => row.interface === link)) ?? none;
    return { ...first, interfaces, static_leases: parts.dnsmasq.staticLeases };
  },
});

const none = {
  range_start: '',
  range_end: '',
  range_subnet_mask: '',
  range_lease_time: '',
  range_gateway: '',
  range_nameservers: [],
  interface: null,
  ranges: [],
};

/** Groups ranges by interface, in order of first appearance. Ranges for which no interface is known are under null. */
function rangesByInterface(ranges: readonly Range[], networks: Values['interfaces']['networks']): Map<string | null, Ranges> {
  const found = new Map<string | null, Ranges>();
  for (const range of ranges) {
    const names = rangeInterfaces(range, networks);
    for (const name of names.length > 0 ? names : [null]) {
      const same = found.get(name);
      if (same) same.push(range);
      else found.set(name, [range]);
    }
  }
  return found;
}

/** Ranges of one interface: at least one. */
type Ranges = [Range, ...Range[]];

/**
 * Finds the interface that serves clients of the first access point: its bridge if it is a bridge port, else itself. A bridge
 * without a range joins the access point to a network with a DHCP server elsewhere.
 *
 * @returns undefined if no access point is known
 */
function firstLink({ interfaces, hostapdconf, raspap }: Sources): string | undefined {
  const first = firstAtStart(hostapdconf?.accessPoints ?? [], raspap).find((row) => row.interface !== '');
  // If hostapd's files can't be read, RaspAP's still name the interface.
  const name = first?.interface ?? (hostapdconf ? undefined : raspap?.wifiInterface) ?? undefined;
  const bridge = interfaces.interfaces.find((row) => row.interface === name)?.bridge;
  // Until hostapd runs, its access point isn't a bridge port yet.
  return bridge ?? (first?.bridge || name);
}

function describe(name: string | null, ranges: Ranges, parts: Sources) {
  const [range] = ranges;
  const all = ranges.map((one) => describeRange(name, one, parts));
  const own = ownAddress(name, range, parts)?.address;
  const fixed = parts.dhcpcd?.interfaces.find((row) => row.interface === name);
  // By default dnsmasq announces itself; 0.0.0.0 means the same.
  const announced = (configured: readonly string[] | null) =>
    (configured ?? ['0.0.0.0']).flatMap((address) => (address === '0.0.0.0' ? (own ?? []) : address));
  const orAnnounced = (configured: readonly string[] | undefined, option: readonly string[] | null) =>
    configured?.length ? [...configured] : announced(option);
  return {
    ...describeRange(name, range, parts),
    range_gateway: orAnnounced(fixed?.routers, range.routers).join(' '),
    range_nameservers: orAnnounced(fixed?.nameServers, range.nameServers),
    ranges: all,
  };
}

function describeRange(name: string | null, range: Range, parts: Sources) {
  const prefixLength = ownAddress(name, range, parts)?.prefixLength ?? null;
  return {
    range_start: range.start,
    range_end: range.end ?? '',
    // RaspAP writes 0.0.0.0 if its form was left empty.
    range_subnet_mask: (range.netmask !== '0.0.0.0' && range.netmask) || (prefixLength === null ? '' : netmask(prefixLength)),
    range_lease_time: range.leaseTime ?? '1h', // dnsmasq's default
  };
}

/** Finds the interface's own address: on the range's network, else its first one, else the one in dhcpcd.conf. */
function ownAddress(name: string | null, { start }: Range, { addresses, dhcpcd, interfaces }: Sources) {
  const own = addresses?.addresses.filter((row) => row.interface === name && row.family === 'inet') ?? [];
  const found = own.find((row) => contains({ network: row.address, prefixLength: row.prefixLength }, start)) ?? own[0];
  if (found) return found;
  const fixed = dhcpcd?.interfaces.find((row) => row.interface === name);
  const network = interfaces.networks.find((row) => row.interface === name && contains(row, start));
  return { address: fixed?.address ?? undefined, prefixLength: fixed?.prefixLength ?? network?.prefixLength ?? null };
}
