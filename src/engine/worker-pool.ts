/**
 * The pool of worker threads. It never rejects: a thread that hangs is abandoned, and its task ends as a failure like any other.
 *
 * Tasks wait here and not in piscina's queue, for two reasons. The time of a task starts when it starts, so that none is
 * blamed for waiting behind another. And which tasks run at the same time depends on their lanes.
 */
import { pathToFileURL } from 'node:url';
import { debuglog } from 'node:util';
import { Piscina } from 'piscina';
import type { CollectorLane } from '../model/collector.js';
import { programFile } from '../program-files.js';
import {
  type Busy,
  type Composed,
  type ComposeRequest,
  type Failure,
  type HistoryTask,
  NOT_STARTED,
  newProgress,
  type Progress,
  type QueryTask,
  REQUEST,
  type Rows,
  type SampleRequest,
  type Taken,
  type Task,
  type ThreadData,
} from './messages.js';

const log = debuglog('apsnap:pool');

type Thread = Piscina['threads'][number];

/** A task that ended in its thread. */
interface Finished<T> {
  readonly kind: 'finished';
  readonly result: T;
}

/** A task that cost its thread. */
interface Lost {
  readonly kind: 'lost';
  readonly failure: Failure;
  /** Resolves when the thread has ended. */
  readonly threadEnd: Promise<unknown>;
}

/** The kind of a task. See {@link CollectorLane}; a `query` can wait. */
export type Lane = CollectorLane | 'query';

/** Time limits in milliseconds. */
export interface PoolTimes {
  /**
   * How long a thread may be busy with one sample or document, or with one program, which is killed after 1.2 s. This is more than any
   * needs, and so little that collectors that wait for the thread are still fresh when another one has sampled them.
   */
  readonly timeouts: Readonly<Record<Lane, number>>;
  /** How long it may take until a thread starts a task: a new thread loads modules first, for seconds on a small board. */
  readonly start: number;
  /** Time is counted in these steps. A process that was stopped for an hour counts one step, and blames no task. */
  readonly step: number;
  /** How long a query waits for a thread. After that its client has gone to ask again. */
  readonly queryPatience: number;
}

const POOL_TIMES: PoolTimes = {
  timeouts: { quick: 2_000, program: 2_000, heavy: 60_000, query: 5_000 },
  start: 10_000,
  step: 250,
  queryPatience: 10_000,
};

/** Maximum abandoned threads that queries may cause: each keeps about 9 MB until the kernel releases it. Further queries fail. */
const MAX_LOST_THREADS = 4;
/** Maximum queries that wait for a thread. Further ones are told that the pool is busy. */
const MAX_WAITING_QUERIES = 64;
/** Maximum tasks that start before a waiting query. Without it a query would wait indefinitely while samples are requested all the time. */
const MAX_BEFORE_QUERIES = 2;

export interface Sampler {
  /**
   * Takes samples in one thread, in order. If the thread is lost, the collector that it was busy with fails, and another
   * thread samples the others.
   *
   * @returns how each sample ended, in order
   */
  sample(requests: readonly SampleRequest[], lane: Lane): Promise<Taken[]>;
  /** Composes documents in one thread, in order; see {@link Sampler.sample}. */
  compose(requests: readonly ComposeRequest[], lane: Lane): Promise<(Composed | Failure)[]>;
  /** Answers a query of a document. */
  answer(task: QueryTask): Promise<Composed | Failure | Busy>;
  /** Encodes rows of the history. */
  history(task: HistoryTask): Promise<Rows | Failure | Busy>;
  /** Ends all threads. A thread that is stuck in the kernel may never end. @returns when all have ended, abandoned ones too */
  close(): Promise<void>;
}

/** Picks what workers need from the configuration. */
export function threadData({ rootfs, path, exposeSecrets, maxStationMetrics }: ThreadData): ThreadData {
  return { rootfs, path, exposeSecrets, maxStationMetrics };
}

interface Waiting {
  readonly lane: Lane;
  start(): Promise<void>;
}

/**
 * @param threads how many tasks may run at once
 * @param data what each thread needs; threads see no variable of the environment but NODE_DEBUG, so no key
 */
