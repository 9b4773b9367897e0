import { quote, SourceError } from '../../errors.js';
import type { Machine } from '../../machine/machine.js';
import { collector, type Points, type Sampling } from '../../model/collector.js';
import { type MetricFamily, perRow } from '../../model/metrics.js';
import { array, integer, nullable, object, string } from '../../model/schema.js';
import { type Dumped, hasLinkChanged, isDumpDue, MAX_LINKS_AGE_MS } from './dump.js';
import { listInterfaces, readAttribute } from './network-interface.js';

/** Counters of an interface, named after the files in `statistics`: Documentation/ABI/testing/sysfs-class-net-statistics. */
const COUNTERS = ['rx_bytes', 'rx_packets', 'rx_errors', 'rx_dropped', 'tx_bytes', 'tx_packets', 'tx_errors', 'tx_dropped'] as const;

type Counters = Record<(typeof COUNTERS)[number], number | null>;

interface Rates {
  readonly rx_bytes_per_second: number | null;
  readonly tx_bytes_per_second: number | null;
}

/** An interface's counters in one sample, and the rates computed from them. */
interface Counted extends Rates {
  readonly interface: string;
  /** Unique number from the kernel: an interface that is created again under the same name gets another one. */
  readonly ifindex: number | null;
  readonly atMs: number;
  readonly rx_bytes: number | null;
  readonly tx_bytes: number | null;
}

/** Minimum time between two readings of a rate. Over less, rates are noise: an event may request a sample just after another. */
const MIN_INTERVAL_MS = 500;

const count = (description: string, unit: string) => nullable(integer(description, unit));
const rate = (description: string) => nullable(integer(description, 'bytes per second'));

/** Traffic of each network interface: counters and rates. */
export const traffic = collector({
  name: 'traffic',
  summary: 'Traffic of each network interface',
  trigger: 'schedule',
  schedule: '*/2 * * * * *',
  lane: 'quick',
  required: false,
  view: object({
    interfaces: array(
      object({
        interface: string('Name of the interface.'),
        rx_bytes: count('Bytes received since the interface was created.', 'bytes'),
        rx_packets: count('Packets received since the interface was created.', 'packets'),
        rx_errors: count('Packets received with errors.', 'packets'),
        rx_dropped: count('Packets dropped after they were received.', 'packets'),
        tx_bytes: count('Bytes sent since the interface was created.', 'bytes'),
        tx_packets: count('Packets sent since the interface was created.', 'packets'),
        tx_errors: count('Packets that could not be sent because of errors.', 'packets'),
        tx_dropped: count('Packets dropped before they were sent.', 'packets'),
        rx_bytes_per_second: rate('Receive rate between the last two samples. `null` until there are two.'),
        tx_bytes_per_second: rate('Send rate between the last two samples. `null` until there are two.'),
      }),
      'Network interfaces, sorted by name.',
    ),
  }),
  absent: { interfaces: [] },
  followsIpMonitor: true,
  read(machine, sampling: Sampling<Dumped<Counted[]>>) {
    const { carried, monotonicMs } = sampling;
    const previous = new Map(carried?.value.map((row) => [row.interface, row]));
    const areLinksCurrent = carried && !hasLinkChanged(sampling) && !isDumpDue(sampling, MAX_LINKS_AGE_MS);
    const counted: Counted[] = [];
    const interfaces = readTable(machine).flatMap(([name, counters]) => {
      const before = previous.get(name);
      const ifindex = areLinksCurrent && before ? before.ifindex : readIndex(machine, name);
      // The interface went away after it was listed.
      if (ifindex === undefined || !counters) return [];
      const { rx_bytes, tx_bytes } = counters;
      const row = countAgain({ interface: name, ifindex, atMs: monotonicMs, rx_bytes, tx_bytes }, before);
      counted.push(row);
      const { rx_bytes_per_second, tx_bytes_per_second } = row;
      return [{ interface: name, ...counters, rx_bytes_per_second, tx_bytes_per_second }];
    });
    const carry = { value: counted, dumpedAtMs: areLinksCurrent ? carried.dumpedAtMs : monotonicMs };
    return { value: { interfaces }, carry, metrics: () => families(interfaces), points: pointsOf(counted) };
  },
});

/** node_exporter's names of the kernel's counters. */
const NAMES: Readonly<Record<keyof Counters, string>> = {
  rx_bytes: 'receive_bytes',
  rx_packets: 'receive_packets',
  rx_errors: 'receive_errs',
  rx_dropped: 'receive_drop',
  tx_bytes: 'transmit_bytes',
  tx_packets: 'transmit_packets',
  tx_errors: 'transmit_errs',
  tx_dropped: 'transmit_drop',
};

function families(interfaces: readonly (Counters & { readonly interface: string })[]): MetricFamily[] {
  return COUNTERS.map((counter) => {
    const help = `Network device statistic ${NAMES[counter]}.`;
    const read = (row: (typeof interfaces)[number]) => ({ labels: { device: row.interface }, value: row[counter] });
    return perRow(`node_network_${NAMES[counter]}_total`, 'counter', help, interfaces, read);
  });
}

