/** Watches `iw event`, which reports stations immediately, so that clients don't wait for the schedule. */

import type { Machine } from '../machine/machine.js';
import type { Following } from '../machine/programs.js';

/** Subject of an event: a station, or an interface such as an access point that starts or stops. */
export type StationEvent = 'station' | 'interface';

const FIRST_BACKOFF_MS = 1_000;
const MAX_BACKOFF_MS = 60_000;
/** After running this long, `iw event` counts as healthy, and the delay before a restart is short again. */
const SOUND_MS = 60_000;

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
 * Watches `iw event`. If it ends or can't start, restarts it with growing delays.
 *
 * @returns `stop`, which ends the program
 */
export function followStationEvents(machine: Machine, onEvent: (event: StationEvent) => void): { stop(): void } {
  let following: Following;
  let timer: NodeJS.Timeout | undefined;
  let backoffMs = FIRST_BACKOFF_MS;

  function start(): void {
    const startedMs = performance.now();
    following = machine.follow(
      'iw',
      ['event'],
      (line) => {
        const event = parseStationEvent(line);
        if (event) onEvent(event);
      },
      () => {
        if (performance.now() - startedMs > SOUND_MS) backoffMs = FIRST_BACKOFF_MS;
        timer = setTimeout(start, backoffMs);
        timer.unref();
        backoffMs = Math.min(backoffMs * 2, MAX_BACKOFF_MS);
      },
    );
  }

  start();
  return {
    stop() {
      clearTimeout(timer);
      following.stop();
    },
  };
}
