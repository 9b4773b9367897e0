/**
 * The worker threads: one runs the cycles, and others, which end when they have nothing to do, run what takes long. No call rejects: a
 * thread that hangs is abandoned, and its task ends as lost.
 */
import { pathToFileURL } from 'node:url';
import { debuglog } from 'node:util';
import { Piscina } from 'piscina';
import { programFile } from '../program-files.js';
import type {
  Answer,
  CycleReport,
  CycleRequest,
  Failure,
  HistoryTask,
  ListReport,
  ListTask,
  QueryTask,
  Rows,
  ThreadData,
} from './messages.js';
import { type Finished, type Lost, newWatched, runTask, type TaskLimits, type Thread, type Watched } from './task.js';

/** Too many queries are waiting, or this one has waited too long. */
export interface Busy {
  readonly kind: 'busy';
}

export interface Workers {
  /** Runs a cycle. One at a time. */
  cycle(request: CycleRequest): Promise<Finished<CycleReport> | Lost>;
  /** Tells whether the next cycle runs in a thread that has run none yet. It holds no values. */
  isNew(): boolean;
  /** Calls back when the result of a program came too late for its cycle. The next cycle reports it. */
  onLate(listener: () => void): void;
  list(task: ListTask): Promise<Finished<ListReport> | Lost>;
  /** Answers a query of a document. */
  answer(task: QueryTask): Promise<Answer | Failure | Busy>;
  /** Encodes rows of the history. */
  history(task: HistoryTask): Promise<Rows | Failure | Busy>;
  /** Ends all threads. A thread that is stuck in the kernel may never end. @returns when all have ended, abandoned ones too */
  close(): Promise<void>;
}

/** Time limits in milliseconds. */
export interface WorkerTimes {
  /** How long a cycle may be busy with one sample or document. Collectors that wait meanwhile are still fresh afterwards. */
  readonly step: number;
  readonly list: number;
  readonly query: number;
  /** How long it may take until a thread starts a task: a new thread loads modules first, for seconds on a small board. */
  readonly start: number;
  /** Time is counted in these steps; see worker-state.ts. */
  readonly look: number;
  /** How long a query waits for a thread. After that its client has gone to ask again. */
  readonly patience: number;
  /** After this time without work, a thread for long tasks ends. */
  readonly idle: number;
}

const TIMES: WorkerTimes = { step: 2_000, list: 60_000, query: 5_000, start: 10_000, look: 250, patience: 10_000, idle: 30_000 };

/** Maximum abandoned threads that queries may cause: each keeps about 9 MB until the kernel releases it. Further queries fail. */
const MAX_LOST_THREADS = 4;
const TOO_MANY_LOST: Failure = { kind: 'failed', code: 'thread-lost', message: 'too many threads are stuck in the kernel already' };
/** Maximum queries that wait for a thread. Further ones are rejected as busy. */
const MAX_WAITING_QUERIES = 64;

/** Picks what workers need from the configuration. */
export function threadData({ rootfs, path, exposeSecrets, maxStationMetrics }: ThreadData): ThreadData {
  return { rootfs, path, exposeSecrets, maxStationMetrics };
}

const log = debuglog('apsnap:pool');

/**
 * @param threads maximum number of threads, at least one of each kind
 * @param data what each thread needs; threads see no variable of the environment but NODE_DEBUG, so no key
 */
