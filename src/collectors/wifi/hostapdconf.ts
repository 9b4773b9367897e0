import { Absent, SourceError } from '../../errors.js';
import type { Machine } from '../../machine/machine.js';
import { collector } from '../../model/collector.js';
import { array, object, secret, string } from '../../model/schema.js';
import { rejectBinary } from '../../parse/configuration-text.js';

const FOLDER = '/etc/hostapd';
export const HOSTAPD_CONF = `${FOLDER}/hostapd.conf`;

/** Maximum size. hostapd's own example, mostly comments, has half of it. */
const MAX_BYTES = 256 << 10;
/** Maximum networks in a file. A radio serves a few. */
const MAX_SECTIONS = 64;

const setting = (description: string) => string(`${description} Empty if the file does not set it.`);

/** The fields of RaspAP's API: strings as in hostapd's file, hostapd.conf(5). */
export const hostapdSettings = {
  driver: setting('Driver interface.'),
  ctrl_interface: setting('Folder of the control socket.'),
  ctrl_interface_group: setting('Group that may use the control socket.'),
  auth_algs: setting('Authentication algorithms as bits: `1` open, `2` shared key.'),
  wpa_key_mgmt: setting('Key management.'),
  beacon_int: setting('Beacon interval, in units of 1,024 microseconds.'),
  ssid: setting('Network name (SSID).'),
  channel: setting('Channel number. `0` or `acs_survey` if hostapd chooses.'),
  hw_mode: setting('Radio mode: `a`, `b` or `g`.'),
  ieee80211n: setting('`1` if 802.11n is enabled.'),
  wpa_passphrase: secret(setting('Passphrase of the network.')),
  interface: setting('Interface of the access point.'),
  wpa: setting('WPA versions as bits: `1` WPA, `2` WPA2 and newer.'),
  wpa_pairwise: setting('Ciphers for WPA.'),
  country_code: setting('Country whose radio regulations apply.'),
  ignore_broadcast_ssid: string('`0` if the network name is broadcast, `1` or `2` if it is hidden.'),
};
type Key = keyof typeof hostapdSettings;
const KEYS = Object.keys(hostapdSettings) as Key[];

/** An access point in hostapd's configuration. */
export type Configured = Record<Key, string> & { file: string; bridge: string };

/** Settings of the radio. They apply to all networks of a file, wherever they are in it. */
const OF_RADIO: ReadonlySet<string> = new Set(['driver', 'channel', 'hw_mode', 'country_code', 'ieee80211n', 'beacon_int']);
/** Settings that further networks inherit from the file's first one. */
const OF_FIRST: ReadonlySet<string> = new Set(['ctrl_interface', 'ctrl_interface_group']);

export const configuredAccessPoint = {
  ...hostapdSettings,
  file: string('Path of the configuration file.'),
  bridge: string('Bridge that the access point joins. Empty if it joins none.'),
};

/** Access points in hostapd's configuration, on the air or not. */
export const hostapdconf = collector({
  name: 'hostapdconf',
  summary: 'Access points in the configuration of hostapd',
  trigger: 'file-change',
  schedule: '* * * * * *',
  lane: 'quick',
  required: false,
  advice: 'hostapd.conf contains the passphrase, so only root may be able to read it: chgrp it to the group of the service, chmod 640',
  view: object({
    accessPoints: array(
      object(configuredAccessPoint),
      'Configured access points: those of hostapd.conf first, then by file name, in the order of each file.',
    ),
  }),
  absent: { accessPoints: [] },
  read(machine) {
    const all = machine.list(FOLDER).filter((name) => name.endsWith('.conf') && !name.startsWith('.'));
    const names = all.filter((name) => !isLinkTo(all, machine.readLink(`${FOLDER}/${name}`)));
    const accessPoints = names.sort(hostapdConfFirst).flatMap((name) => readAccessPoints(machine, name));
    if (accessPoints.length === 0) throw new Absent(`no access point in ${FOLDER}`);
    return { value: { accessPoints } };
  },
});

/** Tells whether a link's target is one of the files. Debian's unit and RaspAP use different names for the same file. */
function isLinkTo(names: readonly string[], target: string | undefined): boolean {
  return target !== undefined && names.some((name) => target === name || target === `${FOLDER}/${name}`);
}

