import { Absent, quote, SourceError } from '../../errors.js';
import { collector } from '../../model/collector.js';
import { gauge } from '../../model/metrics.js';
import { array, integer, nullable, object, string } from '../../model/schema.js';
import { optionValues } from '../../parse/dnsmasq-options.js';
import { isIP } from '../../parse/ip-address.js';
import { parseMac } from '../../parse/mac.js';
import { readableDnsmasqFiles } from './dnsmasq-files.js';

const LEASE_FILES = ['/var/lib/misc/dnsmasq.leases', '/var/lib/dnsmasq/dnsmasq.leases'];
/** Maximum size of the file. A lease takes under 120 bytes, and a full /16 takes 8 MB. */
const MAX_BYTES = 16 << 20;

export interface Lease {
  expiry: number;
  mac_address: string | null;
  ip_address: string;
  hostname: string | null;
  client_id: string | null;
}

/** Addresses that dnsmasq has leased. */
export const leases = collector({
  name: 'leases',
  summary: 'DHCP leases of dnsmasq',
  trigger: 'file-change',
  schedule: '* * * * * *',
  lane: 'quick',
  required: true,
  view: object({
    leases: array(
      object({
        expiry: integer('Expiry of the lease. `0` if it never expires.', 'Unix seconds'),
        mac_address: nullable(
          string('MAC address of the client, in lower case. `null` for IPv6 leases and for clients without Ethernet or Wi-Fi.'),
        ),
        ip_address: string('Leased IPv4 or IPv6 address.'),
        hostname: nullable(string('Host name that the client sent. `null` if it sent none.')),
        client_id: nullable(string('DHCP client identifier, or the DUID of an IPv6 lease. `null` if the client sent none.')),
      }),
      'Leases in the order of the file.',
    ),
  }),
  absent: { leases: [] },
  read(machine) {
    // The dnsmasq collector reports configuration files that can't be read. Most machines use the default lease file.
    const configured = readableDnsmasqFiles(machine).flatMap(({ text }) => optionValues(text, 'dhcp-leasefile'));
    for (const path of configured.length > 0 ? configured.slice(-1) : LEASE_FILES) {
      const text = machine.readTextIfThere(path, MAX_BYTES);
      if (text === undefined) continue;
      const leases = parseLeases(text);
      return {
        value: { leases },
        metrics: () => [gauge('apsnap_dhcp_leases', 'Number of leases in the lease file of dnsmasq.', leases.length)],
      };
    }
    throw new Absent(`no lease file: ${[...configured, ...LEASE_FILES].join(', ')}`);
  },
});

/**
 * Parses dnsmasq's lease file, as its lease.c writes it. IPv6 leases follow a line `duid …`. Their second field is an IAID (with
 * a T for a temporary address), not a MAC address. A hardware type may precede a MAC address (`06-…`).
 *
 *     1795500557 02:00:00:00:03:00 10.3.141.166 living-room-tv 01:02:00:00:00:03:00
 *     1795500556 02:00:00:00:01:00 10.3.141.221 * *
 *     duid 00:01:00:01:2c:8f:3a:11:b8:27:eb:12:34:56
 *     1795500600 T24181489 fd00::1a2 laptop 00:01:00:01:…
 *     vendorclass 10.3.141.166 61:6e:64:72:6f:69:64
 *
 * dnsmasq 2.92 and newer write `vendorclass` and `agent-info`: more about a lease above.
 *
 * @returns leases in the file's order, without a last line that dnsmasq is still writing
 */
export function parseLeases(text: string): Lease[] {
  const leases: Lease[] = [];
  const lines = text.split('\n');
  const unfinished = lines.pop();
  if (unfinished && parseLease(unfinished)) lines.push(unfinished);
  for (const [index, line] of lines.entries()) {
    if (line === '' || NO_LEASE.test(line)) continue;
    const lease = parseLease(line);
    if (!lease) throw new SourceError('malformed', `leases: line ${index + 1} is not a lease: ${quote(line)}`);
    leases.push(lease);
  }
  return leases;
}

const NO_LEASE = /^(?:duid|(?:agent-info|vendorclass) \S+) [0-9a-f:]+$/i;
/** Addresses of hardware other than Ethernet have another length, or are missing. */
const HARDWARE_ADDRESS = /^(?:[0-9a-f]{2}(?::[0-9a-f]{2}){0,15})?$/i;

function parseLease(line: string): Lease | undefined {
  const match = /^(\d{1,15}) (?:[0-9a-f]{2}-)?(\S{0,64}) (\S{2,45}) (\S{1,255}) (\S{1,1024})$/i.exec(line.trimEnd());
  if (!match) return undefined;
  const [, expiry, hardware = '', address = '', hostname = '', clientId = ''] = match;
  const family = isIP(address);
  if (family === 0 || !(family === 4 ? HARDWARE_ADDRESS : /^T?\d+$/).test(hardware)) return undefined;
  return {
    expiry: Number(expiry),
    mac_address: parseMac(hardware) ?? null,
    ip_address: address,
    hostname: hostname === '*' ? null : hostname,
    client_id: clientId === '*' ? null : clientId,
  };
}
