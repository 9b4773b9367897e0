/** Measures CPU time of work, on a machine that does other things too. */

export interface Slowest {
  readonly shape: string;
  readonly ms: number;
}

/** Runs of work that may be too slow. The median counts. */
const RUNS = 7;

/**
 * Finds the slowest work.
 *
 * @param limitMs work that takes less than half of it runs only once
 * @returns undefined if there is no work
 */
export function slowest(works: Iterable<readonly [shape: string, work: () => void]>, limitMs: number): Slowest | undefined {
  let found: Slowest | undefined;
  for (const [shape, work] of works) {
    let ms = timed(work);
    if (ms > limitMs / 2) ms = median(Array.from({ length: RUNS }, () => timed(work)));
    if (!found || ms > found.ms) found = { shape, ms };
  }
  return found;
}

/** Returns the smaller of wall clock and CPU time: other processes add to the one, other threads to the other. */
function timed(work: () => void): number {
  const startedMs = performance.now();
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return Math.min(performance.now() - startedMs, (user + system) / 1000);
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1] ?? 0;
}
