/** Measures CPU time of work, on a machine that does other things too. */

export interface Slowest {
  readonly shape: string;
  readonly ms: number;
}

type Work = () => void | Promise<void>;

/** Runs of work that may be too slow. The median counts. */
const RUNS = 7;

/**
 * Finds the slowest work.
 *
 * @param limitMs work that takes less than half of it runs only once
 * @returns undefined if there is no work
 */
export async function slowest(works: Iterable<readonly [shape: string, work: Work]>, limitMs: number): Promise<Slowest | undefined> {
  let found: Slowest | undefined;
  for (const [shape, work] of works) {
    let ms = await timed(work);
    if (ms > limitMs / 2) {
      const runs: number[] = [];
      while (runs.length < RUNS) runs.push(await timed(work));
      ms = median(runs);
    }
    if (!found || ms > found.ms) found = { shape, ms };
  }
  return found;
}

/** Returns the smaller of wall clock and CPU time: other processes add to the one, other threads to the other. */
async function timed(work: Work): Promise<number> {
  const startedMs = performance.now();
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return Math.min(performance.now() - startedMs, (user + system) / 1000);
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1] ?? 0;
}
