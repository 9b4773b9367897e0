import { Absent, SourceError } from '../../errors.js';
import type { Machine } from '../../machine/machine.js';
import { collector } from '../../model/collector.js';
import { array, object, secret, string } from '../../model/schema.js';

const FOLDER = '/etc/hostapd';
export const HOSTAPD_CONF = `${FOLDER}/hostapd.conf`;

/** hostapd's own example, which is mostly comments, has half of it. */
const MAX_BYTES = 256 << 10;
/** A radio has a few networks; more sections are no configuration. */
const MAX_SECTIONS = 64;

const setting = (description: string) => string(`${description}; empty where the file does not say`);

/** The fields that RaspAP's RestAPI has, strings as they stand in hostapd's file, hostapd.conf(5). */
export const hostapdSettings = {
  driver: setting('Interface to the driver'),
  ctrl_interface: setting('Folder of the control socket'),
  ctrl_interface_group: setting('Group that may use the control socket'),
  auth_algs: setting('Authentication algorithms, as bits: 1 open, 2 shared key'),
  wpa_key_mgmt: setting('Key management'),
  beacon_int: setting('Interval of beacons, in units of 1,024 microseconds'),
  ssid: setting('Name of the network'),
  channel: setting('Channel; 0 or acs_survey: hostapd chooses'),
  hw_mode: setting('Mode of the radio: a, b, g'),
  ieee80211n: setting('1: 802.11n'),
  wpa_passphrase: secret(setting('Passphrase')),
  interface: setting('The interface'),
  wpa: setting('As bits: 1 WPA, 2 WPA2 and newer'),
  wpa_pairwise: setting('Ciphers of WPA'),
  country_code: setting('Country whose rules hold for the radio'),
  ignore_broadcast_ssid: string('0: the name of the network is broadcast; 1 and 2: it is hidden'),
};
type Key = keyof typeof hostapdSettings;
const KEYS = Object.keys(hostapdSettings) as Key[];

/** An access point as hostapd is configured to make it. */
export type Configured = Record<Key, string> & { file: string; bridge: string };

/** Settings of the radio: they hold for all networks of a file, wherever in it they stand. */
const OF_RADIO: ReadonlySet<string> = new Set(['driver', 'channel', 'hw_mode', 'country_code', 'ieee80211n', 'beacon_int']);
/** Of the file's first network, unless a further one says otherwise. */
const OF_FIRST: ReadonlySet<string> = new Set(['ctrl_interface', 'ctrl_interface_group']);

export const configuredAccessPoint = {
  ...hostapdSettings,
  file: string('Where it is configured'),
  bridge: string('The bridge that it is to be a port of; empty: none'),
};

/** The access points that hostapd is configured to make, on the air or not. */
export const hostapdconf = collector({
  name: 'hostapdconf',
  summary: 'Access points in the configuration of hostapd',
  trigger: 'file-change',
  schedule: '* * * * * *',
  lane: 'quick',
  required: false,
  advice: 'hostapd.conf holds the passphrase, so it may be readable by root only: chgrp it to the group of the service, chmod 640',
  view: object({
    accessPoints: array(object(configuredAccessPoint), 'That of hostapd.conf first, then by name; networks of one file in its order'),
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

/** Whether a link's target is one of the files: Debian's unit and RaspAP have other names for the same. */
function isLinkTo(names: readonly string[], target: string | undefined): boolean {
  return target !== undefined && names.some((name) => target === name || target === `${FOLDER}/${name}`);
}

/** hostapd.conf, then by the name of the interface, which hostapd-NAME.conf and NAME.conf have both. */
function hostapdConfFirst(a: string, b: string): number {
  const [first, second] = [a, b].map((name) => (name === 'hostapd.conf' ? '' : name.replace(/^hostapd-/, ''))) as [string, string];
  return first < second ? -1 : Number(first > second);
}

/**
 * What one file configures: hostapd.conf and RaspAP's hostapd-NAME.conf always do; NAME.conf of Debian's hostapd@.service is
 * known by its own interface, as others may lie there.
 *
 * One file that is broken fails the collector: the last good value is kept, of the other files too, and is marked stale with
 * the reason. Leaving the file out would say that its access point is gone.
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
 * hostapd's configuration: `key=value`, no blanks around the first `=`, `#` only at the start of a line; of a repeated key the
 * last counts. `bss=` starts a further network of the same radio.
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
 * @returns one for the file, and one for each `bss=`
 * @throws SourceError it is no configuration; no text of it is in the message, as any may be the passphrase
 */
export function parseHostapdConf(text: string, file: string): Configured[] {
  if (text === '') throw new SourceError('malformed', `${file}: is empty, expected key=value lines`);
  if (text.includes('\0')) throw new SourceError('malformed', `${file}: holds NUL bytes, expected key=value lines`);
  const first = new Map<string, string>();
  const sections = [first];
  let settings = 0;
  for (const [index, whole] of text.split('\n').entries()) {
    const line = whole.endsWith('\r') ? whole.slice(0, -1) : whole; // edited on Windows
    const equals = line.indexOf('=');
    if (equals < 0 || line.startsWith('#')) continue;
    settings++;
    // To hostapd it is a part of the value, as is what follows: in a file of an old Macintosh that is all of it, the passphrase too.
    if (line.includes('\r')) throw new SourceError('malformed', `${file}: line ${index + 1}: has a carriage return within`);
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
