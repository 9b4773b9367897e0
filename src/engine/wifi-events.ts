/** Watches `iw event`, which reports stations immediately, so that clients don't wait for the schedule. */
import type { Machine } from '../machine/machine.js';
import { keepFollowing } from './follow.js';

/** Subject of an event: a station, or an interface such as an access point that starts or stops. */
export type StationEvent = 'station' | 'interface';

/**
 * Parses a line of `iw event`:
 *
 *     wlan0: new station 02:00:00:00:01:00
 *     wlan0: del station 02:00:00:00:01:00
 *     wlan0 (phy #0): set interface type access point use 4addr 0
 *     wlan0 (phy #0): mgmt TX status (cookie 3e): acked
 *
 * @returns undefined for a line that changes nothing for clients
 */
export function parseStationEvent(line: string): StationEvent | undefined {
  if (/: (?:new|del) station /.test(line)) return 'station';
  if (/: (?:new|del|set) interface\b|: (?:started|stopped) ap\b/i.test(line)) return 'interface';
  return undefined;
}

/**
 * Watches `iw event`.
 *
 * @returns `stop`, which ends the program
 */
export function followStationEvents(machine: Machine, onEvent: (event: StationEvent) => void): { stop(): void } {
  return keepFollowing(machine, 'iw', ['event'], {
    onLine(line) {
      const event = parseStationEvent(line);
      if (event) onEvent(event);
    },
  });
}
