import { isIP } from 'node:net';
import { Absent, quote, SourceError } from '../../errors.js';
import { collector } from '../../model/collector.js';
import { gauge } from '../../model/metrics.js';
import { array, integer, nullable, object, string } from '../../model/schema.js';
import { optionValues, readableDnsmasqFiles } from '../../parse/dnsmasq.js';
import { parseMac } from '../../parse/mac.js';

const LEASE_FILES = ['/var/lib/misc/dnsmasq.leases', '/var/lib/dnsmasq/dnsmasq.leases'];
/** A lease takes under 120 bytes; a /16 full of them is 8 MB. */
const MAX_BYTES = 16 << 20;

export interface Lease {
  expiry: number;
  mac_address: string | null;
  ip_address: string;
  hostname: string | null;
  client_id: string | null;
}

/** The addresses that dnsmasq has leased. */
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
        expiry: integer('When it ends; 0: never', 'Unix seconds'),
        mac_address: nullable(string('Who has it; null for IPv6, where the file does not say, and for what is no Ethernet or Wi-Fi')),
        ip_address: string('The address'),
        hostname: nullable(string('The name that the client gave')),
        client_id: nullable(string('DHCP client identifier; of IPv6 the DUID')),
      }),
      'In the order of the file',
    ),
  }),
  absent: { leases: [] },
  read(machine) {
    // A file that cannot be read is the dnsmasq collector's trouble: mostly none says where the leases are.
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
 * dnsmasq's lease file, as its lease.c writes it. After a line `duid …` come IPv6 leases, whose second field is an IAID
 * (with a T if it is a temporary address) and no MAC address; a MAC address may have its hardware type in front (`06-…`).
 *
 *     1795500557 02:00:00:00:03:00 10.3.141.166 living-room-tv 01:02:00:00:00:03:00
 *     1795500556 02:00:00:00:01:00 10.3.141.221 * *
 *     duid 00:01:00:01:2c:8f:3a:11:b8:27:eb:12:34:56
 *     1795500600 T24181489 fd00::1a2 laptop 00:01:00:01:…
 *     vendorclass 10.3.141.166 61:6e:64:72:6f:69:64
 *
 * The last is of dnsmasq 2.92 and newer, as is `agent-info`: more about a lease above.
 *
 * @returns leases in the file's order; a last line that dnsmasq has not written to its end yet is left out
 */
export function parseLeases(text: string): Lease[] {
  const leases: Lease[] = [];
  const lines = text.split('\n');
  const unfinished = lines.pop();
  if (unfinished && parseLease(unfinished)) lines.push(unfinished);
  for (const [index, line] of lines.entries()) {
    if (line === '' || NO_LEASE.test(line)) continue;
    const lease = parseLease(line);
    if (!lease) throw new SourceError('malformed', `leases: line ${index + 1} is no lease: ${quote(line)}`);
    leases.push(lease);
  }
  return leases;
}

const NO_LEASE = /^(?:duid|(?:agent-info|vendorclass) \S+) [0-9a-f:]+$/i;
/** Hardware other than Ethernet has addresses of another length, or none. */
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
