/** Prometheus metrics of access points and their stations, under node_exporter's names. */
import { type MetricFamily, perRow } from '../../model/metrics.js';
import type { AccessPoint } from './iw.js';
import type { StationDump } from './station-dump.js';

/** The stations of an access point. */
export interface Associated {
  readonly device: string;
  readonly dumps: readonly StationDump[];
}

const FREQUENCY_HELP = 'The current frequency a WiFi interface is operating at, in hertz.';

/** One metric per station: name, help, value. Values of a counter rise until the station associates again. */
const STATION_METRICS: readonly (readonly [name: string, help: string, value: (dump: StationDump) => number | null])[] = [
  ['signal_dbm', 'The current WiFi signal strength, in decibel-milliwatts (dBm).', ({ signalDbm }) => signalDbm],
  [
    'inactive_seconds',
    'The number of seconds since any wireless activity has occurred on a station.',
    ({ inactiveMs }) => (inactiveMs === null ? null : inactiveMs / 1000),
  ],
  [
    'connected_seconds_total',
    'The total number of seconds a station has been connected to an access point.',
    ({ connectedSeconds }) => connectedSeconds,
  ],
  ['receive_bytes_total', 'The total number of bytes received from a WiFi station.', ({ receivedBytes }) => receivedBytes],
  ['transmit_bytes_total', 'The total number of bytes transmitted to a WiFi station.', ({ sentBytes }) => sentBytes],
  [
    'receive_bits_per_second',
    'The current WiFi receive bitrate of a station, in bits per second.',
    ({ receiveMbps }) => millionTimes(receiveMbps),
  ],
  [
    'transmit_bits_per_second',
    'The current WiFi transmit bitrate of a station, in bits per second.',
    ({ sendMbps }) => millionTimes(sendMbps),
  ],
  [
    'transmit_retries_total',
    'The total number of times a station has had to retry while sending a packet.',
    ({ sendRetries }) => sendRetries,
  ],
  ['transmit_failed_total', 'The total number of times a station has failed to send a packet.', ({ sendFailures }) => sendFailures],
];

/** @param maxStations maximum stations that get metrics; the first by MAC address, so that the choice is stable */
export function stationFamilies(
  accessPoints: readonly AccessPoint[],
  associated: readonly Associated[],
  maxStations: number,
): MetricFamily[] {
  const amounts = new Map(associated.map(({ device, dumps }) => [device, dumps.length]));
  const all = associated.flatMap(({ device, dumps }) => dumps.map((dump) => ({ device, dump })));
  const shown = [...new Map(all.map((row) => [`${row.dump.mac} ${row.device}`, row]))]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .slice(0, maxStations)
    .map(([, row]) => row);
  return [
    perRow('node_wifi_interface_frequency_hertz', 'gauge', FREQUENCY_HELP, accessPoints, (row) => ({
      labels: { device: row.interface },
      value: millionTimes(row.frequencyMhz),
    })),
    perRow('apsnap_ap_clients', 'gauge', 'Number of stations associated with the access point.', accessPoints, (row) => ({
      labels: { device: row.interface },
      value: amounts.get(row.interface) ?? 0,
    })),
    ...STATION_METRICS.map(([name, help, value]) =>
      perRow(`node_wifi_station_${name}`, name.endsWith('_total') ? 'counter' : 'gauge', help, shown, ({ device, dump }) => ({
        labels: { device, mac_address: dump.mac },
        value: value(dump),
      })),
    ),
  ];
}

function millionTimes(value: number | null): number | null {
  return value === null ? null : Math.round(value * 1e6);
}
