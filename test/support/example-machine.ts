/** A made-up Raspberry Pi with two access points, a wired uplink and a VPN, as the server would describe it. */
import type { Client, CollectorState, Documents } from '../../web/model.js';

const NAMES: readonly [name: string | null, dbm: number, wlan: 0 | 1, down: number, up: number, minutes: number][] = [
  ['alices-iphone', -48, 1, 2_640_000, 118_000, 194],
  ['bobs-laptop', -55, 1, 18_400_000, 940_000, 71],
  ['living-room-tv', -51, 1, 24_800_000, 310_000, 402],
  ['kitchen-radio', -63, 0, 131_000, 6_200, 2_950],
  ['printer', -70, 0, 0, 900, 11_520],
  ['thermostat', -78, 0, 1_400, 2_100, 44_000],
  ['carols-pixel-8', -61, 1, 412_000, 88_000, 27],
  ['doorbell', -74, 0, 9_000, 1_640_000, 6_011],
  [null, -82, 0, 0, 0, 3],
  ['work-macbook', -46, 1, 5_120_000, 2_210_000, 133],
  ['tablet-kids', -58, 1, 7_900_000, 96_000, 18],
];

export function exampleClient(change: Partial<Client> & Pick<Client, 'mac_address'>): Client {
  return {
    timestamp: 1_795_508_866,
    ip_address: '10.3.141.99',
    hostname: null,
    client_id: null,
    connection_type: 'wireless',
    interface: 'wlan0',
    ip_addresses: [change.ip_address ?? '10.3.141.99'],
    sources: ['station', 'lease', 'neighbour'],
    state: 'associated',
    signal_dbm: -60,
    download_bytes: 48_000_000,
    upload_bytes: 9_100_000,
    download_bits_per_second: 0,
    upload_bits_per_second: 0,
    download_link_mbps: 72,
    upload_link_mbps: 65,
    connected_seconds: 600,
    inactive_seconds: 0.1,
    ...change,
  };
}

export function exampleClients(rows: readonly Client[]): Documents['clients'] {
  const amount = (type: Client['connection_type']) => rows.filter((row) => row.connection_type === type).length;
  return {
    active_clients_amount: rows.length,
    active_wireless_clients_amount: amount('wireless'),
    active_ethernet_clients_amount: amount('ethernet'),
    active_clients: [...rows],
    inactive_clients: [],
  };
}

export const someClients: readonly Client[] = [
  ...NAMES.map(([hostname, signal_dbm, wlan, download_bits_per_second, upload_bits_per_second, minutes], index) =>
    exampleClient({
      mac_address: `02:00:00:00:${(index + 16).toString(16)}:${(index * 7 + 3).toString(16).padStart(2, '0')}`,
      ip_address: `10.3.141.${50 + ((index * 37) % 200)}`,
      hostname,
      interface: `wlan${wlan}`,
      signal_dbm,
      download_bits_per_second,
      upload_bits_per_second,
      connected_seconds: minutes * 60 + index,
    }),
  ),
  exampleClient({
    mac_address: 'dc:a6:32:01:02:03',
    ip_address: '10.3.141.11',
    hostname: 'nas',
    connection_type: 'ethernet',
    interface: 'eth1',
    sources: ['lease', 'neighbour'],
    state: 'reachable',
    signal_dbm: null,
    download_bytes: null,
    upload_bytes: null,
    download_bits_per_second: null,
    upload_bits_per_second: null,
    download_link_mbps: null,
    upload_link_mbps: null,
    connected_seconds: null,
    inactive_seconds: null,
  }),
];

const well = { underVoltage: false, frequencyCapped: false, throttled: false, softTemperatureLimit: false };

