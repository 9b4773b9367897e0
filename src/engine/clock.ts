/** Detects that the wall clock was set, or that the machine slept: the monotonic clock stands still meanwhile. */

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
