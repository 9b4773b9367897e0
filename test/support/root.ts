import { chmodSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Files that are copied from the machine that runs the tests. */
const COPIED = [
  '/proc/uptime',
  '/proc/loadavg',
  '/proc/stat',
  '/proc/meminfo',
  '/proc/sys/kernel/hostname',
  '/proc/sys/kernel/osrelease',
  '/proc/net/route',
  '/proc/net/arp',
];

export interface Root {
  /** For `--path.rootfs`. */
  readonly folder: string;
  /** A PATH with only the root's own programs. */
  readonly path: string;
  /** Replaces a file atomically. */
  write(path: string, content: string | Buffer): void;
  read(path: string): Buffer;
  /** Returns the path of a file on this machine. */
  locate(path: string): string;
  /** Removes a file, or a folder with its content. */
  erase(path: string): void;
  /** Writes a program: a shell script, or a file of any other kind. */
  program(name: string, script: string): void;
  remove(): void;
}

/** Creates a root file system with the files that required collectors read. */
export function createRoot(): Root {
  const folder = mkdtempSync(join(tmpdir(), 'apsnap-root-'));
  const locate = (path: string) => join(folder, path);
  const erase = (path: string) => rmSync(locate(path), { recursive: true, force: true });

  function write(path: string, content: string | Buffer, mode = 0o644): void {
    const file = locate(path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(`${file}.new`, content);
    chmodSync(`${file}.new`, mode);
    // A rename replaces anything except a folder.
    if (lstatSync(file, { throwIfNoEntry: false })?.isDirectory()) erase(path);
    renameSync(`${file}.new`, file);
  }

  const root: Root = {
    folder,
    path: locate('/bin'),
    locate,
    erase,
    write: (path, content) => write(path, content),
    read: (path) => readFileSync(locate(path)),
    program: (name, script) => write(`/bin/${name}`, script, 0o755),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
  mkdirSync(root.path);
  for (const path of COPIED) root.write(path, readFileSync(path));
  root.write('/sys/class/net/lo/ifindex', '1\n');
  root.write('/sys/devices/system/cpu/possible', '0-3\n');
  return root;
}

/** An `iw` for an access point wlan0 with one station. */
export const IW = `#!/bin/sh
case "$*" in
  dev) printf 'phy#0\\n\\tInterface wlan0\\n\\t\\tifindex 2\\n\\t\\tssid RigNet\\n\\t\\ttype AP\\n\\t\\tchannel 6 (2437 MHz), width: 20 MHz, center1: 2437 MHz\\n' ;;
  'dev wlan0 station dump') printf 'Station 02:00:00:00:03:00 (on wlan0)\\n\\tinactive time:\\t420 ms\\n\\trx bytes:\\t3061\\n\\ttx bytes:\\t7119\\n\\tsignal:  \\t-20 [-22, -24] dBm\\n\\tauthorized:\\tyes\\n\\tconnected time:\\t7 seconds\\n' ;;
  event) exec /bin/sleep 1000 ;;
  *) exit 1 ;;
esac
`;

/** An `ip` that prints the neighbours there. */
export const IP = `#!/bin/sh
case "$*" in *monitor*) exec /bin/sleep 1000 ;; esac
echo '[{"dst":"10.3.141.166","dev":"wlan0","lladdr":"02:00:00:00:03:00","state":["REACHABLE"]}]'
`;

export const LEASES = `1795500557 02:00:00:00:03:00 10.3.141.166 living-room-tv 01:02:00:00:00:03:00
1795500556 02:00:00:00:01:00 10.3.141.221 * *
`;

/** Creates a root of an access point with one client and a temperature sensor. */
export function createAccessPoint(): Root {
  const root = createRoot();
  root.write('/sys/class/net/wlan0/ifindex', '2\n');
  root.write('/sys/class/net/wlan0/phy80211/index', '0\n');
  root.write('/sys/class/ieee80211/phy0/index', '0\n');
  root.write('/sys/class/thermal/thermal_zone0/type', 'cpu-thermal\n');
  root.write('/sys/class/thermal/thermal_zone0/temp', '48312\n');
  root.write('/var/lib/misc/dnsmasq.leases', LEASES);
  root.program('iw', IW);
  root.program('ip', IP);
  return root;
}