export function createSampler(threads: number, data: ThreadData, times: PoolTimes = POOL_TIMES): Sampler {
  const pool = new Piscina({
    filename: pathToFileURL(programFile('dist/workers/collect.js')).href,
    minThreads: threads,
    maxThreads: threads,
    maxQueue: threads,
    // Workers log too, if they are told to.
    env: process.env.NODE_DEBUG ? { NODE_DEBUG: process.env.NODE_DEBUG } : {},
    execArgv: [],
    workerData: data,
    recordTiming: false,
    resourceLimits: { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 4, stackSizeMb: 1 },
  });
  // The pool replaces a thread that dies while idle; the next task shows whether that helped.
  pool.on('error', () => {});

  const alive = new Set<Thread>();
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
  /** Programs never occupy the last free thread. Heavy tasks and queries run one at a time. */
  const maxRunning: Readonly<Record<Lane, number>> = { quick: threads, program: Math.max(1, threads - 1), heavy: 1, query: 1 };

  /** Tasks that have started since a query could have. */
  let beforeQueries = 0;

  function next(): void {
    while (Object.values(running).reduce((sum, tasks) => sum + tasks) < threads) {
      const startable = waiting.filter(({ lane }) => running[lane] < maxRunning[lane]);
      const query = startable.find(({ lane }) => lane === 'query');
      const other = startable.find(({ lane }) => lane !== 'query');
      const task = query && beforeQueries >= MAX_BEFORE_QUERIES ? query : (other ?? query);
      if (!task) return;
      beforeQueries = query && task !== query ? beforeQueries + 1 : 0;
      waiting.splice(waiting.indexOf(task), 1);
      running[task.lane]++;
      log('start a task: %o running, %d waiting', running, waiting.length);
      void task.start().then(() => {
        running[task.lane]--;
        next();
      });
    }
  }

  /** Runs a query, unless too many wait or it has waited for too long. */
  function ask<T>(name: string, task: object): Promise<T | Failure | Busy> {
    if (waiting.filter(({ lane }) => lane === 'query').length >= MAX_WAITING_QUERIES) return Promise.resolve({ kind: 'busy' });
    if (lostThreads().length >= MAX_LOST_THREADS) return Promise.resolve(lostFailure('too many threads are stuck in the kernel already'));
    const progress = newProgress();
    return new Promise((resolve) => {
      const query: Waiting = {
        lane: 'query',
        async start() {
          clearTimeout(timer);
          const ended = await attempt<T>(name, { ...task, progress }, progress, 'query');
          resolve(ended.kind === 'lost' ? ended.failure : ended.result);
        },
      };
      const timer = setTimeout(() => {
        waiting.splice(waiting.indexOf(query), 1);
        resolve({ kind: 'busy' });
      }, times.queryPatience);
      waiting.push(query);
      next();
    });
  }

  /** Runs a task when a thread is free for it, and abandons the thread if it takes too long. */
  function run<T>(name: string, task: unknown, progress: Progress, lane: Lane): Promise<Finished<T> | Lost> {
    return new Promise((resolve) => {
      waiting.push({ lane, start: () => attempt<T>(name, task, progress, lane).then(resolve) });
      next();
    });
  }

  async function attempt<T>(name: string, task: unknown, progress: Progress, lane: Lane): Promise<Finished<T> | Lost> {
    const abort = new AbortController();
    let lost: Lost | undefined;
    let seen = progress.join();
    let leftMs = times.start;
    const watch = setInterval(() => {
      const now = progress.join();
      leftMs = now === seen ? leftMs - times.step : times.timeouts[lane];
      seen = now;
      if (leftMs > 0) return;
      const before = [...pool.threads];
      abort.abort();
      const abandoned = before.filter((thread) => !pool.threads.includes(thread));
      log('%s: abandon thread %s', name, abandoned.map(({ threadId }) => threadId).join());
      const why =
        Atomics.load(progress, REQUEST) === NOT_STARTED
          ? `no thread started it within ${times.start} ms`
          : `no answer within ${times.timeouts[lane]} ms: the thread was given up`;
      lost = {
        kind: 'lost',
        failure: lostFailure(why),
        threadEnd: Promise.all(abandoned.map((thread) => new Promise((resolve) => thread.once('exit', resolve)))),
      };
    }, times.step);
    try {
      return { kind: 'finished', result: await pool.run(task, { name, signal: abort.signal }) };
    } catch (error) {
      const ended = `the sampling thread ended: ${error instanceof Error ? error.message : String(error)}`;
      return lost ?? { kind: 'lost', failure: lostFailure(ended), threadEnd: Promise.resolve() };
    } finally {
      clearInterval(watch);
    }
  }

  /** Runs requests as one task. If it loses the thread, the request that it was busy with fails, and the others are tried again. */
  async function runAll<Request, Result>(
    name: string,
    requests: readonly Request[],
    lane: Lane,
    failed: (lost: Lost, tookMs: number) => Result,
  ): Promise<Result[]> {
    const progress = newProgress();
    const startedMs = performance.now();
    const ended = await run<Result[]>(name, { requests, progress } satisfies Task<Request>, progress, lane);
    if (ended.kind === 'finished') return ended.result;
    const culprit = Atomics.load(progress, REQUEST);
    const result = failed(ended, performance.now() - startedMs);
    if (culprit === NOT_STARTED) return requests.map(() => result);
    const others = requests.filter((_request, index) => index !== culprit);
    const rest = others.length === 0 ? [] : await runAll(name, others, lane, failed);
    return rest.toSpliced(culprit, 0, result);
  }

  const lostThreads = () => {
    const current = new Set(pool.threads);
    return [...alive].filter((thread) => !current.has(thread));
  };

  const allEnded = () => Promise.all([...alive].map((thread) => new Promise((resolve) => thread.once('exit', resolve))));
  let closing = false;
  process.once('exit', endDespiteThreads);

  /**
   * Ends the process although a thread is stuck in the kernel: the end of a process waits for its threads, so only the signal that
   * asks for the end helps.
   */
  function endDespiteThreads(): void {
    if (alive.size === 0 || !(closing || lostThreads().length > 0)) return;
    process.removeAllListeners('SIGTERM');
    process.kill(process.pid, 'SIGTERM');
  }

  return {
    sample: (requests, lane) =>
      runAll<SampleRequest, Taken>('sample', requests, lane, ({ failure, threadEnd }, tookMs) => ({ outcome: failure, tookMs, threadEnd })),
    compose: (requests, lane) => runAll<ComposeRequest, Composed | Failure>('compose', requests, lane, ({ failure }) => failure),
    answer: (task) => ask<Composed>('answer', task),
    history: (task) => ask<Rows>('history', task),
    async close() {
      closing = true;
      track();
      const ended = allEnded();
      await pool.destroy();
      await ended;
      process.off('exit', endDespiteThreads);
    },
  };
}

function lostFailure(message: string): Failure {
  return { kind: 'failed', code: 'thread-lost', message };
}