/** Sorts hostapd.conf first, then by interface, which both hostapd-NAME.conf and NAME.conf contain. */
function hostapdConfFirst(a: string, b: string): number {
  const [first, second] = [a, b].map((name) => (name === 'hostapd.conf' ? '' : name.replace(/^hostapd-/, ''))) as [string, string];
  return first < second ? -1 : Number(first > second);
}

/**
 * Reads one file. hostapd.conf and RaspAP's hostapd-NAME.conf always configure access points. NAME.conf, which Debian's
 * hostapd@.service reads, does so only if its interface has that name: the folder may contain other files.
 *
 * One broken file fails the collector, which keeps the last good value of all files and marks it stale with the reason. Leaving
 * the file out would suggest that its access point is gone.
 */
function readAccessPoints(machine: Machine, name: string): Configured[] {
  const path = `${FOLDER}/${name}`;
  const certain = name === 'hostapd.conf' || name.startsWith('hostapd-');
  try {
    const text = machine.readTextIfThere(path, MAX_BYTES);
    if (text === undefined) return [];
    const accessPoints = parseHostapdConf(text, path);
    return certain || accessPoints[0]?.interface === name.slice(0, -'.conf'.length) ? accessPoints : [];
  } catch (error) {
    const other = error instanceof SourceError && (error.code === 'malformed' || error.code === 'not-a-file');
    if (other && !certain) return [];
    throw error;
  }
}

/**
 * Parses hostapd's configuration: `key=value`, no blanks around the first `=`, `#` only at the start of a line. The last of a
 * repeated key wins. `bss=` starts a further network of the same radio.
 *
 *     driver=nl80211
 *     ctrl_interface=/var/run/hostapd
 *     ctrl_interface_group=0
 *     wpa_key_mgmt=WPA-PSK
 *     ssid=raspi-webgui
 *     wpa_passphrase=ChangeMe
 *     interface=wlan0
 *     ## Rapberry Pi 3 specific to on board WLAN/WiFi
 *     #ieee80211n=1 # 802.11n support (Raspberry Pi 3)
 *
 * @param file its path
 * @returns one access point for the file, and one for each `bss=`
 * @throws {SourceError} if the text isn't a configuration; nothing is quoted, as any text may be the passphrase
 */
export function parseHostapdConf(text: string, file: string): Configured[] {
  if (text === '') throw new SourceError('malformed', `${file}: is empty, expected key=value lines`);
  rejectBinary(text, file);
  const first = new Map<string, string>();
  const sections = [first];
  let settings = 0;
  for (const [index, whole] of text.split('\n').entries()) {
    const line = whole.endsWith('\r') ? whole.slice(0, -1) : whole; // edited on Windows
    const equals = line.indexOf('=');
    if (equals < 0 || line.startsWith('#')) continue;
    settings++;
    // To hostapd it is a part of the value, as is what follows: in a file of an old Macintosh that is all of it, the passphrase too.
    if (line.includes('\r')) throw new SourceError('malformed', `${file}: line ${index + 1}: contains a carriage return`);
    const [key, value] = [line.slice(0, equals), line.slice(equals + 1)];
    if (key === 'bss') {
      if (sections.length === MAX_SECTIONS) {
        throw new SourceError('malformed', `${file}: line ${index + 1}: more than ${MAX_SECTIONS} networks`);
      }
      sections.push(new Map([['interface', value]]));
    } else (OF_RADIO.has(key) ? first : (sections.at(-1) ?? first)).set(key, value);
  }
  if (settings === 0) throw new SourceError('malformed', `${file}: has no line key=value`);
  return sections.map((own) => {
    const value = (key: string) => own.get(key) ?? (OF_RADIO.has(key) || OF_FIRST.has(key) ? first.get(key) : undefined) ?? '';
    const all = Object.fromEntries(KEYS.map((key) => [key, value(key)])) as Record<Key, string>;
    return { ...all, ignore_broadcast_ssid: all.ignore_broadcast_ssid || '0', file, bridge: value('bridge') };
  });
}
