import { quote, SourceError } from '../../errors.js';
import type { Machine } from '../../machine/machine.js';
import { collector, type Points, type Sampling } from '../../model/collector.js';
import { type MetricFamily, perRow } from '../../model/metrics.js';
import { array, integer, nullable, object, string } from '../../model/schema.js';
import { listInterfaces, readAttribute } from './network-interface.js';

/** Files of an interface's `statistics`: Documentation/ABI/testing/sysfs-class-net-statistics. */
const COUNTERS = ['rx_bytes', 'rx_packets', 'rx_errors', 'rx_dropped', 'tx_bytes', 'tx_packets', 'tx_errors', 'tx_dropped'] as const;

type Counters = Record<(typeof COUNTERS)[number], number | null>;

interface Rates {
  readonly rx_bytes_per_second: number | null;
  readonly tx_bytes_per_second: number | null;
}

/** Counters of an interface in a sample, and the rates that came of them. */
interface Counted extends Rates {
  readonly interface: string;
  /** A number that the kernel gives to no other: an interface made anew under the same name has another. */
  readonly ifindex: number | null;
  readonly atMs: number;
  readonly rx_bytes: number | null;
  readonly tx_bytes: number | null;
}

/** A rate over less than this is noise: an event may ask for a sample just after another. */
const LEAST_INTERVAL_MS = 500;

const count = (description: string, unit: string) => nullable(integer(description, unit));
const rate = (description: string) => nullable(integer(description, 'bytes per second'));

/** What has gone through each network interface, and how fast. */
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
        interface: string('Name'),
        rx_bytes: count('Received since the interface was made', 'bytes'),
        rx_packets: count('Received since then', 'packets'),
        rx_errors: count('Received broken', 'packets'),
        rx_dropped: count('Received and not taken', 'packets'),
        tx_bytes: count('Sent since then', 'bytes'),
        tx_packets: count('Sent since then', 'packets'),
        tx_errors: count('Could not be sent', 'packets'),
        tx_dropped: count('Given up before they were sent', 'packets'),
        rx_bytes_per_second: rate('Received between two samples'),
        tx_bytes_per_second: rate('Sent between two samples'),
      }),
      'By name',
    ),
  }),
  absent: { interfaces: [] },
  read(machine, { carried, monotonicMs }: Sampling<Counted[]>) {
    const countedBefore = new Map(carried?.map((row) => [row.interface, row]));
    const carry: Counted[] = [];
    const interfaces = listInterfaces(machine).flatMap((name) => {
      const index = readAttribute(machine, name, 'ifindex');
      const counters = readCounters(machine, name);
      // It has gone since it was listed.
      if (index === undefined || !counters) return [];
      const ifindex = parseNumber(index, 'ifindex');
      const { rx_bytes, tx_bytes } = counters;
      const counted = countAgain({ interface: name, ifindex, atMs: monotonicMs, rx_bytes, tx_bytes }, countedBefore.get(name));
      carry.push(counted);
      const { rx_bytes_per_second, tx_bytes_per_second } = counted;
      return [{ interface: name, ...counters, rx_bytes_per_second, tx_bytes_per_second }];
    });
    return { value: { interfaces }, carry, metrics: () => families(interfaces), points: pointsOf(carry) };
  },
});

/** What node_exporter calls them, by what the kernel does. */
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

/** Loopback, Docker's and virtual machines' interfaces come and go, and are nobody's network. */
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

/** All counters of an interface; undefined where one is not there. */
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
 * What a file of `statistics` says: a number of up to 64 bits.
 *
 * @param file its name
 * @returns null for one that no number here can hold exactly: a driver has counted below zero
 * @throws SourceError it is no number
 */
export function parseNumber(text: string, file: string): number | null {
  if (!/^\d{1,20}$/.test(text)) throw new SourceError('malformed', `traffic: ${file} is not a number: ${quote(text)}`);
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : null;
}

function countAgain(now: Omit<Counted, keyof Rates>, before: Counted | undefined): Counted {
  // A driver that is loaded again starts its counters anew, and both of them.
  const fell = before && (isLess(now.rx_bytes, before.rx_bytes) || isLess(now.tx_bytes, before.tx_bytes));
  if (!before || before.ifindex !== now.ifindex || fell) return { ...now, rx_bytes_per_second: null, tx_bytes_per_second: null };
  if (now.atMs - before.atMs < LEAST_INTERVAL_MS) return before;
  const seconds = (now.atMs - before.atMs) / 1000;
  return {
    ...now,
    rx_bytes_per_second: perSecond(now.rx_bytes, before.rx_bytes, seconds),
    tx_bytes_per_second: perSecond(now.tx_bytes, before.tx_bytes, seconds),
  };
}

function isLess(now: number | null, before: number | null): boolean {
  return now !== null && before !== null && now < before;
}

function perSecond(now: number | null, before: number | null, seconds: number): number | null {
  return now === null || before === null ? null : Math.round((now - before) / seconds);
}
