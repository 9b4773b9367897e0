/**
 * The pool of sampling threads. It never rejects: a thread that hangs is thrown away and becomes a failure like any other.
 *
 * Tasks wait here and not in the pool's own queue, for two reasons: a task's time starts when it does, so that none is
 * blamed for waiting behind another; and which of them run beside each other depends on what they are like.
 */
import { pathToFileURL } from 'node:url';
import { Piscina } from 'piscina';
import type { CollectorLane } from '../model/collector.js';
import { programFile } from '../program-files.js';
import {
  type Composed,
  type ComposeRequest,
  type Failure,
  type HistoryTask,
  NOT_STARTED,
  newProgress,
  type Progress,
  type QueryTask,
  REQUEST,
  type SampleRequest,
  type Taken,
  type Task,
  type ThreadData,
} from './messages.js';

type Thread = Piscina['threads'][number];

/** What comes of a task that cost its thread. */
interface Lost {
  readonly failure: Failure;
  /** Resolves when the thread has ended. */
  readonly threadEnd: Promise<unknown>;
}

/**
 * How long a thread may be busy with one sample or document, or with one program of it, which is ended after 1.2 s. It is more than
 * any needs, and so little more that those that wait for it are still fresh when another thread has sampled them.
 */
const TIMEOUT_MS: Readonly<Record<Lane, number>> = { quick: 2_000, program: 2_000, heavy: 60_000, query: 5_000 };
/** How long it may take until a thread takes a task up: a new one loads modules first, for seconds on a small board. */
const START_MS = 10_000;
/** Time is counted in these steps, so a process that was stopped for an hour blames nobody: that was one step. */
const STEP_MS = 250;
/** A thread that is stuck in the kernel keeps about 9 MB until that lets go of it: queries, of which there may be any number, may cost so many. */
const MOST_LOST_THREADS = 4;
/** Queries that wait for a thread; who asks for more is told to come back later. */
const MOST_QUERIES_WAITING = 64;
/** So many tasks may go before queries that wait; without an end they would wait for ever where samples are asked for all the time. */
const MOST_BEFORE_QUERIES = 2;
/** Who asked has gone to ask again when a query has waited for longer. */
const QUERY_PATIENCE_MS = 10_000;

/** What a task is like: `program` may hang for a second, `heavy` may take seconds of a processor, `query` can wait. */
export type Lane = CollectorLane | 'query';

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
  /** @returns nothing if too many wait already, or it has waited for long */
  answer(task: QueryTask): Promise<Composed | Failure | undefined>;
  /** Rows of the history; see {@link Sampler.answer}. */
  history(task: HistoryTask): Promise<Uint8Array | Failure | undefined>;
  /** Ends all threads. One that is stuck in the kernel may never end. @returns when all have ended, the lost ones too */
  close(): Promise<void>;
}

