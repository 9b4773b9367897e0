/**
 * Decides when collectors are sampled: on their schedules, at events, and when a client asks.
 *
 *     cron, events, refresh ──▶ sample collectors ──▶ store ──▶ compose the documents that changed ──▶ store
 */
import { debuglog } from 'node:util';
import { type CollectorName, collectors } from '../collectors/index.js';
import { type AnyDocument, documents } from '../documents/index.js';
import { holdsSecrets } from '../model/redact.js';
import { createClockWatch } from './clock.js';
import { onSchedule } from './cron.js';
import type { Composed, ComposeRequest, Failure, SampleRequest, Taken } from './messages.js';
import type { CollectorRecord } from './records.js';
import type { Store } from './store.js';
import type { Sampler } from './worker-pool.js';

export interface Scheduler {
  /**
   * Samples collectors, each at most once at a time: calls while a sample is running share it.
   *
   * @returns after their documents are composed
   */
  sample(names: readonly CollectorName[]): Promise<void>;
  /**
   * Samples collectors with samples that start now: a running one may have missed what the caller knows about.
   * Calls at the same time share the samples.
   *
   * @param thorough reuse nothing from the previous sample except counters
   * @returns after their documents are composed
   */
  sampleAfresh(names: readonly CollectorName[], thorough: boolean): Promise<void>;
  /** Samples everything now, and from then on by schedule: a cron expression for each collector. */
  start(schedules: ReadonlyMap<CollectorName, string>): void;
  stop(): void;
}

const log = debuglog('apsnap:scheduler');

/** Maximum time that a document waits for a part that is still being sampled. */
const PATIENCE_MS = 50;
/** If the wall clock moves by more than this against the monotonic clock, timers that wait for a time of day start again. */
const CLOCK_JUMP_MS = 1_500;

interface Progress {
  running: Promise<void> | undefined;
  /** The sample that starts when the running one has ended. */
  next: Promise<void> | undefined;
  /** True if the last sample cost a thread or ran out of time. */
  failing: boolean;
  /** True while the thread of the last sample is stuck in the kernel, where the next one would get stuck too. */
  stuck: boolean;
  notBeforeMs: number;
}

export function createScheduler(sampler: Sampler, store: Store): Scheduler {
  const progress = new Map<CollectorName, Progress>(
    collectors.map(({ name }) => [name, { running: undefined, next: undefined, failing: false, stuck: false, notBeforeMs: 0 }]),
  );
  const composer = createComposer(sampler, store, (name) => progress.get(name)?.running !== undefined);
  const batcher = createBatcher(sampler, store);
  let tasks: ReturnType<typeof onSchedule>[] = [];
  let watch: NodeJS.Timeout | undefined;

  function sampleOne(name: CollectorName, thorough = false): Promise<void> {
    const state = progress.get(name) as Progress;
    if (state.running) return state.running;
    if (state.stuck || performance.now() < state.notBeforeMs) return Promise.resolve();
    state.running = sampleNow(name, thorough, state).finally(() => {
      state.running = undefined;
      composer.settled(name);
    });
    return state.running;
  }

  function sampleOneAfresh(name: CollectorName, thorough: boolean): Promise<void> {
    const state = progress.get(name) as Progress;
    if (!state.running) return sampleOne(name, thorough);
    state.next ??= state.running.then(() => {
      state.next = undefined;
      return sampleOne(name, thorough);
    });
    return state.next;
  }

  async function sampleNow(name: CollectorName, thorough: boolean, state: Progress): Promise<void> {
    const { outcome, tookMs, sources, threadEnd } = await batcher.take(name, thorough, state.failing);
    state.failing = outcome.kind === 'failed' && (outcome.code === 'thread-lost' || outcome.code === 'timeout');
    // A collector that hangs occupies a thread half of the time at most, and recovers within two intervals.
    const { intervalMs } = store.collectors.get(name) as CollectorRecord;
    if (state.failing) state.notBeforeMs = performance.now() + Math.min(tookMs, intervalMs);
    if (threadEnd) {
      state.stuck = true;
      void threadEnd.then(() => {
        state.stuck = false;
        state.notBeforeMs = 0;
        void sample([name]);
      });
    }
    log('%s: %s in %d ms%s', name, outcome.kind, Math.round(tookMs), threadEnd ? ', its thread is stuck' : '');
    if (store.sampled(name, outcome, tookMs, sources, thorough)) composer.changed(name);
  }

  async function sample(names: readonly CollectorName[]): Promise<void> {
    await Promise.all(names.map((name) => sampleOne(name)));
    await composer.idle(names);
  }

  return {
    sample,
    async sampleAfresh(names, thorough) {
      await Promise.all(names.map((name) => sampleOneAfresh(name, thorough)));
      await composer.idle(names);
    },
    start(schedules) {
      void sample(collectors.map(({ name }) => name));
      tasks = [...new Set(schedules.values())].map((expression) => {
        const names = collectors.map(({ name }) => name).filter((name) => schedules.get(name) === expression);
        const task = onSchedule(expression, () => void sample(names));
        for (const name of names) store.setInterval(name, task.intervalMs);
        return task;
      });
      const clockMovedMs = createClockWatch(CLOCK_JUMP_MS);
      watch = setInterval(() => {
        if (clockMovedMs() !== 0) {
          for (const task of tasks) task.restart();
          // If the machine slept, everything that was sampled is old.
          void sample(collectors.map(({ name }) => name));
        }
        store.review();
      }, 1_000);
      watch.unref();
    },
    stop() {
      clearInterval(watch);
      for (const task of tasks) task.stop();
    },
  };
}

