import { Absent } from '../../errors.js';
import { collector } from '../../model/collector.js';
import { array, boolean, type Infer, nullable, object, string } from '../../model/schema.js';
import { rejectBinary } from '../../parse/configuration-text.js';
import { LEASE_TIME, parseDhcpRanges } from '../../parse/dhcp-range.js';
import { optionValues, parseOptions } from '../../parse/dnsmasq-options.js';
import { isIP } from '../../parse/ip-address.js';
import { parseMac } from '../../parse/mac.js';
import { readDnsmasqFiles } from './dnsmasq-files.js';

/** An address or a name reserved for a client. */
export const staticLease = object({
  mac_address: nullable(string('MAC address of the client, in lower case. `null` if the line identifies it otherwise.')),
  ip_address: nullable(string('Address reserved for the client. `null` if the line gives only a name.')),
  hostname: nullable(string('Host name assigned to the client. `null` if the line gives none.')),
  comment: nullable(string('Comment at the end of the line. `null` if it has none.')),
});

/** Configuration of dnsmasq. */
export const dnsmasq = collector({
  name: 'dnsmasq',
  summary: 'Configuration of dnsmasq: DHCP ranges, static leases, upstream servers',
  trigger: 'file-change',
  schedule: '* * * * * *',
  lane: 'quick',
  required: false,
  view: object({
    files: array(
      string('Path of a file.'),
      'Configuration files in the order in which dnsmasq reads them. Empty if dnsmasq is not configured.',
    ),
    ranges: array(
      object({
        start: string('First address of the range.'),
        end: nullable(string('Last address of the range. `null` if the range serves static leases only.')),
        netmask: nullable(string('Netmask of the range. `null` if dnsmasq uses the netmask of the interface.')),
        leaseTime: nullable(string('Lease duration as dnsmasq writes it: `12h`. `null` for the default of one hour.')),
        interface: nullable(string('Interface that the range names. `null` if it names none.')),
        interfaces: array(string('Name of an interface.'), 'Interfaces that the file of the range names.'),
        routers: nullable(
          array(
            string('IPv4 address.'),
            'Routers that dnsmasq announces (DHCP option 3). Empty if it announces none, `null` if the file does not set the option.',
          ),
        ),
        nameServers: nullable(
          array(
            string('IPv4 address.'),
            'Name servers that dnsmasq announces (DHCP option 6). Empty if it announces none, `null` if the file does not set the option.',
          ),
        ),
      }),
      'IPv4 ranges that dnsmasq leases addresses from.',
    ),
    staticLeases: array(staticLease, 'Static leases (`dhcp-host`), one for each MAC address.'),
    servers: array(string('IP address.'), 'Upstream name servers for all names.'),
    noResolv: boolean('True if dnsmasq uses no other upstream name servers (`no-resolv`).'),
    resolvFile: nullable(string('File with further name servers. `null` for the default.')),
    logFile: nullable(string('Log file of dnsmasq. `null` for the system log.')),
  }),
  absent: { files: [], ranges: [], staticLeases: [], servers: [], noResolv: false, resolvFile: null, logFile: null },
  read(machine) {
    const files = readDnsmasqFiles(machine);
    if (files.length === 0) throw new Absent('dnsmasq is not configured');
    for (const { path, text } of files) rejectBinary(text, path);
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
 * Parses static leases, dnsmasq(8). Fields come in nearly any order: MAC addresses (a hardware type may precede each), `id:…`,
 * `set:…`, `tag:…`, an IPv6 address in brackets, a lease duration. `ignore` rejects a client.
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
 * Parses upstream servers for all names, dnsmasq(8): `server=[/domain/]address[#port][@interface or address[#port]]`.
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
