import { Absent, quote, SourceError } from '../../errors.js';
import type { Machine } from '../../machine/machine.js';
import { collector, type Sampling } from '../../model/collector.js';
import { type MetricFamily, perRow } from '../../model/metrics.js';
import { array, integer, nullable, number, object, string } from '../../model/schema.js';
import { parseMac } from '../../parse/mac.js';

interface AccessPoint {
  interface: string;
  ssid: string | null;
  frequencyMhz: number | null;
}

/** One station as `iw` tells of it, from the access point's side: received is what the client sent. */
export interface StationDump {
  mac: string;
  authorized: boolean;
  signalDbm: number | null;
  receivedBytes: number | null;
  sentBytes: number | null;
  receiveMbps: number | null;
  sendMbps: number | null;
  connectedSeconds: number | null;
  inactiveMs: number | null;
  sendRetries: number | null;
  sendFailures: number | null;
}

/** Counters of a station in a sample, and the rates that came of them. */
interface Counted {
  readonly atMs: number;
  readonly connectedSeconds: number | null;
  readonly receivedBytes: number | null;
  readonly sentBytes: number | null;
  readonly downloadBitsPerSecond: number | null;
  readonly uploadBitsPerSecond: number | null;
}

interface Carried {
  readonly listedAtMs: number;
  readonly interfaces: readonly string[];
  readonly accessPoints: AccessPoint[];
  /** By interface and MAC address. */
  readonly counted: Record<string, Counted>;
}

/** How long the list of access points is believed if nothing speaks against it. */
const LISTED_FOR_MS = 30_000;
/** Each takes a program that is started; no radio has a tenth as many. */
const MAX_ACCESS_POINTS = 256;
/** A rate over less than this is noise: an event may ask for a sample just after another. */
const LEAST_INTERVAL_MS = 500;

const counter = (description: string) => nullable(integer(description, 'bytes'));
const rate = (description: string) => nullable(integer(description, 'bits per second'));

/** The stations of every access point of this machine. */
export const stations = collector({
  name: 'stations',
  summary: 'Wi-Fi stations of every access point',
  trigger: 'schedule',
  schedule: '*/2 * * * * *',
  lane: 'program',
  sources: ['iw dev', 'iw dev INTERFACE station dump', 'iw event'],
  required: true,
  advice: 'iw needs no right but AF_NETLINK sockets: see RestrictAddressFamilies of the unit',
  view: object({
    accessPoints: array(
      object({
        interface: string('Where'),
        ssid: nullable(string('Name of the network')),
        frequencyMhz: nullable(integer('Centre of the primary channel', 'megahertz')),
      }),
      'Interfaces that are access points',
    ),
    stations: array(
      object({
        interface: string('The access point'),
        mac_address: string('Who'),
        signal_dbm: nullable(integer('How loud the access point hears it', 'decibel-milliwatts')),
        download_bytes: counter('Sent to it since it associated'),
        upload_bytes: counter('Received from it since it associated'),
        download_bits_per_second: rate('Throughput to it between two samples'),
        upload_bits_per_second: rate('Throughput from it between two samples'),
        download_link_mbps: nullable(number('Bit rate of the last frame to it', 'megabits per second')),
        upload_link_mbps: nullable(number('Bit rate of the last frame from it', 'megabits per second')),
        connected_seconds: nullable(integer('Since it associated', 'seconds')),
        inactive_seconds: nullable(number('Since its last frame', 'seconds')),
      }),
      'Stations that have passed the handshake',
    ),
  }),
  absent: { accessPoints: [], stations: [] },
  read(machine, sampling: Sampling<Carried>) {
    if (machine.list('/sys/class/ieee80211').length === 0) throw new Absent('no Wi-Fi radio in /sys/class/ieee80211');
    const listed = listAccessPoints(machine, sampling);
    const before = sampling.carried?.counted ?? {};
    const counted: Record<string, Counted> = {};
    const heard: Heard[] = [];
    const stations = listed.accessPoints.flatMap(({ interface: name }) =>
      readStations(machine, name).map((dump) => {
        heard.push({ device: name, dump });
        const key = `${name} ${dump.mac}`;
        const count = countStation(dump, before[key], sampling.monotonicMs);
        counted[key] = count;
        return {
          interface: name,
          mac_address: dump.mac,
          signal_dbm: dump.signalDbm,
          download_bytes: dump.sentBytes,
          upload_bytes: dump.receivedBytes,
          download_bits_per_second: count.downloadBitsPerSecond,
          upload_bits_per_second: count.uploadBitsPerSecond,
          download_link_mbps: dump.sendMbps,
          upload_link_mbps: dump.receiveMbps,
          connected_seconds: dump.connectedSeconds,
          inactive_seconds: dump.inactiveMs === null ? null : dump.inactiveMs / 1000,
        };
      }),
    );
    const clientsAt = (name: string) => stations.filter((row) => row.interface === name).length;
    const points = Object.fromEntries(listed.accessPoints.map((row) => [`clients:${row.interface}`, clientsAt(row.interface)]));
    return {
      value: { accessPoints: listed.accessPoints, stations },
      carry: { ...listed, counted },
      metrics: () => families(listed.accessPoints, heard, sampling.maxStationMetrics),
      points,
    };
  },
});