interface Batcher {
  /** @param alone true if its last sample hung: no other collector should wait for it */
  take(name: CollectorName, thorough: boolean, alone: boolean): Promise<Taken>;
}

/** Takes samples that are requested at the same time as one task. Those that may take long get a task each. */
function createBatcher(sampler: Sampler, store: Store): Batcher {
  const takeTogether = together<SampleRequest, Taken>((requests) => sampler.sample(requests, 'quick'));
  return {
    async take(name, thorough, alone) {
      const record = store.collectors.get(name) as CollectorRecord;
      const { lane, trigger } = record.collector;
      // If it changed whether secrets are wanted, files must be read again although they are the same.
      const isAlike = (record.good?.secretValue !== undefined) === (store.wantsSecrets && holdsSecrets(record.collector.view.json));
      // Reads that failed would fail again; counters are compared with those of the last good sample.
      const previous = trigger === 'file-change' ? (record.failure ?? record.good) : record.good;
      const carried = isAlike ? previous?.carry : undefined;
      const compareOnly = trigger === 'file-change' && lane === 'heavy' && carried !== undefined;
      const request = {
        ...{ collector: name, carried, compareOnly, thorough },
        ...{ metrics: store.wantsMetrics, secrets: store.wantsSecrets, sources: store.wantsSources },
      };
      if (!alone && (lane === 'quick' || compareOnly)) {
        const taken = await takeTogether(request);
        if (taken.outcome.kind !== 'changed') return taken;
      }
      const [taken] = await sampler.sample([{ ...request, compareOnly: false }], lane);
      return taken as Taken;
    },
  };
}

/** Joins requests that are made at the same time. @returns a function that takes a request and resolves with its result */
function together<Request, Result>(run: (requests: readonly Request[]) => Promise<Result[]>): (request: Request) => Promise<Result> {
  let batch: { readonly request: Request; resolve(result: Result): void }[] = [];

  async function flush(): Promise<void> {
    const running = batch;
    batch = [];
    const results = await run(running.map(({ request }) => request));
    for (const [index, { resolve }] of running.entries()) resolve(results[index] as Result);
  }

  return (request) => {
    // After all timers that are due now: several schedules often name the same second.
    if (batch.length === 0) setImmediate(() => void flush());
    return new Promise((resolve) => batch.push({ request, resolve }));
  };
}

interface Composer {
  /** A collector has a new value. */
  changed(name: CollectorName): void;
  /** A collector's sample has ended. */
  settled(name: CollectorName): void;
  /** Resolves when no document of some collectors is waiting to be composed. */
  idle(names: readonly CollectorName[]): Promise<void>;
}

/** Composes each document once for all parts that change at about the same time, and one at a time. */
function createComposer(sampler: Sampler, store: Store, isRunning: (name: CollectorName) => boolean): Composer {
  const dirty = new Map<AnyDocument, NodeJS.Timeout>();
  const composing = new Set<AnyDocument>();
  const composeTogether = together<ComposeRequest, Composed | Failure>((requests) => sampler.compose(requests, 'quick'));
  let waiters: { readonly documents: readonly AnyDocument[]; resolve(): void }[] = [];

  function composeIfDue(document: AnyDocument, patient: boolean): void {
    if (!dirty.has(document) || composing.has(document)) return;
    if (patient && document.parts.some(isRunning)) return;
    clearTimeout(dirty.get(document));
    dirty.delete(document);
    const parts = store.partsOf(document);
    if (!parts) {
      settle();
      return;
    }
    composing.add(document);
    void compose(document, parts).then((outcome) => {
      store.composed(document.name, outcome);
      composing.delete(document);
      composeIfDue(document, true);
      settle();
    });
  }

  async function compose(document: AnyDocument, parts: Record<string, Uint8Array>): Promise<Composed | Failure> {
    const body = document.verbatim && store.collectors.get(document.verbatim)?.good?.body;
    if (body) return { kind: 'composed', bodies: [body], metrics: [], changes: [] };
    const before = store.wantsChanges && document.changes ? store.documents.get(document.name)?.bodies.get(null)?.json : undefined;
    const request = { document: document.name, parts, secretParts: store.secretPartsOf(document), before };
    return composeTogether(request);
  }

  function settle(): void {
    const isBusy = (document: AnyDocument) => dirty.has(document) || composing.has(document);
    const done = waiters.filter((waiter) => !waiter.documents.some(isBusy));
    waiters = waiters.filter((waiter) => !done.includes(waiter));
    for (const waiter of done) waiter.resolve();
  }

  return {
    changed(name) {
      for (const document of documents) {
        if (dirty.has(document) || !document.parts.includes(name)) continue;
        dirty.set(
          document,
          setTimeout(() => composeIfDue(document, false), PATIENCE_MS),
        );
      }
    },
    settled(name) {
      for (const document of documents) if (document.parts.includes(name)) composeIfDue(document, true);
    },
    idle(names) {
      const awaited = documents.filter((document) => document.parts.some((part) => names.includes(part)));
      return new Promise((resolve) => {
        waiters.push({ documents: awaited, resolve });
        settle();
      });
    },
  };
}
