/** `iw`: runs it, and parses what it prints about access points. */
import { absentUnlessInstalled, quote, SourceError } from '../../errors.js';
import type { Machine } from '../../machine/machine.js';

export interface AccessPoint {
  interface: string;
  ssid: string | null;
  frequencyMhz: number | null;
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

/** Parses the number at the start of a field. Returns null if it has none. */
function numberOf(text: string | undefined): number | null {
  const match = /^-?\d{1,15}(?:\.\d+)?(?![\d.])/.exec(text ?? '');
  return match ? Number(match[0]) : null;
}
