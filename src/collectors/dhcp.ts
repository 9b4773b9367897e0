import { isIPv4 } from 'node:net';
import { collector } from '../collector.js';
import { DNSMASQ_SOURCES, optionValues, readDnsmasqFiles } from '../dnsmasq.js';
import { Absent, quote, SourceError } from '../errors.js';
import { array, nullable, object, string } from '../schema.js';

export interface DhcpRange {
  start: string;
  end: string | null;
  netmask: string | null;
  leaseTime: string | null;
  interface: string | null;
}

/** The address ranges that dnsmasq gives leases of. */
export const dhcp = collector({
  name: 'dhcp',
  summary: 'DHCP ranges of dnsmasq',
  schedule: '*/30 * * * * *',
  sources: DNSMASQ_SOURCES,
  required: false,
  view: object({
    ranges: array(
      object({
        start: string('First address'),
        end: nullable(string('Last address; null for a range of fixed leases only')),
        netmask: nullable(string('Its netmask; null where dnsmasq takes that of the interface')),
        leaseTime: nullable(string('How long a lease lasts, as dnsmasq writes it; null: its default of an hour')),
        interface: nullable(string('The interface it is for, where the configuration says')),
      }),
      'IPv4 ranges',
    ),
  }),
  absent: { ranges: [] },
  read(host) {
    const files = readDnsmasqFiles(host);
    if (files.length === 0) throw new Absent('dnsmasq is not configured');
    return { value: { ranges: files.flatMap(({ path, text }) => parseDhcpRanges(text, path)) } };
  },
});

/**
 * The IPv4 ranges of one dnsmasq configuration file, dnsmasq(8):
 * `dhcp-range=[tag:…,][set:…,][interface:…,]start[,end|mode][,netmask[,broadcast]][,lease time]`.
 *
 *     dhcp-range=10.3.141.50,10.3.141.255,255.255.255.0,12h
 *
 * @param source named in an error
 */
export function parseDhcpRanges(text: string, source: string): DhcpRange[] {
  return optionValues(text, 'dhcp-range').flatMap((value) => {
    const fields = value.split(',').map((field) => field.trim());
    const named = fields.filter((field) => /^(?:interface|set|tag|net):/.test(field));
    const [start = '', ...rest] = fields.filter((field) => !named.includes(field));
    if (start.includes(':')) return []; // IPv6
    if (!isIPv4(start)) throw new SourceError('malformed', `${source}: dhcp-range does not start with an address: ${quote(value)}`);
    const addresses = rest.filter(isIPv4);
    const words = rest.filter((field) => !isIPv4(field));
    const end = isNetmask(addresses[0]) ? undefined : addresses.shift();
    return [
      {
        start,
        end: end ?? null,
        netmask: addresses[0] ?? null,
        leaseTime: words.find((word) => /^(?:\d+[smhdw]?|infinite)$/.test(word)) ?? null,
        interface: named.find((field) => field.startsWith('interface:'))?.slice('interface:'.length) ?? null,
      },
    ];
  });
}

function isNetmask(address: string | undefined): boolean {
  return address?.startsWith('255.') ?? false;
}
