/**
 * The pool of sampling threads. It never rejects: a thread that hangs is thrown away and becomes a failure like any other.
 *
 * Tasks wait here and not in the pool's own queue, for two reasons: a task's time starts when it does, so that none is
 * blamed for waiting behind another; and which of them run beside each other depends on what they are like.
 */
import { Piscina } from 'piscina';
import type { Composed, ComposeRequest, Failure, HistoryTask, QueryTask, SampleRequest, Taken, Task, ThreadData } from './task.js';

/** How long a task may take: more than any needs. Each program has a limit of its own, and reads do not block. */
const TIMEOUT_MS: Readonly<Record<Lane, number>> = { quick: 5_000, program: 5_000, heavy: 60_000, query: 5_000 };
/** A thread that is stuck in the kernel keeps about 9 MB until that lets go of it. */
const MOST_LOST_THREADS = 4;
/** Queries that wait for a thread; who asks for more is told to come back later. */
const MOST_QUERIES_WAITING = 64;

/** What a task is like: `program` may hang for a second, `heavy` may take seconds of a processor, `query` can wait. */
export type Lane = 'quick' | 'program' | 'heavy' | 'query';

export interface Sampler {
  /**
   * Takes samples in one thread, in order. If the thread is lost, the collector that it was busy with fails, and the
   * others are sampled by another thread.
   *
   * @returns how each ended, in order
   */
  sample(requests: readonly SampleRequest[], lane: Lane): Promise<Taken[]>;
  /** Composes documents in one thread, in order; see {@link Sampler.sample}. */
  compose(requests: readonly ComposeRequest[], lane: Lane): Promise<(Composed | Failure)[]>;
  /** @returns undefined if too many wait already */
  answer(task: QueryTask): Promise<Composed | Failure> | undefined;
  /** Rows of the history; see {@link Sampler.answer}. */
  history(task: HistoryTask): Promise<Uint8Array | Failure> | undefined;
  /** Whether so many threads are lost that nothing that lost one may be tried again. */
  exhausted(): boolean;
  close(): Promise<void>;
}

/** What of the configuration the threads need to know. */
export function threadData({ rootfs, path, exposeSecrets, mostStationMetrics }: ThreadData): ThreadData {
  return { rootfs, path, exposeSecrets, mostStationMetrics };
}

interface Waiting {
  readonly lane: Lane;
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
  const running: Record<Lane, number> = { quick: 0, program: 0, heavy: 0, query: 0 };
  /** Programs never take the last thread, and what takes a processor is done one at a time. */
  const most: Readonly<Record<Lane, number>> = { quick: threads, program: Math.max(1, threads - 1), heavy: 1, query: 1 };

  function next(): void {
    while (Object.values(running).reduce((sum, tasks) => sum + tasks) < threads) {
      const startable = waiting.filter(({ lane }) => running[lane] < most[lane]);
      const task = startable.find(({ lane }) => lane !== 'query') ?? startable[0];
      if (!task) return;
      waiting.splice(waiting.indexOf(task), 1);
      running[task.lane]++;
      void task.start().then(() => {
        running[task.lane]--;
        next();
      });
    }
  }

  /** Runs a query, unless too many wait. */
  function ask<T>(name: string, task: unknown): Promise<T | Failure> | undefined {
    if (waiting.filter(({ lane }) => lane === 'query').length >= MOST_QUERIES_WAITING) return undefined;
    return run<T>(name, task, 'query');
  }

  /** Runs a task when a thread is free for it, and ends the thread if it takes too long. */
  function run<T>(name: string, task: unknown, lane: Lane): Promise<T | Failure> {
    return new Promise((resolve) => {
      waiting.push({ lane, start: () => attempt<T>(name, task, TIMEOUT_MS[lane]).then(resolve) });
      next();
    });
  }

  async function attempt<T>(name: string, task: unknown, timeoutMs: number): Promise<T | Failure> {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), timeoutMs);
    try {
      return await pool.run(task, { name, signal: abort.signal });
    } catch (error) {
      return threadFailure(error, abort.signal.aborted ? timeoutMs : undefined);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Runs requests as one task; the one that costs the thread fails, and the others are tried again. */
  async function runAll<Request, Result>(
    name: string,
    requests: readonly Request[],
    lane: Lane,
    failed: (failure: Failure, tookMs: number) => Result,
  ): Promise<Result[]> {
    const progress = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    const startedMs = performance.now();
    const results = await run<Result[]>(name, { requests, progress } satisfies Task<Request>, lane);
    if (Array.isArray(results)) return results;
    const culprit = Atomics.load(progress, 0);
    const result = failed(results, performance.now() - startedMs);
    const others = requests.filter((_request, index) => index !== culprit);
    const rest = others.length === 0 ? [] : await runAll(name, others, lane, failed);
    return rest.toSpliced(culprit, 0, result);
  }

  const lostThreads = () => {
    const current = new Set(pool.threads);
    return [...alive].filter((thread) => !current.has(thread)).length;
  };

  return {
    sample: (requests, lane) => runAll<SampleRequest, Taken>('sample', requests, lane, (outcome, tookMs) => ({ outcome, tookMs })),
    compose: (requests, lane) => runAll<ComposeRequest, Composed | Failure>('compose', requests, lane, (failure) => failure),
    answer: (task) => ask<Composed>('answer', task),
    history: (task) => ask<Uint8Array>('history', task),
    exhausted: () => lostThreads() >= MOST_LOST_THREADS,
    close: () => pool.destroy(),
  };
}

/** @param timeoutMs how long it was waited for, if that was too long */
function threadFailure(error: unknown, timeoutMs: number | undefined): Failure {
  if (timeoutMs !== undefined)
    return { ok: false, code: 'thread-lost', message: `no answer within ${timeoutMs} ms: the thread was given up` };
  return {
    ok: false,
    code: 'thread-lost',
    message: `the sampling thread ended: ${error instanceof Error ? error.message : String(error)}`,
  };
}
