/**
 * An access point with any number of clients, as a folder for `--path.rootfs` and one for PATH. Files and output of programs
 * have the form of the captures that the tests read. `iw` and `ip` are scripts that print files.
 */
import { appendFileSync, chmodSync, mkdirSync, readFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface Fixture {
  readonly rootfs: string;
  readonly path: string;
}

export interface FixtureOptions {
  /** Stations, each with a lease and a neighbour entry. */
  readonly clients: number;
  /** Names in each of the two block lists. Without it there are no lists. */
  readonly blockedNames?: number;
  /** Size of the DNS log: a hole followed by lines. Without it there is no log. */
  readonly logBytes?: number;
  /** Station dumps that `iw` prints in turn, one per second, with counters that differ. */
  readonly dumps?: number;
}

/** Files that grow during a measurement. */
export const DOMAINS_FILE = 'etc/raspap/adblock/domains.txt';
export const HOSTNAMES_FILE = 'etc/raspap/adblock/hostnames.txt';
export const LOG_FILE = 'var/log/dnsmasq.log';

/** Lines at the end of the log, more than the collector ever reads. */
const LOG_END_BYTES = 1 << 20;

/** Files that the collectors read and that are copied from this machine's own /proc. */
const COPIED = ['loadavg', 'meminfo', 'stat', 'uptime', 'cpuinfo', 'sys/kernel/hostname', 'sys/kernel/osrelease'];

/** Creates the access point in a folder. */
export function writeFixture(folder: string, { clients, blockedNames = 0, logBytes = 0, dumps = 8 }: FixtureOptions): Fixture {
  const rootfs = join(folder, 'root');
  const programs = join(folder, 'bin');
  const write = (path: string, text: string) => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  };
  for (const path of COPIED) write(join(rootfs, 'proc', path), readFileSync(`/proc/${path}`, 'latin1'));
  write(join(rootfs, 'proc/700/comm'), 'hostapd\n');
  write(join(rootfs, 'proc/net/route'), ROUTE);
  write(join(rootfs, 'etc/os-release'), 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n');
  write(join(rootfs, 'etc/dnsmasq.d/090_wlan0.conf'), 'interface=wlan0\ndhcp-range=10.3.0.50,10.3.255.250,255.255.0.0,12h\n');
  write(join(rootfs, 'sys/class/ieee80211/phy0/index'), '0\n');
  write(join(rootfs, 'sys/class/net/wlan0/ifindex'), '3\n');
  write(join(rootfs, 'sys/class/net/wlan0/type'), '1\n');
  write(join(rootfs, 'sys/class/net/wlan0/phy80211/index'), '0\n');
  write(join(rootfs, 'sys/class/net/eth0/ifindex'), '2\n');
  write(join(rootfs, 'sys/class/net/eth0/type'), '1\n');

  const all = Array.from({ length: clients }, (_, index) => index + 1);
  write(join(rootfs, 'var/lib/misc/dnsmasq.leases'), all.map(lease).join(''));
  if (blockedNames > 0) {
    const names = Array.from({ length: blockedNames }, (_, index) => blockedName(index));
    write(join(rootfs, DOMAINS_FILE), names.map(domainLine).join(''));
    write(join(rootfs, HOSTNAMES_FILE), names.map(hostnameLine).join(''));
  }
  if (logBytes > 0) {
    const end = logLines(0, Math.ceil(LOG_END_BYTES / logLines(0, 1).length)).slice(-LOG_END_BYTES);
    write(join(rootfs, LOG_FILE), '');
    truncateSync(join(rootfs, LOG_FILE), logBytes - end.length);
    appendFileSync(join(rootfs, LOG_FILE), end);
  }
  write(join(programs, 'iw-dev.txt'), IW_DEV);
  for (let dump = 0; dump < dumps; dump++) writeFileSync(dumpFile(programs, dump), stations(clients, dump));
  write(join(programs, 'neigh.json'), `${JSON.stringify(all.map(neighbour))}\n`);
  write(join(programs, 'iw'), iwScript(programs, dumps));
  write(join(programs, 'addr.json'), IP_ADDR);
  write(join(programs, 'link.txt'), IP_LINK);
  write(join(programs, 'ip'), ipScript(programs));
  for (const program of ['iw', 'ip']) chmodSync(join(programs, program), 0o755);
  return { rootfs, path: programs };
}

/** Replaces the only station dump by a later one, in which every station differs. */
export function replaceStations({ path }: Fixture, clients: number, second: number): void {
  const file = dumpFile(path, 0);
  writeFileSync(`${file}.new`, stations(clients, second));
  renameSync(`${file}.new`, file);
}

const dumpFile = (folder: string, dump: number) => join(folder, `station-dump-${dump}.txt`);

const iwScript = (folder: string, dumps: number) => `#!/bin/sh
case "$*" in
  dev) exec /bin/cat '${folder}/iw-dev.txt' ;;
  'dev wlan0 station dump')
    read -r up rest </proc/uptime
    exec /bin/cat "${folder}/station-dump-$((\${up%.*} % ${dumps})).txt" ;;
  event) exec /bin/sleep infinity ;;
esac
exit 1
`;

const ipScript = (folder: string) => `#!/bin/sh
case "$*" in
  '-j neigh show') exec /bin/cat '${folder}/neigh.json' ;;
  '-j addr') exec /bin/cat '${folder}/addr.json' ;;
  '-o link') exec /bin/cat '${folder}/link.txt' ;;
  *' monitor '*) exec /bin/sleep infinity ;;
esac
exit 1
`;

const IP_ADDR = `${JSON.stringify(
  [
    ['eth0', 2, '02:00:00:00:ff:01', '10.2.0.15', 24],
    ['wlan0', 3, '02:00:00:00:00:00', '10.3.0.1', 16],
  ].map(([ifname, ifindex, address, local, prefixlen]) => ({
    ...{ ifindex, ifname, flags: ['BROADCAST', 'MULTICAST', 'UP', 'LOWER_UP'], mtu: 1500, operstate: 'UP', link_type: 'ether', address },
    addr_info: [{ family: 'inet', local, prefixlen, scope: 'global', label: ifname }],
  })),
)}\n`;

const IP_LINK = `2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc fq_codel state UP mode DEFAULT group default qlen 1000\\    link/ether 02:00:00:00:ff:01 brd ff:ff:ff:ff:ff:ff
3: wlan0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP mode DEFAULT group default qlen 1000\\    link/ether 02:00:00:00:00:00 brd ff:ff:ff:ff:ff:ff
`;

const ROUTE = `Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	00000000	0202000A	0003	0	0	100	00000000	0	0	0
wlan0	0000030A	00000000	0001	0	0	0	0000FFFF	0	0	0
`;

const IW_DEV = `phy#0
	Interface wlan0
		ifindex 3
		wdev 0x1
		addr 02:00:00:00:00:00
		ssid RigNet
		type AP
		channel 6 (2437 MHz), width: 20 MHz, center1: 2437 MHz
		txpower 30.00 dBm
`;

const hex = (byte: number) => byte.toString(16).padStart(2, '0');
const mac = (client: number) => `02:00:00:${hex(client >> 8)}:${hex(client & 255)}:00`;
const address = (client: number) => `10.3.${1 + (client >> 8)}.${client & 255}`;

const HOSTS = ['ads', 'track', 'metrics', 'cdn', 'pixel', 'stats', 'www', 'telemetry'];
const ENDS = ['com', 'net', 'org', 'io', 'example', 'co.uk', 'info', 'xyz'];

/** Returns a different name for each number, of 12 to 30 random letters. Real lists compress better. */
export function blockedName(index: number): string {
  const scattered = Math.imul(index + 1, 0x9e3779b1) >>> 0; // odd multiplier: a different value for each index
  const more = (Math.imul(scattered ^ (scattered >>> 15), 0x85ebca6b) >>> 0).toString(36).slice(0, index % 7);
  return `${HOSTS[scattered % 8]}.${scattered.toString(36)}${more && '-'}${more}.${ENDS[(scattered >>> 8) % 8]}`;
}

export const domainLine = (name: string) => `local=/${name}/\n`;
export const hostnameLine = (name: string) => `0.0.0.0 ${name}\n`;

/** Returns lines of dnsmasq's log, of which `first` came before. */
export function logLines(first: number, amount: number): string {
  const time = (line: number) => new Date(line * 10).toISOString().slice(11, 19);
  const lines = Array.from({ length: amount }, (_, index) => first + index);
  return lines
    .map((line) => `Feb  3 ${time(line)} dnsmasq[123]: query[A] ${blockedName(line % 5000)} from ${address(line % 200)}\n`)
    .join('');
}

function lease(client: number): string {
  return `${1_795_500_000 + client} ${mac(client)} ${address(client)} client-${client} 01:${mac(client)}\n`;
}

function neighbour(client: number) {
  return { dst: address(client), dev: 'wlan0', lladdr: mac(client), state: [client % 7 === 0 ? 'STALE' : 'REACHABLE'] };
}

function stations(clients: number, dump: number): string {
  return Array.from({ length: clients }, (_, index) => station(index + 1, dump)).join('');
}

function station(client: number, dump: number): string {
  return `Station ${mac(client)} (on wlan0)
	inactive time:	${(client * 37 + dump * 113) % 5000} ms
	rx bytes:	${client * 3061 + dump * (client % 900) * 100}
	rx packets:	${client * 25 + dump * 9}
	tx bytes:	${client * 21_250 + dump * (client % 700) * 1000}
	tx packets:	${client * 16 + dump * 7}
	tx retries:	0
	tx failed:	0
	rx drop misc:	0
	signal:  	-${30 + ((client + dump) % 50)} dBm
	signal avg:	-${30 + (client % 50)} dBm
	tx bitrate:	117.0 MBit/s MCS 14
	tx duration:	0 us
	rx bitrate:	39.0 MBit/s MCS 10
	rx duration:	0 us
	expected throughput:	43.303Mbps
	authorized:	yes
	authenticated:	yes
	associated:	yes
	preamble:	short
	WMM/WME:	yes
	MFP:		no
	TDLS peer:	no
	DTIM period:	2
	beacon interval:100
	short slot time:yes
	connected time:	${client + dump} seconds
	associated at [boottime]:	17.802s
	associated at:	1795457355071 ms
	current time:	1795457361919 ms
`;
}
