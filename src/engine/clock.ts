/** Reads the monotonic clock, and detects that the wall clock was set or that the machine slept: the monotonic clock stands still meanwhile. */

/** Returns monotonic milliseconds, with microseconds as fractions. All threads and processes of the machine share this clock. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}

/**
 * Compares the wall clock with the monotonic clock.
 *
 * @param toleranceMs smaller differences are drift, and are ignored until they add up
 * @returns a function that returns how far the wall clock was set since the last call that found a difference; 0 if it wasn't
 */
export function createClockWatch(toleranceMs: number): () => number {
  let offsetMs = Date.now() - performance.now();
  return () => {
    const movedMs = Date.now() - performance.now() - offsetMs;
    if (Math.abs(movedMs) < toleranceMs) return 0;
    offsetMs += movedMs;
    return movedMs;
  };
}