/** A station of an access point. */
interface Heard {
  readonly device: string;
  readonly dump: StationDump;
}

function families(accessPoints: readonly AccessPoint[], heard: readonly Heard[], mostStations: number): MetricFamily[] {
  const device = ({ interface: name }: AccessPoint) => ({ device: name });
  const amounts = new Map<string, number>();
  for (const { device: name } of heard) amounts.set(name, (amounts.get(name) ?? 0) + 1);
  // The first by address: the same from sample to sample, whatever order the driver has.
  const told = [...new Map(heard.map((row) => [`${row.dump.mac} ${row.device}`, row]))]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .slice(0, mostStations)
    .map(([, row]) => row);
  const station = (name: string, help: string, value: (dump: StationDump) => number | null) =>
    perRow(`node_wifi_station_${name}`, name.endsWith('_total') ? 'counter' : 'gauge', help, told, (row) => ({
      labels: { device: row.device, mac_address: row.dump.mac },
      value: value(row.dump),
    }));
  const times = (factor: number, value: number | null) => (value === null ? null : Math.round(value * factor));
  return [
    perRow('node_wifi_interface_frequency_hertz', 'gauge', FREQUENCY_HELP, accessPoints, (row) => ({
      labels: device(row),
      value: times(1e6, row.frequencyMhz),
    })),
    perRow('apsnap_ap_clients', 'gauge', 'Stations of the access point.', accessPoints, (row) => ({
      labels: device(row),
      value: amounts.get(row.interface) ?? 0,
    })),
    station('signal_dbm', 'The current WiFi signal strength, in decibel-milliwatts (dBm).', (dump) => dump.signalDbm),
    station('inactive_seconds', 'The number of seconds since any wireless activity has occurred on a station.', (dump) =>
      dump.inactiveMs === null ? null : dump.inactiveMs / 1000,
    ),
    station(
      'connected_seconds_total',
      'The total number of seconds a station has been connected to an access point.',
      (dump) => dump.connectedSeconds,
    ),
    station('receive_bytes_total', 'The total number of bytes received from a WiFi station.', (dump) => dump.receivedBytes),
    station('transmit_bytes_total', 'The total number of bytes transmitted to a WiFi station.', (dump) => dump.sentBytes),
    station('receive_bits_per_second', 'The current WiFi receive bitrate of a station, in bits per second.', (dump) =>
      times(1e6, dump.receiveMbps),
    ),
    station('transmit_bits_per_second', 'The current WiFi transmit bitrate of a station, in bits per second.', (dump) =>
      times(1e6, dump.sendMbps),
    ),
    station('transmit_retries_total', 'The total number of frames to a station that were sent again.', (dump) => dump.sendRetries),
    station('transmit_failed_total', 'The total number of frames to a station that were given up.', (dump) => dump.sendFailures),
  ];
}

const FREQUENCY_HELP = 'The current frequency a WiFi interface is operating at, in hertz.';

/** Asks `iw dev` for the access points, or takes the answer of a while ago: starting a program is dear on a small board. */
function listAccessPoints(machine: Machine, { carried, thorough, monotonicMs }: Sampling<Carried>): Omit<Carried, 'counted'> {
  const interfaces = machine.list('/sys/class/net').sort();
  if (carried && !thorough && monotonicMs - carried.listedAtMs < LISTED_FOR_MS && carried.interfaces.join() === interfaces.join())
    return carried;
  return { listedAtMs: monotonicMs, interfaces, accessPoints: parseIwDev(runIw(machine, ['dev'])) };
}

function readStations(machine: Machine, name: string): StationDump[] {
  try {
    return parseStationDump(runIw(machine, ['dev', name, 'station', 'dump'])).filter((station) => station.authorized);
  } catch (error) {
    // The interface went away after it was listed.
    if (error instanceof SourceError && error.code === 'program-failed' && /-19\b|-95\b/.test(error.message)) return [];
    throw error;
  }
}

/** @throws Absent iw is not installed; it may have been when the access points were listed */
function runIw(machine: Machine, args: readonly string[]): string {
  try {
    return machine.run('iw', args);
  } catch (error) {
    if (error instanceof SourceError && error.code === 'program-missing') throw new Absent(`${error.message}: apt-get install iw`);
    throw error;
  }
}

