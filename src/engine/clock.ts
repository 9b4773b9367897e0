/** The clocks of the service: the wall clock, which can be set, and the monotonic clock, which stands still while the machine sleeps. */

/** Returns the monotonic clock in milliseconds. All threads of the machine read the same value. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}

/** Smaller differences between the two clocks are drift, and are ignored until they add up. */
const MAX_DRIFT_MS = 500;

/** Reports that the wall clock was set, or that the machine slept. */
export interface Clock {
  /** Returns the wall clock in Unix milliseconds. Calls the listeners first if it has jumped since the last call. */
  nowMs(): number;
  /** @param listener takes how far the wall clock has moved against the monotonic clock */
  onJump(listener: (movedMs: number) => void): void;
}

export function createClock(): Clock {
  const listeners: ((movedMs: number) => void)[] = [];
  let offsetMs = Date.now() - monotonicMs();
  return {
    nowMs() {
      const movedMs = Math.round(Date.now() - monotonicMs() - offsetMs);
      if (Math.abs(movedMs) >= MAX_DRIFT_MS) {
        offsetMs += movedMs;
        for (const listener of listeners) listener(movedMs);
      }
      return Date.now();
    },
    onJump: (listener) => void listeners.push(listener),
  };
}
