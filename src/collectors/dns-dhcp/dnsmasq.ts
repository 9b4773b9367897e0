import { isIP } from 'node:net';
import { Absent, SourceError } from '../../errors.js';
import { collector } from '../../model/collector.js';
import { array, boolean, type Infer, nullable, object, string } from '../../model/schema.js';
import { LEASE_TIME, parseDhcpRanges } from '../../parse/dhcp-range.js';
import { optionValues, parseOptions, readDnsmasqFiles } from '../../parse/dnsmasq.js';
import { parseMac } from '../../parse/mac.js';

/** An address, or only a name, that is kept for somebody. */
export const staticLease = object({
  mac_address: nullable(string('Who; null where it is told by another name')),
  ip_address: nullable(string('The address it gets; null where only a name is given')),
  hostname: nullable(string('The name it gets')),
  comment: nullable(string('What the line says after #')),
});

/** What dnsmasq's configuration files say. */
export const dnsmasq = collector({
  name: 'dnsmasq',
  summary: 'Configuration of dnsmasq: DHCP ranges, fixed leases, upstream servers',
  trigger: 'file-change',
  schedule: '* * * * * *',
  lane: 'quick',
  required: false,
  view: object({
    files: array(string('Path'), 'The configuration files, in the order in which dnsmasq reads them; none: it is not installed'),
    ranges: array(
      object({
        start: string('First address'),
        end: nullable(string('Last address; null for a range of fixed leases only')),
        netmask: nullable(string('Its netmask; null where dnsmasq takes that of the interface')),
        leaseTime: nullable(string('How long a lease lasts, as dnsmasq writes it; null: its default of an hour')),
        interface: nullable(string('The interface it is for, where its line says')),
        interfaces: array(string('Name'), 'The interfaces that its file says it is for'),
        routers: nullable(array(string('IPv4 address'), 'DHCP option 3 of its file, none: not handed out; null where the file has none')),
        nameServers: nullable(array(string('IPv4 address'), 'DHCP option 6, likewise')),
      }),
      'IPv4 ranges of which dnsmasq gives leases',
    ),
    staticLeases: array(staticLease, 'dhcp-host lines, one for each MAC address'),
    servers: array(string('Address'), 'Upstream name servers for all names'),
    noResolv: boolean('Whether there are no others'),
    resolvFile: nullable(string('The file of further ones; null: the default')),
    logFile: nullable(string('Where it logs; null: the system log')),
  }),
  absent: { files: [], ranges: [], staticLeases: [], servers: [], noResolv: false, resolvFile: null, logFile: null },
  read(machine) {
    const files = readDnsmasqFiles(machine);
    if (files.length === 0) throw new Absent('dnsmasq is not configured');
    const binary = files.find(({ text }) => text.includes('\0'));
    if (binary) throw new SourceError('malformed', `${binary.path}: holds NUL bytes, so it is no configuration file`);
    const last = (option: string) => files.flatMap(({ text }) => optionValues(text, option)).findLast((value) => value.startsWith('/'));
    return {
      value: {
        files: files.map(({ path }) => path),
        ranges: files.flatMap(({ path, text }) => parseDhcpRanges(text, path)),
        staticLeases: files.flatMap(({ text }) => parseStaticLeases(text)),
        servers: files.flatMap(({ text }) => parseServers(text)),
        noResolv: files.some(({ text }) => parseOptions(text).some(({ name }) => name === 'no-resolv')),
        resolvFile: last('resolv-file') ?? null,
        logFile: last('log-facility') ?? null,
      },
    };
  },
});

/**
 * Fixed leases, dnsmasq(8): fields in nearly any order, of which there may be several MAC addresses (with the type of hardware in
 * front), `id:…`, `set:…`, `tag:…`, an IPv6 address in brackets, and how long a lease lasts. `ignore` refuses a client.
 *
 *     dhcp-host=02:00:00:00:01:00,10.3.141.10 # alice
 *     dhcp-host=11:22:33:44:55:66,12:34:56:78:90:12,192.168.0.60,laptop,45m
 */
export function parseStaticLeases(text: string): Infer<typeof staticLease>[] {
  return parseOptions(text).flatMap(({ name, value, comment }) => {
    if (name !== 'dhcp-host' || value === null) return [];
    const fields = value
      .split(',')
      .map((field) => field.trim())
      .filter(Boolean);
    if (fields.includes('ignore')) return [];
    const macs = fields.flatMap((field) => parseMac(field.replace(/^[0-9a-f]{2}-/i, '')) ?? []);
    const addresses = fields.map((field) => field.replace(/^\[(.*)\]$/, '$1')).filter((field) => isIP(field) !== 0);
    const names = fields.filter((field) => /^[^:[\]*]+$/.test(field) && isIP(field) === 0 && !LEASE_TIME.test(field));
    const lease = { ip_address: addresses[0] ?? null, hostname: names[0] ?? null, comment: comment || null };
    if (macs.length === 0 && lease.ip_address === null && lease.hostname === null) return [];
    return (macs.length > 0 ? macs : [null]).map((mac) => ({ mac_address: mac, ...lease }));
  });
}

/**
 * Upstream servers for all names, dnsmasq(8): `server=[/domain/]address[#port][@interface or address[#port]]`.
 *
 *     server=8.8.8.8
 *     server=/lan/10.3.141.1
 *     server=1.1.1.1#53@eth0
 */
export function parseServers(text: string): string[] {
  return optionValues(text, 'server').flatMap((value) => {
    const [address = ''] = value.split(/[#@]/, 1);
    return isIP(address) === 0 ? [] : [address];
  });
}