/** What of the configuration the threads need to know. */
export function threadData({ rootfs, path, exposeSecrets, maxStationMetrics }: ThreadData): ThreadData {
  return { rootfs, path, exposeSecrets, maxStationMetrics };
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
    filename: pathToFileURL(programFile('dist/workers/collect.js')).href,
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
  /** Programs never take the last thread, and what takes a processor is done one at a time. */
  const most: Readonly<Record<Lane, number>> = { quick: threads, program: Math.max(1, threads - 1), heavy: 1, query: 1 };

  /** Tasks that have started while a query could have. */
  let beforeQueries = 0;

  function next(): void {
    while (Object.values(running).reduce((sum, tasks) => sum + tasks) < threads) {
      const startable = waiting.filter(({ lane }) => running[lane] < most[lane]);
      const query = startable.find(({ lane }) => lane === 'query');
      const other = startable.find(({ lane }) => lane !== 'query');
      const task = query && beforeQueries >= MOST_BEFORE_QUERIES ? query : (other ?? query);
      if (!task) return;
      beforeQueries = query && task !== query ? beforeQueries + 1 : 0;
      waiting.splice(waiting.indexOf(task), 1);
      running[task.lane]++;
      void task.start().then(() => {
        running[task.lane]--;
        next();
      });
    }
  }

  /** Runs a query, unless too many wait: then, or when it has waited for long, there is no result. */
  function ask<T>(name: string, task: object): Promise<T | Failure | undefined> {
    if (waiting.filter(({ lane }) => lane === 'query').length >= MOST_QUERIES_WAITING) return Promise.resolve(undefined);
    if (lostThreads().length >= MOST_LOST_THREADS) return Promise.resolve(lostFailure('too many threads hang in the kernel already'));
    const progress = newProgress();
    return new Promise((resolve) => {
      const query: Waiting = {
        lane: 'query',
        async start() {
          clearTimeout(timer);
          const result = await attempt<T>(name, { ...task, progress }, progress, 'query');
          resolve(isLost(result) ? result.failure : result);
        },
      };
      const timer = setTimeout(() => {
        waiting.splice(waiting.indexOf(query), 1);
        resolve(undefined);
      }, QUERY_PATIENCE_MS);
      waiting.push(query);
      next();
    });
  }

  /** Runs a task when a thread is free for it, and ends the thread if it takes too long. */
  function run<T>(name: string, task: unknown, progress: Progress, lane: Lane): Promise<T | Lost> {
    return new Promise((resolve) => {
      waiting.push({ lane, start: () => attempt<T>(name, task, progress, lane).then(resolve) });
      next();
    });
  }

  async function attempt<T>(name: string, task: unknown, progress: Progress, lane: Lane): Promise<T | Lost> {
    const abort = new AbortController();
    let lost: Lost | undefined;
    let seen = progress.join();
    let leftMs = START_MS;
    const watch = setInterval(() => {
      const now = progress.join();
      leftMs = now === seen ? leftMs - STEP_MS : TIMEOUT_MS[lane];
      seen = now;
      if (leftMs > 0) return;
      const threads = [...pool.threads];
      abort.abort();
      const given = threads.filter((thread) => !pool.threads.includes(thread));
      const why =
        Atomics.load(progress, REQUEST) === NOT_STARTED
          ? `no thread took it up within ${START_MS} ms`
          : `no answer within ${TIMEOUT_MS[lane]} ms: the thread was given up`;
      lost = {
        failure: lostFailure(why),
        threadEnd: Promise.all(given.map((thread) => new Promise((resolve) => thread.once('exit', resolve)))),
      };
    }, STEP_MS);
    try {
      return await pool.run(task, { name, signal: abort.signal });
    } catch (error) {
      const ended = `the sampling thread ended: ${error instanceof Error ? error.message : String(error)}`;
      return lost ?? { failure: lostFailure(ended), threadEnd: Promise.resolve() };
    } finally {
      clearInterval(watch);
    }
  }

  /** Runs requests as one task; the one that costs the thread fails, and the others are tried again. */
  async function runAll<Request, Result>(
    name: string,
    requests: readonly Request[],
    lane: Lane,
    failed: (lost: Lost, tookMs: number) => Result,
  ): Promise<Result[]> {
    const progress = newProgress();
    const startedMs = performance.now();
    const results = await run<Result[]>(name, { requests, progress } satisfies Task<Request>, progress, lane);
    if (!isLost(results)) return results;
    const culprit = Atomics.load(progress, REQUEST);
    const result = failed(results, performance.now() - startedMs);
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
   * The end of a process waits for its threads, and one that is stuck in the kernel does not end. Then only a signal helps: that
   * which asks for the end.
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
    history: (task) => ask<Uint8Array>('history', task),
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

function isLost(result: unknown): result is Lost {
  return typeof result === 'object' && result !== null && 'threadEnd' in result;
}

function lostFailure(message: string): Failure {
  return { ok: false, code: 'thread-lost', message };
}
