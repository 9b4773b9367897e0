/** `iw`: runs it, and parses what it prints about access points and their stations. */
import { absentUnlessInstalled, quote, SourceError } from '../../errors.js';
import type { Machine } from '../../machine/machine.js';
import { parseMac } from '../../parse/mac.js';

export interface AccessPoint {
  interface: string;
  ssid: string | null;
  frequencyMhz: number | null;
}

/** A station as `iw` describes it, from the access point's side: what it received is the client's upload. */
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

/** Maximum access points. Listing stations starts a program for each, and no radio supports a tenth as many. */
const MAX_ACCESS_POINTS = 256;

/** Runs iw. @throws {Absent} if iw isn't installed; it may have been removed since the access points were listed */
export function runIw(machine: Machine, args: readonly string[]): Promise<string> {
  return absentUnlessInstalled(machine.run('iw', args), 'apt-get install iw');
}

/**
 * Parses the interfaces of type AP from `iw dev`.
 *
 *     phy#0
 *     	Interface wlan0
 *     		ifindex 3
 *     		ssid RigNet
 *     		type AP
 *     		channel 6 (2437 MHz), width: 20 MHz, center1: 2437 MHz
 */
export function parseIwDev(text: string): AccessPoint[] {
  if (text !== '' && !text.startsWith('phy#')) {
    throw new SourceError('malformed', `iw dev: expected "phy#" at the start: ${quote(text)}`);
  }
  const accessPoints = text
    .split(/^\t(?:Interface |Unnamed)/m)
    .slice(1)
    .flatMap((block) => (/^\t\ttype AP$/m.test(block) ? [parseAccessPoint(block)] : []));
  if (accessPoints.length > MAX_ACCESS_POINTS) {
    throw new SourceError('too-large', `iw dev: has more than ${MAX_ACCESS_POINTS} access points`);
  }
  return accessPoints;
}

function parseAccessPoint(block: string): AccessPoint {
  return {
    interface: block.slice(0, block.indexOf('\n')),
    ssid: /^\t\tssid (.*)$/m.exec(block)?.[1] ?? null,
    frequencyMhz: numberOf(/^\t\tchannel \d+ \((\d+) MHz\)/m.exec(block)?.[1]),
  };
}

/**
 * Parses `iw dev IFACE station dump`. Drivers leave out what they don't know; the Raspberry Pi's brcmfmac may report a signal of 0,
 * which means the same. A multi-link station repeats its keys in `Link N:` blocks; the first ones are its own.
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
  const head = blocks.shift();
  if (head?.trim()) throw new SourceError('malformed', `iw station dump: expected "Station" at the start: ${quote(text)}`);
  return blocks.map((block) => {
    const mac = parseMac(block.slice(0, 17));
    if (!mac) throw new SourceError('malformed', `iw station dump: expected a MAC address after "Station": ${quote(block)}`);
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

/** Returns the value of the first line with a name. It searches instead of splitting: nine of a station's thirty lines are needed. */
function fieldOf(block: string, name: string): string | undefined {
  const at = block.indexOf(`\n\t${name}:`);
  if (at < 0) return undefined;
  const start = at + name.length + 3;
  const end = block.indexOf('\n', start);
  return block.slice(start, end < 0 ? undefined : end).trim();
}

/** Parses the number at the start of a field. Returns null if it has none. */
function numberOf(text: string | undefined): number | null {
  const match = /^-?\d{1,15}(?:\.\d+)?(?![\d.])/.exec(text ?? '');
  return match ? Number(match[0]) : null;
}