/** Interfaces without history: loopback, and those of containers and virtual machines, which come and go. */
const NO_HISTORY = /^(?:lo|docker|veth|br-|tap)/;

function pointsOf(counted: readonly Counted[]): Points {
  const shown = counted.filter((row) => !NO_HISTORY.test(row.interface));
  return Object.fromEntries(
    shown.flatMap((row) => [
      [`rx_bytes_per_second:${row.interface}`, row.rx_bytes_per_second],
      [`tx_bytes_per_second:${row.interface}`, row.tx_bytes_per_second],
    ]),
  );
}

function readIndex(machine: Machine, name: string): number | null | undefined {
  const text = readAttribute(machine, name, 'ifindex');
  return text === undefined ? undefined : parseNumber(text, 'ifindex');
}

/** Reads the counters of all interfaces, sorted by name. They are undefined for an interface that went away after it was listed. */
function readTable(machine: Machine): [name: string, counters: Counters | undefined][] {
  const text = machine.readTextIfThere('/proc/net/dev');
  // A container that reads another machine's files may not have it.
  if (text === undefined) return listInterfaces(machine).map((name) => [name, readCounters(machine, name)]);
  return parseNetDev(text).map(([name, counters]) => {
    if (counters.rx_dropped === 0) return [name, counters];
    const dropped = readAttribute(machine, name, 'statistics/rx_dropped');
    return [name, dropped === undefined ? undefined : { ...counters, rx_dropped: parseNumber(dropped, 'rx_dropped') }];
  });
}

/**
 * Parses /proc/net/dev, proc_net(5): eight counters of what was received, and eight of what was sent. One read of it replaces eight for
 * each interface.
 *
 *     Inter-|   Receive                                                |  Transmit
 *      face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
 *       eth0:  986120    3311    0   12    0     0          0         0   312846    1602    0    0    0     0       0          0
 *
 * @returns interfaces sorted by name. Their `rx_dropped` is the sum of two counters of `statistics`: `rx_dropped` and `rx_missed_errors`
 * @throws {SourceError} if a line isn't about an interface
 */
export function parseNetDev(text: string): [name: string, counters: Counters][] {
  const rows = text.split('\n').slice(2, -1);
  return rows.map(parseNetDevRow).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Position of each counter in a line of /proc/net/dev. */
const FIELDS: Readonly<Record<keyof Counters, number>> = {
  rx_bytes: 0,
  rx_packets: 1,
  rx_errors: 2,
  rx_dropped: 3,
  tx_bytes: 8,
  tx_packets: 9,
  tx_errors: 10,
  tx_dropped: 11,
};

function parseNetDevRow(line: string): [name: string, counters: Counters] {
  const colon = line.indexOf(':');
  const fields = line
    .slice(colon + 1)
    .trim()
    .split(/ +/);
  if (colon < 0 || fields.length !== 16) throw new SourceError('malformed', `traffic: net/dev: expected an interface: ${quote(line)}`);
  const counters = Object.fromEntries(COUNTERS.map((counter) => [counter, parseNumber(fields[FIELDS[counter]] ?? '', counter)]));
  return [line.slice(0, colon).trim(), counters as Counters];
}

/** Reads all counters of an interface. Returns undefined if one is missing. */
function readCounters(machine: Machine, name: string): Counters | undefined {
  const counters: Partial<Counters> = {};
  for (const counter of COUNTERS) {
    const text = readAttribute(machine, name, `statistics/${counter}`);
    if (text === undefined) return undefined;
    counters[counter] = parseNumber(text, counter);
  }
  return counters as Counters;
}

/**
 * Parses a file in `statistics`: a number of up to 64 bits.
 *
 * @param file its name
 * @returns null if JavaScript can't represent the number exactly: a driver has counted below zero
 * @throws {SourceError} if the text isn't a number
 */
export function parseNumber(text: string, file: string): number | null {
  if (!/^\d{1,20}$/.test(text)) throw new SourceError('malformed', `traffic: ${file} is not a number: ${quote(text)}`);
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : null;
}

function countAgain(now: Omit<Counted, keyof Rates>, previous: Counted | undefined): Counted {
  // A driver that is loaded again starts both of its counters at 0.
  const fell = previous && (isLess(now.rx_bytes, previous.rx_bytes) || isLess(now.tx_bytes, previous.tx_bytes));
  if (!previous || previous.ifindex !== now.ifindex || fell) return { ...now, rx_bytes_per_second: null, tx_bytes_per_second: null };
  if (now.atMs - previous.atMs < MIN_INTERVAL_MS) return previous;
  const seconds = (now.atMs - previous.atMs) / 1000;
  return {
    ...now,
    rx_bytes_per_second: perSecond(now.rx_bytes, previous.rx_bytes, seconds),
    tx_bytes_per_second: perSecond(now.tx_bytes, previous.tx_bytes, seconds),
  };
}

function isLess(now: number | null, previous: number | null): boolean {
  return now !== null && previous !== null && now < previous;
}

function perSecond(now: number | null, previous: number | null, seconds: number): number | null {
  return now === null || previous === null ? null : Math.round((now - previous) / seconds);
}
