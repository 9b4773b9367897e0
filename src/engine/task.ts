/** Runs one task in a thread, watches its progress, and abandons the thread if it hangs. */
import { EventEmitter } from 'node:events';
import { debuglog } from 'node:util';
import type { Piscina } from 'piscina';
import { CURRENT, type Failure, NOTHING, newProgress, type Progress, STEPS } from './messages.js';
import { nextWorkerState, type WorkerEvent, type WorkerState } from './worker-state.js';

export type Thread = Piscina['threads'][number];

/** A task that ended in its thread. */
export interface Finished<T> {
  readonly kind: 'finished';
  readonly result: T;
}

/** A task that cost its thread, or that no thread has started. */
export interface Lost {
  readonly kind: 'lost';
  readonly failure: Failure;
  /** The step that the thread was busy with; {@link NOTHING} if it had not started. */
  readonly step: number;
  readonly tookMs: number;
  /** Resolves when the thread has ended. A thread that is blocked in the kernel may never end. */
  readonly threadEnd: Promise<unknown>;
}

/** Time limits in milliseconds. */
export interface TaskLimits {
  readonly lookMs: number;
  readonly startMs: number;
  readonly stepMs: number;
}

const log = debuglog('apsnap:pool');

/** The progress and the state of a thread. */
export interface Watched {
  readonly progress: Progress;
  state: WorkerState;
}

/** Returns the progress and the state of a thread that has run no task. */
export function newWatched(): Watched {
  return { progress: newProgress(), state: { kind: 'starting', looks: 0 } };
}

/** Runs a task. @param watched of the thread that will run it; its state changes */
export async function runTask<T>(
  pool: Piscina,
  name: string,
  task: object,
  watched: Watched,
  { lookMs, startMs, stepMs }: TaskLimits,
): Promise<Finished<T> | Lost> {
  const { progress } = watched;
  const max = { start: Math.ceil(startMs / lookMs), step: Math.ceil(stepMs / lookMs) };
  const read = () => ({ step: Atomics.load(progress, CURRENT), steps: Atomics.load(progress, STEPS) });
  const startedMs = performance.now();
  const abort = new EventEmitter();
  let abandoned: readonly Thread[] = [];
  const advance = (event: WorkerEvent) => {
    watched.state = nextWorkerState(watched.state, event, max);
    return watched.state.kind;
  };

  log('start a task: %s', name);
  advance({ kind: 'asked', ...read() });
  const watch = setInterval(() => {
    const kind = advance({ kind: 'looked', ...read() });
    if (kind !== 'stuck' && kind !== 'ended') return;
    clearInterval(watch);
    const before = [...pool.threads];
    abort.emit('abort');
    abandoned = before.filter((thread) => !pool.threads.includes(thread));
    log('%s: %s, abandon thread %s', name, kind, abandoned.map(({ threadId }) => threadId).join());
  }, lookMs);
  try {
    const result = (await pool.run({ ...task, progress }, { name, signal: abort })) as T;
    advance({ kind: 'finished' });
    return { kind: 'finished', result };
  } catch (error) {
    const { kind } = watched.state;
    advance({ kind: 'exited' });
    return {
      kind: 'lost',
      failure: { kind: 'failed', code: 'thread-lost', message: whyLost(kind, error, startMs, stepMs) },
      step: read().steps === 0 ? NOTHING : read().step,
      tookMs: performance.now() - startedMs,
      threadEnd: Promise.all(abandoned.map((thread) => new Promise((resolve) => thread.once('exit', resolve)))),
    };
  } finally {
    clearInterval(watch);
  }
}

function whyLost(kind: WorkerState['kind'], error: unknown, startMs: number, stepMs: number): string {
  if (kind === 'ended') return `no thread started it within ${startMs} ms`;
  if (kind === 'stuck') return `no result within ${stepMs} ms: the thread was abandoned`;
  return `the sampling thread ended: ${error instanceof Error ? error.message : String(error)}`;
}
