import { staticLease } from '../collectors/dns-dhcp/dnsmasq.js';
import type { Values } from '../collectors/index.js';
import { document, type Parts } from '../model/document.js';
import { array, nullable, object, string } from '../model/schema.js';
import { rangeInterfaces } from '../parse/dhcp-range.js';
import { contains, netmask } from '../parse/ipv4.js';
import { firstAtStart } from './first-access-point.js';

const PARTS = ['interfaces', 'addresses', 'hostapdconf', 'raspap', 'dnsmasq', 'dhcpcd'] as const;
type Sources = Parts<(typeof PARTS)[number]>;
type Range = Values['dnsmasq']['ranges'][number];

const rangeFields = {
  range_start: string('First address'),
  range_end: string('Last address; empty for a range of fixed leases only'),
  range_subnet_mask: string('Netmask'),
  range_lease_time: string('How long a lease lasts, as dnsmasq writes it: 12h, infinite'),
};

const served = {
  ...rangeFields,
  range_gateway: string('Router that clients are told of'),
  range_nameservers: array(string('Address'), 'Name servers that clients are told of'),
};

/** The addresses that are leased. The flat fields are RaspAP's, and of the first access point. */
export const dhcp = document({
  name: 'dhcp',
  summary: 'DHCP ranges and fixed leases of dnsmasq',
  parts: PARTS,
  needs: ['interfaces', 'dnsmasq'],
  view: object({
    ...served,
    interfaces: array(
      object({
        interface: nullable(string('Name; null where nothing says which')),
        ...served,
        ranges: array(object(rangeFields), 'All of them: the fields above are of the first'),
      }),
      'Interfaces with a range',
    ),
    static_leases: array(staticLease, 'Addresses that are kept for somebody'),
  }),
  compose(parts) {
    if (!parts.interfaces || !parts.dnsmasq) throw new Error('dhcp: composed without what it needs');
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

/** By interface, in the order in which they come first; null has those of which nothing says. */
function rangesByInterface(ranges: readonly Range[], networks: Values['interfaces']['networks']): Map<string | null, Range[]> {
  const found = new Map<string | null, Range[]>();
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

/**
 * The interface that the first access point's clients are on: its bridge, where it is a port of one. A bridge without a range
 * joins it to a network where somebody else leases.
 *
 * @returns undefined where no access point is known
 */
function firstLink({ interfaces, hostapdconf, raspap }: Sources): string | undefined {
  const first = firstAtStart(hostapdconf?.accessPoints ?? [], raspap).find((row) => row.interface !== '');
  // Where hostapd's files cannot be read, RaspAP's still say.
  const name = first?.interface ?? (hostapdconf ? undefined : raspap?.wifiInterface) ?? undefined;
  const bridge = interfaces?.interfaces.find((row) => row.interface === name)?.bridge;
  // While hostapd does not run, its access point is no port yet.
  return bridge ?? (first?.bridge || name);
}

function describe(name: string | null, ranges: readonly Range[], parts: Sources) {
  const all = ranges.map((range) => {
    const prefixLength = ownAddress(name, range, parts)?.prefixLength ?? null;
    return {
      range_start: range.start,
      range_end: range.end ?? '',
      // RaspAP writes 0.0.0.0 where its form was left empty
      range_subnet_mask: (range.netmask !== '0.0.0.0' && range.netmask) || (prefixLength === null ? '' : netmask(prefixLength)),
      range_lease_time: range.leaseTime ?? '1h', // dnsmasq's default
    };
  });
  const [range, first] = [ranges[0], all[0]];
  if (!range || !first) throw new Error('dhcp: an interface without a range');
  const own = ownAddress(name, range, parts)?.address;
  const fixed = parts.dhcpcd?.interfaces.find((row) => row.interface === name);
  // What dnsmasq hands out if nobody says otherwise is itself; so does 0.0.0.0.
  const handedOut = (said: readonly string[] | null) =>
    (said ?? ['0.0.0.0']).flatMap((address) => (address === '0.0.0.0' ? (own ?? []) : address));
  const orHandedOut = (said: readonly string[] | undefined, option: readonly string[] | null) =>
    said?.length ? [...said] : handedOut(option);
  return {
    ...first,
    range_gateway: orHandedOut(fixed?.routers, range.routers).join(' '),
    range_nameservers: orHandedOut(fixed?.nameServers, range.nameServers),
    ranges: all,
  };
}

/** The interface's own address on a range's network, else its first; that of dhcpcd.conf while it has none. */
function ownAddress(name: string | null, { start }: Range, { addresses, dhcpcd, interfaces }: Sources) {
  const own = addresses?.addresses.filter((row) => row.interface === name && row.family === 'inet') ?? [];
  const found = own.find((row) => contains({ network: row.address, prefixLength: row.prefixLength }, start)) ?? own[0];
  if (found) return found;
  const fixed = dhcpcd?.interfaces.find((row) => row.interface === name);
  const network = interfaces?.networks.find((row) => row.interface === name && contains(row, start));
  return { address: fixed?.address ?? undefined, prefixLength: fixed?.prefixLength ?? network?.prefixLength ?? null };
}
