/**
 * `npm run fuzz`: runs every target with 100,000 cases, spread over the processors, then measures how long each takes for a megabyte.
 *
 *     npm run fuzz -- --cases 1000000 --only 'parser parse.*'    more cases for targets whose name matches
 *     npm run fuzz -- --only 'collector leases' --seed 42 --path 1034:2:0    a failed case again
 *     npm run fuzz -- --no-time    without the measurements
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { targets } from './targets.js';
import { slowest } from './time.js';
import type { Done, Job } from './worker.js';

const { values: given } = parseArgs({
  options: {
    cases: { type: 'string', default: '100000' },
    only: { type: 'string', default: '' },
    seed: { type: 'string' },
    path: { type: 'string' },
    'no-time': { type: 'boolean', default: false },
  },
});

/** Maximum CPU time of a parser for a megabyte. Slower ones fail. */
const MAX_MS = 50;
/** Maximum time for one case. A longer one counts as hanging. */
const MAX_SILENT_MS = 60_000;

const cases = Number(given.cases);
const seed = given.seed === undefined ? Date.now() % 2 ** 31 : Number(given.seed);
const only = new RegExp(given.only);
const names = [...targets.keys()].filter((name) => only.test(name));
const print = (line: string) => process.stdout.write(`${line}\n`);

if (names.length === 0 || !Number.isSafeInteger(cases) || !Number.isSafeInteger(seed)) {
  print(`expected --cases N, --seed N, --path PATH, --only EXPRESSION that matches some of:\n  ${[...targets.keys()].join('\n  ')}`);
  process.exit(2);
}

print(`${names.length} targets, ${cases} cases each, --seed ${seed}`);
const waiting = [...names];
const failed: string[] = [];
await Promise.all(Array.from({ length: Math.min(availableParallelism(), names.length) }, work));

interface Thread {
  run(job: Job): Promise<Done>;
  end(): void;
}

/** Runs targets until none is left, in its own thread, so that a hanging one can be ended. */
async function work(): Promise<void> {
  let thread: Thread | undefined;
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
    const startedMs = performance.now();
    thread ??= startThread();
    const done = await thread.run({ name, cases, seed, path: given.path });
    const took = `${((performance.now() - startedMs) / 1000).toFixed(1)} s`;
    if (done.problem === undefined) {
      print(`ok    ${name}: ${done.cases} cases, ${took}`);
      continue;
    }
    failed.push(name);
    const path = done.path ? ` --path ${done.path}` : '';
    print(`FAIL  ${name}, ${took}\n${done.problem}\n      again: npm run fuzz -- --only '^${name}$' --seed ${seed}${path} --no-time`);
    thread.end();
    thread = undefined;
  }
  thread?.end();
}

function startThread(): Thread {
  const progress = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: progress });
  return {
    end: () => void worker.terminate(),
    run: (job) =>
      new Promise((resolve) => {
        let seen = -1;
        const watch = setInterval(() => {
          const now = Atomics.load(progress, 0);
          if (now === seen) finish(`case ${now} of this thread does not end within ${MAX_SILENT_MS / 1000} s`);
          seen = now;
        }, MAX_SILENT_MS);
        const onError = (error: Error) => finish(error.stack ?? error.message);
        const onExit = (status: number) => finish(`the thread ended with ${status}`);
        function done(outcome: Done): void {
          clearInterval(watch);
          worker.off('message', done).off('error', onError).off('exit', onExit);
          resolve(outcome);
        }
        const finish = (problem: string) => done({ cases: 0, problem, path: undefined });
        worker.on('message', done).on('error', onError).on('exit', onExit);
        worker.postMessage(job);
      }),
  };
}

if (!given['no-time'] && given.path === undefined) {
  print(`\nCPU time for 1 MB, at most ${MAX_MS} ms: the slowest of all shapes, each the median of several runs`);
  for (const name of names) {
    const found = await slowest((await targets.get(name)?.())?.large() ?? [], MAX_MS);
    if (!found) continue;
    const isSlow = found.ms > MAX_MS;
    if (isSlow) failed.push(name);
    print(`${isSlow ? 'SLOW ' : 'ok   '} ${found.ms.toFixed(1).padStart(7)} ms  ${name}: ${found.shape}`);
  }
}

print(failed.length === 0 ? '\nall passed' : `\n${failed.length} failed: ${[...new Set(failed)].join(', ')}`);
process.exitCode = failed.length === 0 ? 0 : 1;
