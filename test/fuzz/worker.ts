/** The thread that fuzzes targets, one after another. */
import { parentPort, workerData } from 'node:worker_threads';
import fc from 'fast-check';
import { targets } from './targets.js';

export interface Job {
  readonly name: string;
  readonly cases: number;
  readonly seed: number;
  /** Path of a case that failed before. Undefined runs all cases. */
  readonly path: string | undefined;
}

export interface Done {
  readonly cases: number;
  /** What failed, with the input; undefined: nothing. */
  readonly problem: string | undefined;
  readonly path: string | undefined;
}

/** How many cases were begun. */
const progress = workerData as Int32Array;

parentPort?.on('message', async ({ name, cases, seed, path }: Job) => {
  const property = (await targets.get(name)?.())?.property();
  if (!property) throw new Error(`no target ${name}`);
  const run = property.run.bind(property);
  property.run = (input) => {
    Atomics.add(progress, 0, 1);
    return run(input);
  };
  const result = await fc.check(property, { numRuns: cases, seed, includeErrorInReport: true, ...(path !== undefined && { path }) });
  const problem = result.failed ? fc.defaultReportMessage(result) : undefined;
  parentPort?.postMessage({ cases: result.numRuns, problem, path: result.counterexamplePath ?? undefined } satisfies Done);
});
