/**
 * The pool of sampling threads. It never rejects: a thread that hangs is thrown away and becomes a failure like any other.
 *
 * Tasks wait here and not in the pool's own queue, for two reasons: a task's time starts when it does, so that none is
 * blamed for waiting behind another; and those that start programs never take the last thread.
 */
import { Piscina } from 'piscina';
import type { Composed, ComposeTask, Failure, SampleRequest, SampleTask, Taken, ThreadData } from './task.js';

/** More than any collector needs: each program has a limit of its own, and reads do not block. */
const TASK_TIMEOUT_MS = 5_000;
/** A thread that is stuck in the kernel keeps about 9 MB until that lets go of it. */
const MOST_LOST_THREADS = 4;

export interface Sampler {
  /**
   * Takes samples in one thread, in order. If the thread is lost, the collector that it was busy with fails, and the
   * others are sampled by another thread.
   *
   * @param startsPrograms they may take long
   * @returns how each ended, in order
   */
  sample(requests: readonly SampleRequest[], startsPrograms: boolean): Promise<Taken[]>;
  compose(task: ComposeTask): Promise<Composed | Failure>;
  /** Whether so many threads are lost that nothing that lost one may be tried again. */
  exhausted(): boolean;
  close(): Promise<void>;
}

/** What of the configuration the threads need to know. */
export function threadData({ rootfs, path, exposeSecrets }: ThreadData): ThreadData {
  return { rootfs, path, exposeSecrets };
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

  /** Runs a task when a thread is free for it, and ends the thread if it takes too long. */
  function run<T>(name: string, task: unknown, isSlow: boolean): Promise<T | Failure> {
    return new Promise((resolve) => {
      waiting.push({ slow: isSlow, start: () => attempt<T>(name, task).then(resolve) });
      next();
    });
  }

  async function attempt<T>(name: string, task: unknown): Promise<T | Failure> {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), TASK_TIMEOUT_MS);
    try {
      return await pool.run(task, { name, signal: abort.signal });
    } catch (error) {
      return threadFailure(error, abort.signal.aborted);
    } finally {
      clearTimeout(timer);
    }
  }

  async function sample(requests: readonly SampleRequest[], startsPrograms: boolean): Promise<Taken[]> {
    const progress = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    const startedMs = performance.now();
    const taken = await run<Taken[]>('sample', { requests, progress } satisfies SampleTask, startsPrograms);
    if (Array.isArray(taken)) return taken;
    const culprit = Atomics.load(progress, 0);
    const failed = { outcome: taken, tookMs: performance.now() - startedMs };
    const others = requests.filter((_request, index) => index !== culprit);
    const rest = others.length === 0 ? [] : await sample(others, startsPrograms);
    return rest.toSpliced(culprit, 0, failed);
  }

  const lostThreads = () => {
    const current = new Set(pool.threads);
    return [...alive].filter((thread) => !current.has(thread)).length;
  };

  return {
    sample,
    compose: (task) => run<Composed>('compose', task, false),
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
