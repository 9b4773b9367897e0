/** How much of a processor's time work takes, on a machine that does other things too. */

export interface Slowest {
  readonly shape: string;
  readonly ms: number;
}

/** Runs of what may be too slow, of which the median counts. */
const RUNS = 7;

/**
 * @param limitMs what comes nowhere near it is run once
 * @returns the work that takes most; undefined if there is none
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

/** The thread's own time is at most either: the clock counts what other processes take, the process what its other threads do. */
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
