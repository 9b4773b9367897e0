import { absentUnlessInstalled, quote, SourceError } from '../../errors.js';
import type { Machine } from '../../machine/machine.js';
import { collector, type Sample, type Sampling } from '../../model/collector.js';
import { array, integer, object, oneOf, string } from '../../model/schema.js';
import { isIP } from '../../parse/ip-address.js';
import { type Dumped, hasLinkChanged, isDumpDue } from './dump.js';

export interface InterfaceAddress {
  interface: string;
  family: 'inet' | 'inet6';
  address: string;
  prefixLength: number;
  scope: string;
}

interface Value {
  readonly addresses: InterfaceAddress[];
}

/** IPv4 and IPv6 addresses of the machine's interfaces. */
export const addresses = collector({
  name: 'addresses',
  summary: 'Addresses of the network interfaces',
  trigger: 'schedule',
  schedule: '*/10 * * * * *',
  lane: 'program',
  required: false,
  view: object({
    addresses: array(
      object({
        interface: string('Name of the interface.'),
        family: oneOf(['inet', 'inet6'], 'Address family: IPv4 (`inet`) or IPv6 (`inet6`).'),
        address: string('IP address.'),
        prefixLength: integer('Prefix length of the network.', 'bits'),
        scope: string('Scope of the address, ip-address(8): `global`, `site`, `link`, `host`, or a number.'),
      }),
      'Addresses of all interfaces, in the order of the kernel.',
    ),
  }),
  absent: { addresses: [] },
  followsIpMonitor: true,
  read(machine, sampling: Sampling<Dumped<Value>>) {
    const { carried, ipMonitor } = sampling;
    // Changes are rare, so a dump is good enough. The name of a link is part of its addresses.
    const hasChanged = hasLinkChanged(sampling) || ipMonitor?.lines.some((line) => line.startsWith('[ADDR]'));
    if (!carried || hasChanged || isDumpDue(sampling)) return dump(machine, sampling);
    return { value: carried.value, carry: carried };
  },
});

async function dump(machine: Machine, { monotonicMs }: Sampling<Dumped<Value>>): Promise<Sample<Value, Dumped<Value>>> {
  const text = await absentUnlessInstalled(machine.run('ip', ['-j', 'addr']), 'apt-get install iproute2');
  const value = { addresses: parseAddr(text) };
  return { value, carry: { value, dumpedAtMs: monotonicMs } };
}

/**
 * Parses `ip -j addr`, ip-address(8): one array with an entry for each interface. On a point-to-point link `address` is the
 * other end, so the interface's own address is always `local`.
 *
 *     [{"ifname":"wlan0","link_type":"ether","address":"02:00:00:00:00:00","addr_info":[
 *       {"family":"inet","local":"10.3.141.1","prefixlen":24,"scope":"global","label":"wlan0"},
 *       {"family":"inet6","local":"fe80::ff:fe00:0","prefixlen":64,"scope":"link"}]}, …]
 *
 * @returns addresses in the order printed, without entries that aren't addresses
 * @throws {SourceError} if the text isn't a JSON array
 */
export function parseAddr(text: string): InterfaceAddress[] {
  let rows: unknown;
  try {
    rows = JSON.parse(text.trim() || '[]');
  } catch {
    rows = undefined;
  }
  if (!Array.isArray(rows)) throw new SourceError('malformed', `ip -j addr: expected a JSON array: ${quote(text)}`);
  return rows.flatMap((row: { ifname?: unknown; addr_info?: unknown } | null) => {
    const { ifname: name, addr_info: held } = row ?? {};
    if (typeof name !== 'string' || !Array.isArray(held)) return [];
    return held.flatMap((one) => addressOf(name, one) ?? []);
  });
}

type Printed = { family?: unknown; local?: unknown; prefixlen?: unknown; scope?: unknown } | null;

function addressOf(name: string, printed: Printed): InterfaceAddress | undefined {
  const { family, local, prefixlen, scope } = printed ?? {};
  if ((family !== 'inet' && family !== 'inet6') || typeof local !== 'string' || typeof prefixlen !== 'number') return undefined;
  const bits = family === 'inet' ? 32 : 128;
  if (isIP(local) !== (family === 'inet' ? 4 : 6) || !Number.isInteger(prefixlen) || prefixlen < 0 || prefixlen > bits) return undefined;
  return { interface: name, family, address: local, prefixLength: prefixlen, scope: typeof scope === 'string' ? scope : 'global' };
}
