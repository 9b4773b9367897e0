import { isIP } from 'node:net';
import { quote, SourceError } from '../../errors.js';
import type { Machine } from '../../machine/machine.js';
import { collector } from '../../model/collector.js';
import { array, nullable, object, oneOf, string } from '../../model/schema.js';
import { parseMac } from '../../parse/mac.js';

const STATES = ['REACHABLE', 'DELAY', 'PROBE', 'STALE', 'PERMANENT'] as const;

export interface Neighbour {
  interface: string;
  mac_address: string;
  ip_address: string;
  state: (typeof STATES)[number] | null;
}

/** Devices that the kernel has talked to on each link, IPv4 and IPv6. */
export const neighbours = collector({
  name: 'neighbours',
  summary: 'Neighbour tables of the kernel',
  trigger: 'schedule',
  schedule: '*/2 * * * * *',
  lane: 'program',
  required: true,
  view: object({
    neighbours: array(
      object({
        interface: string('Interface that the neighbour is on.'),
        mac_address: string('MAC address in lower case.'),
        ip_address: string('IPv4 or IPv6 address.'),
        state: nullable(oneOf(STATES, 'State of the neighbour, ip-neighbour(8). `null` without iproute2: /proc/net/arp has no states.')),
      }),
      'Neighbours that the kernel has confirmed: none in the states FAILED, INCOMPLETE and NOARP.',
    ),
  }),
  absent: { neighbours: [] },
  read: async (machine) => ({ value: { neighbours: await readNeighbours(machine) } }),
});

async function readNeighbours(machine: Machine): Promise<Neighbour[]> {
  try {
    return parseNeigh(await machine.run('ip', ['-j', 'neigh', 'show']));
  } catch (error) {
    // Without iproute2, IPv4 is still available.
    if (error instanceof SourceError && error.code === 'program-missing') return parseArp(machine.readText('/proc/net/arp'));
    throw error;
  }
}

/**
 * Parses `ip -j neigh show`: one array. An entry without `lladdr` isn't a device. NOARP entries (multicast) need no response, so they
 * prove nothing.
 *
 *     [{"dst":"10.3.141.93","dev":"wlan0","lladdr":"02:00:00:00:02:00","state":["REACHABLE"]}, …]
 */
export function parseNeigh(text: string): Neighbour[] {
  let rows: unknown;
  try {
    rows = JSON.parse(text.trim() || '[]');
  } catch {
    rows = undefined;
  }
  if (!Array.isArray(rows)) throw new SourceError('malformed', `ip -j neigh: expected a JSON array: ${quote(text)}`);
  return rows.flatMap((row: { dst?: unknown; dev?: unknown; lladdr?: unknown; state?: unknown } | null) => {
    const mac = typeof row?.lladdr === 'string' ? parseMac(row.lladdr) : undefined;
    const state = STATES.find((known) => Array.isArray(row?.state) && row.state.includes(known));
    if (!mac || !state || typeof row?.dev !== 'string' || typeof row.dst !== 'string' || isIP(row.dst) === 0) return [];
    return [{ interface: row.dev, mac_address: mac, ip_address: row.dst, state }];
  });
}

// Flag of linux/if_arp.h: the entry is complete.
const ATF_COM = 0x2;

/**
 * Parses /proc/net/arp: IPv4 only, without states except for the flag of complete entries.
 *
 *     IP address       HW type     Flags       HW address            Mask     Device
 *     10.3.141.93      0x1         0x2         02:00:00:00:02:00     *        wlan0
 */
export function parseArp(text: string): Neighbour[] {
  const neighbours: Neighbour[] = [];
  for (const line of text.split('\n').slice(1)) {
    if (line === '') continue;
    const match = /^(\S+) +0x[0-9a-f]+ +0x([0-9a-f]+) +(\S+) +\S+ +(\S+)$/.exec(line);
    if (!match || isIP(match[1] as string) === 0) throw new SourceError('malformed', `arp: expected an entry: ${quote(line)}`);
    const [, address = '', flags = '', hardware = '', name = ''] = match;
    const mac = parseMac(hardware);
    if (!mac || (Number.parseInt(flags, 16) & ATF_COM) === 0) continue;
    neighbours.push({ interface: name, mac_address: mac, ip_address: address, state: null });
  }
  return neighbours;
}