export function exampleSystem(change: Partial<Documents['system']> = {}): Documents['system'] {
  return {
    hostname: 'raspberrypi',
    uptime: 'up 3 weeks, 2 days, 4 hours, 11 minutes',
    systime: 'Sun 10 Mar 11:11:11 CET 2024',
    usedMemory: 38.42,
    usedDisk: 31,
    processorCount: 4,
    LoadAvg1Min: 0.42,
    systemLoadPercentage: 10.5,
    systemTemperature: 52.58,
    hostapdStatus: 1,
    operatingSystem: 'Debian GNU/Linux 12 (bookworm)',
    kernelVersion: '6.6.31+rpt-rpi-v8',
    rpiRevision: 'Raspberry Pi 4 Model B Rev 1.4 (4 GB)',
    raspapVersion: '3.2.1',
    time: { uptimeSeconds: 2_002_260, unixSeconds: Math.floor(Date.now() / 1000), text: 'Sun 10 Mar 11:11:11 CET 2024' },
    load: { load1: 0.42, load5: 0.37, load15: 0.31 },
    cpu: { busyRatio: 0.1342, cores: [0.2, 0.1, 0.12, 0.11].map((busyRatio, core) => ({ core, busyRatio })) },
    memory: {
      totalBytes: 3_977_961_472,
      availableBytes: 2_449_628_672,
      freeBytes: 1_200_000_000,
      buffersBytes: 90_000_000,
      cachedBytes: 1_100_000_000,
      swapTotalBytes: 104_853_504,
      swapFreeBytes: 104_853_504,
    },
    disk: { sizeBytes: 31_266_689_024, usedBytes: 9_203_310_592, availableBytes: 20_462_202_880 },
    temperature: { celsius: 52.58, zones: [{ zone: 'thermal_zone0', type: 'cpu-thermal', celsius: 52.58 }] },
    power: { ...well, sinceBoot: well },
    ...change,
  };
}

const point = {
  driver: 'nl80211',
  ctrl_interface: '/var/run/hostapd',
  ctrl_interface_group: '0',
  auth_algs: '1',
  wpa_key_mgmt: 'WPA-PSK',
  beacon_int: '100',
  ieee80211n: '1',
  wpa_passphrase: null,
  wpa: '2',
  wpa_pairwise: 'CCMP',
  country_code: 'FR',
  ignore_broadcast_ssid: '0',
} as const;
const slow = { ...point, ssid: 'RigNet', channel: '6', hw_mode: 'g', interface: 'wlan0', frequency_band: '2.4' } as const;
const fast = { ...point, ssid: 'RigNet-5G', channel: '36', hw_mode: 'a', interface: 'wlan1', frequency_band: '5' } as const;

export const exampleAp: Documents['ap'] = {
  ...slow,
  access_points: [
    { ...slow, file: '/etc/hostapd/hostapd-wlan0.conf', bridge: '' },
    { ...fast, file: '/etc/hostapd/hostapd-wlan1.conf', bridge: '' },
  ],
};

type Link = Documents['networking']['interfaces'][string];
type Traffic = Documents['networking']['throughput'][string];

function link(change: Partial<Link>): Link {
  return {
    IP_address: null,
    Netmask: null,
    MAC_address: null,
    IPv6_addresses: [],
    addresses: [],
    state: 'up',
    operational_state: 'up',
    carrier: true,
    speed_mbps: null,
    duplex: null,
    mtu: 1500,
    kind: 'wlan',
    wireless: false,
    bridge: null,
    uplink: false,
    vpn: false,
    ...change,
  };
}

function traffic(rx: number | null, tx: number | null): Traffic {
  return {
    RX_packets: 40_000,
    RX_bytes: rx === null ? 0 : rx * 90_000,
    TX_packets: 21_000,
    TX_bytes: tx === null ? 0 : tx * 90_000,
    RX_bytes_per_second: rx,
    TX_bytes_per_second: tx,
    RX_errors: 0,
    TX_errors: 0,
    RX_drops: 0,
    TX_drops: 0,
  };
}

export const exampleNetworking: Documents['networking'] = {
  interfaces: {
    eth0: link({
      MAC_address: 'dc:a6:32:aa:bb:01',
      addresses: ['192.168.1.20/24', 'fe80::dea6:32ff:feaa:bb01/64'],
      speed_mbps: 1000,
      duplex: 'full',
      kind: 'ethernet',
      uplink: true,
    }),
    eth1: link({ MAC_address: 'dc:a6:32:aa:bb:05', addresses: ['10.3.141.2/24'], speed_mbps: 100, duplex: 'full', kind: 'ethernet' }),
    wlan0: link({ MAC_address: 'dc:a6:32:aa:bb:02', addresses: ['10.3.141.1/24'], wireless: true }),
    wlan1: link({ MAC_address: 'dc:a6:32:aa:bb:03', addresses: ['10.3.142.1/24'], wireless: true }),
    wlan2: link({ MAC_address: 'dc:a6:32:aa:bb:04', state: 'down', operational_state: 'down', carrier: null, wireless: true }),
    wg0: link({ addresses: ['10.8.0.2/24'], kind: 'wireguard', vpn: true, operational_state: 'unknown' }),
  },
  throughput: {
    eth0: traffic(7_412_000, 641_000),
    eth1: traffic(1_200, 800),
    wlan0: traffic(208_000, 18_400),
    wlan1: traffic(471_000, 7_390_000),
    wlan2: traffic(null, null),
    wg0: traffic(3_100, 2_200),
  },
  uplinks: ['eth0'],
  vpn: [{ interface: 'wg0', kind: 'wireguard', up: true }],
};

