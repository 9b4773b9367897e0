/**
 * Wrong keys, counted by address, so that nobody tries many.
 *
 * After so many in a minute the address is refused for a minute, whatever key it sends: let a right one through, and 429 would mean
 * "wrong", so that guessing could go on. Time is that of the clock that never jumps.
 */
import { networkOf } from './client-address.js';

/** In which so many wrong keys may be sent, and for which they are refused afterwards. */
const WINDOW_MS = 60_000;
/** So many addresses are remembered, about 220 bytes each; the one that has been quiet for longest makes room. */
export const MOST_ADDRESSES = 4_096;

interface Failures {
  amount: number;
  /** When the first of them was. */
  sinceMs: number;
  /** Until when it is refused; 0: it is not. */
  refusedUntilMs: number;
}

export interface FailedKeys {
  /** How many addresses are remembered. */
  readonly size: number;
  /**
   * Whether any address is refused just now: as long as none is, a right key costs nothing here.
   */
  isQuiet(): boolean;
  /** @returns for how many more seconds an address is refused, 1 or more; 0: it is not */
  refusedSeconds(address: string): number;
  /** Counts wrong keys of an address. */
  failed(address: string, keys: number): void;
}

/**
 * @param most wrong keys that an address may send in a minute; infinite: any number
 * @param nowMs the time; for tests
 */
export function createFailedKeys(most: number, nowMs: () => number = () => performance.now()): FailedKeys {
  // In the order in which they were last heard of: a Map keeps that in which they were put in.
  const addresses = new Map<string, Failures>();
  let quietFromMs = 0;

  return {
    get size() {
      return addresses.size;
    },
    isQuiet() {
      return quietFromMs === 0 || nowMs() >= quietFromMs;
    },
    refusedSeconds(address) {
      const leftMs = (addresses.get(networkOf(address))?.refusedUntilMs ?? 0) - nowMs();
      return leftMs > 0 ? Math.ceil(leftMs / 1000) : 0;
    },
    failed(address, keys) {
      if (most === Number.POSITIVE_INFINITY) return;
      const name = networkOf(address);
      const now = nowMs();
      let failures = addresses.get(name);
      addresses.delete(name);
      if (!failures || now - failures.sinceMs >= WINDOW_MS || (failures.refusedUntilMs > 0 && now >= failures.refusedUntilMs)) {
        failures = { amount: 0, sinceMs: now, refusedUntilMs: 0 };
      }
      failures.amount += keys;
      if (failures.amount >= most && failures.refusedUntilMs === 0) {
        failures.refusedUntilMs = now + WINDOW_MS;
        quietFromMs = failures.refusedUntilMs;
      }
      if (addresses.size >= MOST_ADDRESSES) addresses.delete(addresses.keys().next().value as string);
      addresses.set(name, failures);
    },
  };
}
