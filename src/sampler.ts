/**
 * The pool of sampling threads. It never rejects: a thread that hangs is thrown away and becomes a failure like any other.
 *
 * Tasks wait here and not in the pool's own queue, for two reasons: a task's time starts when it does, so that none is
 * blamed for waiting behind another; and those that start programs never take the last thread.
 */
import { Piscina } from 'piscina';
import type { Failure, Outcome, Task, ThreadData } from './task.js';

/** More than any collector needs: each program has a limit of its own, and reads do not block. */
const TASK_TIMEOUT_MS = 5_000;
/** A thread that is stuck in the kernel keeps about 9 MB until that lets go of it. */
const MOST_LOST_THREADS = 4;

export interface Sampler {
  /**
   * Runs a task in a thread.
   *
   * @param slow it may start programs
   */
  run<T extends Task>(task: T, slow: boolean): Promise<Outcome<T>>;
  /** Threads thrown away that have not ended yet. */
  lostThreads(): number;
  /** Whether so many threads are lost that nothing that lost one may be tried again. */
  exhausted(): boolean;
  close(): Promise<void>;
}

interface Waiting {
  readonly slow: boolean;
  start(): Promise<void>;
}

/**
 * @param threads how many samples may be taken at once
 * @param data what each thread needs to know; it sees no variable of the environment, so no key
 */
export function createSampler(threads: number, data: ThreadData): Sampler {
  const pool = new Piscina({
    filename: new URL('../workers/collect.js', import.meta.url).href,
    minThreads: threads,
    maxThreads: threads,
    maxQueue: threads,
    env: {},
    execArgv: [],
    workerData: data,
    recordTiming: false,
    resourceLimits: { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 4, stackSizeMb: 1 },
  });
  // A thread that dies while idle is replaced by the pool; the next task shows whether that helped.
  pool.on('error', () => {});

  const alive = new Set<Piscina['threads'][number]>();
  const track = () => {
    for (const thread of pool.threads) {
      if (alive.has(thread)) continue;
      alive.add(thread);
      thread.once('exit', () => alive.delete(thread));
    }
  };
  pool.on('workerCreate', track);
  track();

  const waiting: Waiting[] = [];
  let running = 0;
  let slow = 0;

  function next(): void {
    while (running < threads) {
      const index = waiting.findIndex((task) => !task.slow || slow < Math.max(1, threads - 1));
      const [task] = index < 0 ? [] : waiting.splice(index, 1);
      if (!task) return;
      running++;
      if (task.slow) slow++;
      void task.start().then(() => {
        running--;
        if (task.slow) slow--;
        next();
      });
    }
  }

  async function attempt<T extends Task>(task: T): Promise<Outcome<T>> {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), TASK_TIMEOUT_MS);
    try {
      return await pool.run(task, { signal: abort.signal });
    } catch (error) {
      return threadFailure(error, abort.signal.aborted);
    } finally {
      clearTimeout(timer);
    }
  }

  const lostThreads = () => {
    const current = new Set(pool.threads);
    return [...alive].filter((thread) => !current.has(thread)).length;
  };

  return {
    run(task, isSlow) {
      return new Promise((resolve) => {
        waiting.push({ slow: isSlow, start: () => attempt(task).then(resolve) });
        next();
      });
    },
    lostThreads,
    exhausted: () => lostThreads() >= MOST_LOST_THREADS,
    close: () => pool.destroy(),
  };
}

function threadFailure(error: unknown, timedOut: boolean): Failure {
  if (timedOut) return { ok: false, code: 'thread-lost', message: `no answer within ${TASK_TIMEOUT_MS} ms: the thread was given up` };
  return {
    ok: false,
    code: 'thread-lost',
    message: `the sampling thread ended: ${error instanceof Error ? error.message : String(error)}`,
  };
}