export function createWorkers(threads: number, data: ThreadData, times: WorkerTimes = TIMES): Workers {
  const cycles = createPool(data, { minThreads: 1, maxThreads: 1 });
  const long = createPool(data, { minThreads: 0, maxThreads: Math.max(1, threads - 1), idleTimeout: times.idle });
  const alive = trackThreads(cycles, long);
  const abandoned = () => countAbandoned(alive, cycles, long);
  const limits = (step: number): TaskLimits => ({ lookMs: times.look, startMs: times.start, stepMs: step });
  /** The thread that owns the snapshot. */
  let owner: { readonly thread: Thread | undefined; readonly watched: Watched } = { thread: undefined, watched: newWatched() };
  const isNew = () => owner.watched.state.kind !== 'idle' || owner.thread !== cycles.threads[0];

  const waiting: (() => void)[] = [];
  let running = 0;

  /** Runs a task when a thread for long ones is free. */
  async function runLong<T>(name: string, task: object, stepMs: number, patienceMs?: number): Promise<Finished<T> | Lost | Busy> {
    if (running >= long.options.maxThreads && !(await turn(patienceMs))) return { kind: 'busy' };
    running++;
    const result = await runTask<T>(long, name, task, newWatched(), limits(stepMs));
    running--;
    waiting.shift()?.();
    return result;
  }

  /** Waits for a free thread: Piscina's own queue changes the order. @returns false if that takes too long */
  function turn(patienceMs: number | undefined): Promise<boolean> {
    return new Promise((resolve) => {
      const start = () => {
        clearTimeout(timer);
        resolve(true);
      };
      const timer = patienceMs === undefined ? undefined : setTimeout(giveUp, patienceMs);
      function giveUp(): void {
        waiting.splice(waiting.indexOf(start), 1);
        resolve(false);
      }
      waiting.push(start);
    });
  }

  /** Runs a query, unless too many wait or it has waited for too long. */
  async function ask<T>(name: string, task: object): Promise<T | Failure | Busy> {
    if (waiting.length >= MAX_WAITING_QUERIES) return { kind: 'busy' };
    if (abandoned() >= MAX_LOST_THREADS) return TOO_MANY_LOST;
    const ended = await runLong<T>(name, task, times.query, times.patience);
    return ended.kind === 'finished' ? ended.result : ended.kind === 'lost' ? ended.failure : ended;
  }

  let isClosing = false;
  const end = endDespiteThreads(alive, () => isClosing || abandoned() > 0);
  return {
    isNew,
    cycle(request) {
      // A caller that waits for a cycle now ends with the process.
      if (isClosing) return new Promise(() => {});
      if (isNew()) owner = { thread: cycles.threads[0], watched: newWatched() };
      return runTask<CycleReport>(cycles, 'cycle', request, owner.watched, limits(times.step));
    },
    onLate: (listener) => void cycles.on('message', listener),
    list: async (task) => (await runLong<ListReport>('list', task, times.list)) as Finished<ListReport> | Lost,
    answer: (task) => ask<Answer>('answer', task),
    history: (task) => ask<Rows>('history', task),
    async close() {
      isClosing = true;
      const ended = Promise.all([...alive].map((thread) => new Promise((resolve) => thread.once('exit', resolve))));
      await Promise.all([cycles.destroy(), long.destroy()]);
      await ended;
      process.off('exit', end);
      log('all threads have ended');
    },
  };
}

function createPool(data: ThreadData, size: { minThreads: number; maxThreads: number; idleTimeout?: number }): Piscina {
  const pool = new Piscina({
    filename: pathToFileURL(programFile('dist/workers/collect.js')).href,
    // Piscina loads this function when a thread starts. Without a name that the file exports, it would load the file a second time.
    name: 'cycle',
    ...size,
    maxQueue: size.maxThreads,
    // By default a worker sleeps between tasks, and its programs would not be read.
    atomics: 'disabled',
    // Workers log too, if NODE_DEBUG names them.
    env: process.env.NODE_DEBUG ? { NODE_DEBUG: process.env.NODE_DEBUG } : {},
    execArgv: [],
    workerData: data,
    recordTiming: false,
    resourceLimits: { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 4, stackSizeMb: 1 },
  });
  // The pool replaces a thread that dies while idle; the next task shows whether that helped.
  pool.on('error', () => {});
  return pool;
}

/** Returns all threads that have not ended, abandoned ones too. */
function trackThreads(...pools: readonly Piscina[]): ReadonlySet<Thread> {
  const alive = new Set<Thread>();
  for (const pool of pools) {
    const track = () => {
      for (const thread of pool.threads) {
        if (alive.has(thread)) continue;
        alive.add(thread);
        thread.once('exit', () => alive.delete(thread));
      }
    };
    pool.on('workerCreate', track);
    track();
  }
  return alive;
}

/** Counts threads that are in no pool any more. A thread that is starting is in its pool, and not alive yet. */
function countAbandoned(alive: ReadonlySet<Thread>, ...pools: readonly Piscina[]): number {
  const held = pools.flatMap((pool) => pool.threads);
  return [...alive].filter((thread) => !held.includes(thread)).length;
}

/**
 * Ends the process although a thread is stuck in the kernel: the end of a process waits for its threads, so only the signal that asks for
 * the end helps.
 */
function endDespiteThreads(alive: ReadonlySet<Thread>, isNeeded: () => boolean): () => void {
  const end = () => {
    if (alive.size === 0 || !isNeeded()) return;
    process.removeAllListeners('SIGTERM');
    process.kill(process.pid, 'SIGTERM');
  };
  process.once('exit', end);
  return end;
}