function countStation(now: StationDump, before: Counted | undefined, atMs: number): Counted {
  const { connectedSeconds, receivedBytes, sentBytes } = now;
  // Someone who came back has counters and a clock that start anew.
  const same = before && (before.connectedSeconds === null || connectedSeconds === null || connectedSeconds >= before.connectedSeconds);
  if (same && atMs - before.atMs < LEAST_INTERVAL_MS) return before;
  const seconds = same ? (atMs - before.atMs) / 1000 : 0;
  return {
    atMs,
    connectedSeconds,
    receivedBytes,
    sentBytes,
    downloadBitsPerSecond: same ? bitsPerSecond(sentBytes, before.sentBytes, seconds) : null,
    uploadBitsPerSecond: same ? bitsPerSecond(receivedBytes, before.receivedBytes, seconds) : null,
  };
}

/** Rate between two readings of a byte counter; null where there is none, or it fell. */
export function bitsPerSecond(now: number | null, before: number | null, seconds: number): number | null {
  if (now === null || before === null || seconds <= 0 || now < before) return null;
  return Math.round(((now - before) * 8) / seconds);
}

/**
 * The interfaces of type AP in what `iw dev` prints.
 *
 *     phy#0
 *     	Interface wlan0
 *     		ifindex 3
 *     		ssid RigNet
 *     		type AP
 *     		channel 6 (2437 MHz), width: 20 MHz, center1: 2437 MHz
 */
export function parseIwDev(text: string): AccessPoint[] {
  if (text !== '' && !text.startsWith('phy#')) throw new SourceError('malformed', `iw dev: does not start with a radio: ${quote(text)}`);
  const accessPoints = text
    .split(/^\t(?:Interface |Unnamed)/m)
    .slice(1)
    .flatMap((block) => {
      if (!/^\t\ttype AP$/m.test(block)) return [];
      return [
        {
          interface: block.slice(0, block.indexOf('\n')),
          ssid: /^\t\tssid (.*)$/m.exec(block)?.[1] ?? null,
          frequencyMhz: numberOf(/^\t\tchannel \d+ \((\d+) MHz\)/m.exec(block)?.[1]),
        },
      ];
    });
  if (accessPoints.length > MAX_ACCESS_POINTS)
    throw new SourceError('too-large', `iw dev: has more than ${MAX_ACCESS_POINTS} access points`);
  return accessPoints;
}

/**
 * What `iw dev IFACE station dump` prints. Drivers leave out what they do not know, and the Raspberry Pi's brcmfmac may say
 * a signal of 0, which means the same. A multi-link station repeats its keys in `Link N:` blocks; the first ones are its own.
 *
 *     Station 02:00:00:00:01:00 (on wlan0)
 *     	inactive time:	420 ms
 *     	rx bytes:	3061
 *     	signal:  	-20 [-22, -24] dBm
 *     	tx bitrate:	117.0 MBit/s MCS 14
 *     	authorized:	yes
 *     	connected time:	7 seconds
 */
export function parseStationDump(text: string): StationDump[] {
  const blocks = text.split(/^Station /m);
  const before = blocks.shift();
  if (before?.trim()) throw new SourceError('malformed', `iw station dump: does not start with a station: ${quote(text)}`);
  return blocks.map((block) => {
    const mac = parseMac(block.slice(0, 17));
    if (!mac) throw new SourceError('malformed', `iw station dump: not a station: ${quote(block)}`);
    const [own = ''] = block.split(/^[ \t]*Link \d+:/m, 1);
    const field = (name: string) => fieldOf(own, name);
    return {
      mac,
      authorized: field('authorized') !== 'no',
      signalDbm: numberOf(field('signal')) || numberOf(field('signal avg')) || null,
      receivedBytes: numberOf(field('rx bytes')),
      sentBytes: numberOf(field('tx bytes')),
      receiveMbps: numberOf(field('rx bitrate')) || null,
      sendMbps: numberOf(field('tx bitrate')) || null,
      connectedSeconds: numberOf(field('connected time')),
      inactiveMs: numberOf(field('inactive time')),
      sendRetries: numberOf(field('tx retries')),
      sendFailures: numberOf(field('tx failed')),
    };
  });
}

/** Value of the first line of a name. Searched for, not split into lines: of thirty lines a station has, nine are needed. */
function fieldOf(block: string, name: string): string | undefined {
  const at = block.indexOf(`\n\t${name}:`);
  if (at < 0) return undefined;
  const start = at + name.length + 3;
  const end = block.indexOf('\n', start);
  return block.slice(start, end < 0 ? undefined : end).trim();
}

/** The number at the start of a field; null where there is none. */
function numberOf(text: string | undefined): number | null {
  const match = /^-?\d{1,15}(?:\.\d+)?(?![\d.])/.exec(text ?? '');
  return match ? Number(match[0]) : null;
}
