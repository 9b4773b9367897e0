import { Absent, SourceError } from '../../errors.js';
import type { Machine } from '../../machine/machine.js';
import { collector, type Sampling } from '../../model/collector.js';
import { array, type Infer, integer, nullable, number, object, string } from '../../model/schema.js';
import { type AccessPoint, parseIwDev, runIw } from './iw.js';
import { parseStationDump, type StationDump } from './station-dump.js';
import { type Associated, stationFamilies } from './station-metrics.js';

/** A station in one sample. */
interface Followed {
  readonly row: Station;
  /** The sample in which its rates were computed. */
  readonly rated: Station;
  readonly ratedAtMs: number;
}

/** Stations of an access point by MAC address, in the order of `iw`. */
type Stations = ReadonlyMap<string, Followed>;

/** The access points, and when they were listed. */
interface Listed {
  readonly listedAtMs: number;
  readonly interfaces: readonly string[];
  readonly accessPoints: AccessPoint[];
}

interface Carried extends Listed {
  /** The stations of each access point, in the same order. */
  readonly stations: readonly (readonly Followed[])[];
}

/** Maximum age of the list of access points. It is read again earlier if an interface comes or goes, or a client asks. */
const MAX_LIST_AGE_MS = 30_000;
/** Minimum time between two readings of a rate. Over less, rates are noise: an event may request a sample just after another. */
const MIN_INTERVAL_MS = 500;

const bytes = (description: string) => nullable(integer(`${description} \`null\` if the driver doesn't report it.`, 'bytes'));
const throughput = (description: string) => nullable(integer(`${description} \`null\` until there are two samples.`, 'bits per second'));
const linkRate = (description: string) =>
  nullable(number(`${description} \`null\` if the driver doesn't report it.`, 'megabits per second'));

/** What an access point measures of a station, in the fields of `/clients`. */
export const stationFields = {
  signal_dbm: nullable(integer('Signal strength at the access point, in dBm. `null` for wired clients.', 'decibel-milliwatts')),
  download_bytes: bytes('Bytes that the client has received since it associated.'),
  upload_bytes: bytes('Bytes that the client has sent since it associated.'),
  download_bits_per_second: throughput('Download throughput of the client between the last two samples.'),
  upload_bits_per_second: throughput('Upload throughput of the client between the last two samples.'),
  download_link_mbps: linkRate('Bit rate of the last frame to the client.'),
  upload_link_mbps: linkRate('Bit rate of the last frame from the client.'),
  connected_seconds: nullable(integer('Time since the client associated. `null` for wired clients.', 'seconds')),
  inactive_seconds: nullable(number("Time since the client's last frame. `null` for wired clients.", 'seconds')),
};
export type Measured = { readonly [Name in keyof typeof stationFields]: Infer<(typeof stationFields)[Name]> };
const MEASURED = Object.keys(stationFields) as (keyof Measured)[];

const station = object({
  interface: string('Interface of the access point that the station is associated with.'),
  mac_address: string('MAC address of the station, in lower case.'),
  ...stationFields,
});
type Station = Infer<typeof station>;

/** Stations of the machine's access points. */
export const stations = collector({
  name: 'stations',
  summary: 'Wi-Fi stations of every access point',
  trigger: 'schedule',
  schedule: '*/2 * * * * *',
  lane: 'program',
  required: true,
  advice: 'iw needs AF_NETLINK sockets and no other right: check RestrictAddressFamilies in the unit',
  view: object({
    accessPoints: array(
      object({
        interface: string('Interface of the access point.'),
        ssid: nullable(string('Network name (SSID). `null` if the driver reports none.')),
        frequencyMhz: nullable(
          integer('Center frequency of the primary channel. `null` while the access point is off the air.', 'megahertz'),
        ),
      }),
      'Interfaces of type AP.',
    ),
    stations: array(station, 'Stations that have completed the handshake.'),
  }),
  absent: { accessPoints: [], stations: [] },
  async read(machine, sampling: Sampling<Carried>) {
    if (machine.list('/sys/class/ieee80211').length === 0) throw new Absent('no Wi-Fi radio in /sys/class/ieee80211');
    const listed = await listAccessPoints(machine, sampling);
    const { accessPoints } = listed;
    const associated: Associated[] = [];
    const rows: Station[] = [];
    const stations: Followed[][] = [];
    for (const { interface: device } of accessPoints) {
      const before = stationsAt(device, sampling.carried);
      const now: Followed[] = [];
      const dumps = await readStations(machine, device, before);
      for (const dump of dumps) {
        const followed = followStation(device, dump, before.get(dump.mac), sampling.monotonicMs);
        rows.push(followed.row);
        now.push(followed);
      }
      associated.push({ device, dumps });
      stations.push(now);
    }
    return {
      value: { accessPoints, stations: rows },
      carry: { ...listed, stations },
      metrics: () => stationFamilies(accessPoints, associated, sampling.maxStationMetrics),
      points: Object.fromEntries(associated.map(({ device, dumps }) => [`clients:${device}`, dumps.length])),
    };
  },
});

