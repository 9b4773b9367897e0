import { quote, SourceError } from '../../errors.js';
import type { Machine } from '../../machine/machine.js';
import { collector, type Sample, type Sampling } from '../../model/collector.js';
import { array, nullable, object, oneOf, string } from '../../model/schema.js';
import { isIP } from '../../parse/ip-address.js';
import { parseMac } from '../../parse/mac.js';
import { type Dumped, isDumpDue } from './dump.js';

/** How `ip monitor` labels an entry of the neighbour table. */
const LABEL = '[NEIGH]';
/** Any state of an entry, ip-neighbour(8). */
const STATE = /^(?:REACHABLE|DELAY|PROBE|STALE|PERMANENT|INCOMPLETE|FAILED|NOARP)$/;
/** States of an entry that proves a device. */
const STATES = ['REACHABLE', 'DELAY', 'PROBE', 'STALE', 'PERMANENT'] as const;

export interface Neighbour {
  interface: string;
  mac_address: string;
  ip_address: string;
  state: (typeof STATES)[number] | null;
}

interface Value {
  readonly neighbours: Neighbour[];
}

/**
 * Devices that the kernel has talked to on each link, IPv4 and IPv6.
 *
 * The kernel reports every change but one: that it uses a STALE entry again, which is DELAY then. It reports the next state within 5 s.
 */
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
  followsIpMonitor: true,
  read(machine, sampling: Sampling<Dumped<Value>>) {
    const { carried, ipMonitor } = sampling;
    if (!carried || !ipMonitor || isDumpDue(sampling)) return dump(machine, sampling);
    const value = nextValue(carried.value, applyEvents(carried.value.neighbours, ipMonitor.lines));
    return { value, carry: { ...carried, value } };
  },
});

async function dump(machine: Machine, { carried, monotonicMs }: Sampling<Dumped<Value>>): Promise<Sample<Value, Dumped<Value>>> {
  const previous = carried?.value ?? { neighbours: [] };
  const value = nextValue(previous, inOrderOf(previous.neighbours, await readNeighbours(machine)));
  return { value, carry: { value, dumpedAtMs: monotonicMs } };
}

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

/** An entry that was added, changed or deleted. */
export interface NeighbourEvent {
  readonly interface: string;
  readonly ip_address: string;
  /** The entry. Undefined if it was deleted or doesn't prove a device any more. */
  readonly neighbour: Neighbour | undefined;
}

/**
 * Parses a line of `ip -o monitor label`. Entries of bridges and VXLAN tables have the same label: the former have no address, the latter
 * more than one state, unless they were learned.
 *
 *     [NEIGH]10.3.141.93 dev wlan0 lladdr 02:00:00:00:02:00 REACHABLE
 *     [NEIGH]fe80::1 dev eth0 lladdr 02:00:00:00:03:00 router STALE
 *     [NEIGH]10.3.141.93 dev wlan0 FAILED
 *     [NEIGH]Deleted 10.3.141.93 dev wlan0 FAILED
 *     [NEIGH]dev wlan0 lladdr 02:00:00:00:02:00 REACHABLE
 *
 * @returns undefined if the line isn't about a neighbour
 */
export function parseNeighLine(line: string): NeighbourEvent | undefined {
  if (!line.startsWith(LABEL)) return undefined;
  const words = line.slice(LABEL.length).split(' ');
  const isDeleted = words[0] === 'Deleted';
  const [address = '', dev, name, ...rest] = isDeleted ? words.slice(1) : words;
  const states = rest.filter((word) => STATE.test(word));
  if (isIP(address) === 0 || dev !== 'dev' || !name || rest.includes('proxy') || states.length > 1) return undefined;
  const mac = rest[0] === 'lladdr' ? parseMac(rest[1] ?? '') : undefined;
  const state = STATES.find((known) => known === states[0]);
  const neighbour = isDeleted || !mac || !state ? undefined : { interface: name, mac_address: mac, ip_address: address, state };
  return { interface: name, ip_address: address, neighbour };
}

/** Applies events to a table. Events that it reflects already change nothing. */
export function applyEvents(table: Neighbour[], lines: readonly string[]): Neighbour[] {
  const events = lines.flatMap((line) => parseNeighLine(line) ?? []);
  if (events.length === 0) return table;
  const rows = new Map(table.map((row) => [keyOf(row), row]));
  for (const event of events) {
    if (event.neighbour) rows.set(keyOf(event), event.neighbour);
    else rows.delete(keyOf(event));
  }
  return [...rows.values()];
}

/** Sorts a table like the previous one, and puts new rows at its end. The order of the kernel changes with the size of its own table. */
function inOrderOf(previous: readonly Neighbour[], table: readonly Neighbour[]): Neighbour[] {
  const rows = new Map(table.map((row) => [keyOf(row), row]));
  return [...new Set([...previous.map(keyOf), ...rows.keys()])].flatMap((key) => rows.get(key) ?? []);
}

/** Returns the previous value if nothing has changed. Then nothing needs to be compared or encoded. */
function nextValue(previous: Value, neighbours: Neighbour[]): Value {
  const isSame =
    neighbours.length === previous.neighbours.length &&
    neighbours.every((row, index) => {
      const before = previous.neighbours[index] as Neighbour;
      return row === before || (keyOf(row) === keyOf(before) && row.mac_address === before.mac_address && row.state === before.state);
    });
  return isSame ? previous : { neighbours };
}

function keyOf(row: Pick<Neighbour, 'interface' | 'ip_address'>): string {
  return `${row.interface} ${row.ip_address}`;
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
