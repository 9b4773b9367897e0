/**
 * Counts wrong keys by address, so that nobody can try many.
 *
 *     counting ─ the limit is reached within a minute ─▶ limited ─ a minute later ─▶ forgotten
 *
 * While an address is limited, all of its keys are rejected: if a valid one still worked, 429 would mean "wrong", and guessing could go
 * on. All times are monotonic.
 */
import { networkOf } from './client-address.js';

/** The time in which wrong keys are counted, and for which an address is limited afterwards. */
const WINDOW_MS = 60_000;
/** Maximum addresses that are remembered, about 220 bytes each. The one without a wrong key for longest makes room. */
export const MAX_ADDRESSES = 4_096;

interface Failures {
  wrongKeys: number;
  /** When the first of them came. */
  readonly sinceMs: number;
  /** When the limit ends. 0: the address isn't limited. */
  limitedUntilMs: number;
}

export interface FailedKeys {
  /** Number of addresses that are remembered. */
  readonly size: number;
  /** Tells whether any address may be limited now. If none is, a valid key costs nothing here. */
  isAnyLimited(): boolean;
  /** Returns for how many more seconds an address is limited, 0 if it isn't. */
  limitedSeconds(address: string): number;
  /** Counts wrong keys of an address. */
  count(address: string, wrongKeys: number): void;
}

/**
 * @param maxPerMinute wrong keys after which an address is limited. Infinite: never
 * @param nowMs the monotonic clock
 */
export function createFailedKeys(maxPerMinute: number, nowMs: () => number = () => performance.now()): FailedKeys {
  // A Map keeps insertion order: each count moves its address to the end, so the first is the one to evict.
  const addresses = new Map<string, Failures>();
  let lastLimitEndsMs = 0;

  function current(network: string, now: number): Failures {
    const known = addresses.get(network);
    const isOver = !known || now - known.sinceMs >= WINDOW_MS || (known.limitedUntilMs > 0 && now >= known.limitedUntilMs);
    return isOver ? { wrongKeys: 0, sinceMs: now, limitedUntilMs: 0 } : known;
  }

  return {
    get size() {
      return addresses.size;
    },
    // The clock costs 0.1 µs.
    isAnyLimited: () => lastLimitEndsMs > 0 && nowMs() < lastLimitEndsMs,
    limitedSeconds(address) {
      const leftMs = (addresses.get(networkOf(address))?.limitedUntilMs ?? 0) - nowMs();
      return leftMs > 0 ? Math.ceil(leftMs / 1000) : 0;
    },
    count(address, wrongKeys) {
      if (maxPerMinute === Number.POSITIVE_INFINITY) return;
      const network = networkOf(address);
      const now = nowMs();
      const failures = current(network, now);
      failures.wrongKeys += wrongKeys;
      if (failures.wrongKeys >= maxPerMinute && failures.limitedUntilMs === 0) {
        failures.limitedUntilMs = now + WINDOW_MS;
        lastLimitEndsMs = failures.limitedUntilMs;
      }
      addresses.delete(network);
      if (addresses.size >= MAX_ADDRESSES) addresses.delete(addresses.keys().next().value as string);
      addresses.set(network, failures);
    },
  };
}