function stationsAt(device: string, carried: Carried | undefined): Stations {
  const index = carried?.accessPoints.findIndex((row) => row.interface === device) ?? -1;
  const stations = new Map<string, Followed>();
  for (const followed of carried?.stations[index] ?? []) stations.set(followed.row.mac_address, followed);
  return stations;
}

/** Describes a station. If nothing has changed, its row is the same object as before, so documents needn't encode it again. */
function followStation(device: string, dump: StationDump, previous: Followed | undefined, atMs: number): Followed {
  // A station that associates again starts with new counters and a new clock.
  const before = previous && !isNewer(previous.rated.connected_seconds, dump.connectedSeconds) ? previous : undefined;
  const isTooEarly = before !== undefined && atMs - before.ratedAtMs < MIN_INTERVAL_MS;
  const row = rowOf(device, dump, isTooEarly ? before.rated : ratesOf(dump, before, atMs));
  const isSame = previous && MEASURED.every((name) => previous.row[name] === row[name]);
  const current = isSame ? previous.row : row;
  return isTooEarly ? { ...before, row: current } : { row: current, rated: current, ratedAtMs: atMs };
}

type Rates = Pick<Station, 'download_bits_per_second' | 'upload_bits_per_second'>;

function ratesOf(dump: StationDump, before: Followed | undefined, atMs: number): Rates {
  if (!before) return { download_bits_per_second: null, upload_bits_per_second: null };
  const seconds = (atMs - before.ratedAtMs) / 1000;
  return {
    download_bits_per_second: bitsPerSecond(dump.sentBytes, before.rated.download_bytes, seconds),
    upload_bits_per_second: bitsPerSecond(dump.receivedBytes, before.rated.upload_bytes, seconds),
  };
}

/** Tells whether an association is newer than one that had lasted for `previousSeconds`. */
function isNewer(previousSeconds: number | null, seconds: number | null): boolean {
  return previousSeconds !== null && seconds !== null && seconds < previousSeconds;
}

/** Describes a station from the client's side: what the access point sent is the download. */
function rowOf(device: string, dump: StationDump, rates: Rates): Station {
  return {
    interface: device,
    mac_address: dump.mac,
    signal_dbm: dump.signalDbm,
    download_bytes: dump.sentBytes,
    upload_bytes: dump.receivedBytes,
    download_bits_per_second: rates.download_bits_per_second,
    upload_bits_per_second: rates.upload_bits_per_second,
    download_link_mbps: dump.sendMbps,
    upload_link_mbps: dump.receiveMbps,
    connected_seconds: dump.connectedSeconds,
    inactive_seconds: dump.inactiveMs === null ? null : dump.inactiveMs / 1000,
  };
}

/** Lists the access points, or returns the previous list: starting a program is expensive on a small board. */
async function listAccessPoints(machine: Machine, { carried, thorough, monotonicMs }: Sampling<Carried>): Promise<Listed> {
  const interfaces = machine.list('/sys/class/net').sort();
  const isCurrent =
    carried && !thorough && monotonicMs - carried.listedAtMs < MAX_LIST_AGE_MS && carried.interfaces.join() === interfaces.join();
  if (isCurrent) return carried;
  return { listedAtMs: monotonicMs, interfaces, accessPoints: parseIwDev(await runIw(machine, ['dev'])) };
}

async function readStations(machine: Machine, name: string, before: Stations): Promise<StationDump[]> {
  try {
    const text = await runIw(machine, ['dev', name, 'station', 'dump']);
    return parseStationDump(text, [...before.keys()]).filter(({ authorized }) => authorized);
  } catch (error) {
    // ENODEV or EOPNOTSUPP: the interface went away, or changed its type, after it was listed.
    if (error instanceof SourceError && error.code === 'program-failed' && /-19\b|-95\b/.test(error.message)) return [];
    throw error;
  }
}

/** Computes the rate between two readings of a byte counter. Returns null if a reading is missing or the counter fell. */
export function bitsPerSecond(now: number | null, previous: number | null, seconds: number): number | null {
  if (now === null || previous === null || seconds <= 0 || now < previous) return null;
  return Math.round(((now - previous) * 8) / seconds);
}