/** @param failing names of the collectors that fail */
export function exampleCollectors(...failing: string[]): CollectorState[] {
  const rows: readonly [name: string, summary: string, seconds: number][] = [
    ['clock', 'Uptime, time and time zone', 1],
    ['cpu', 'Processor usage', 1],
    ['load', 'Load averages', 1],
    ['memory', 'Memory and swap', 1],
    ['thermal', 'Temperature of the processor', 1],
    ['disk', 'Usage of the root file system', 30],
    ['stations', 'Wi-Fi stations of every access point', 2],
    ['leases', 'DHCP leases of dnsmasq', 5],
    ['traffic', 'Traffic of each network interface', 1],
    ['ddclient', 'Dynamic DNS: configuration of ddclient', 30],
    ['openvpn', 'Client configurations of OpenVPN', 30],
  ];
  return rows.map(([name, summary, interval_seconds]) => {
    const fails = failing.includes(name);
    const absent = name === 'openvpn';
    return {
      name,
      summary,
      state: fails ? 'failing' : absent ? 'absent' : 'ok',
      reason: fails ? `/etc/${name}.conf: permission denied` : absent ? 'no folder /etc/openvpn/client' : null,
      advice: fails ? `setfacl -m u:apsnap:r /etc/${name}.conf` : absent ? 'apt-get install openvpn' : null,
      last_success: absent ? null : new Date(Date.now() - (fails ? 754_000 : 400)).toISOString(),
      duration_ms: name.length / 3,
      interval_seconds,
    };
  });
}

export function exampleDocuments(): Documents {
  return { system: exampleSystem(), ap: exampleAp, clients: exampleClients(someClients), networking: exampleNetworking };
}

/** Returns the value of a series at a time in Unix seconds. The curves look like a day at home. */
export function exampleHistory(series: string, second: number): number | null {
  const noise = (salt: number) => Math.abs(Math.sin(Math.floor(second / 5) * 12.9898 + salt) * 43758.5453) % 1;
  const wave = (period: number, salt = 0) => 0.5 + 0.5 * Math.sin((second / period) * 2 * Math.PI + salt);
  const busy = 0.1 + 0.16 * wave(2_700) * wave(611, 1) + 0.05 * noise(1) + (noise(9) > 0.985 ? 0.3 : 0);
  if (series === 'cpu_busy_ratio') return busy;
  if (series === 'memory_used_ratio') return 0.36 + 0.03 * wave(3_100, 2) + 0.002 * noise(2);
  if (series === 'temperature_celsius') return 49 + 6 * wave(2_700, -0.4) + 0.5 * noise(3);
  const isDown = series.startsWith('rx') === series.startsWith('x_bytes_per_second:eth', 1);
  if (series.endsWith('wlan0')) return isDown ? 16_000 + 9_000 * noise(5) : 196_000 + 20_000 * noise(6) * wave(300);
  const film = wave(1_800, 3) > 0.45 ? 1 : 0.12;
  const rate = film * (3_400_000 + 3_900_000 * wave(97) * noise(4));
  return isDown ? rate : rate * (0.06 + 0.03 * noise(7));
}

/** Returns how much a series varies within a step, as a fraction of its value. */
export function exampleSwing(series: string, second: number): number {
  const widest = series === 'cpu_busy_ratio' ? 0.3 : series === 'temperature_celsius' ? 0.012 : 0.006;
  return widest * (0.3 + 0.7 * Math.abs(Math.sin(second * 7.13)));
}
