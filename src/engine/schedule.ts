/**
 * Decides when collectors are sampled: on their schedules, at events, and when a client asks.
 *
 *     cron, events, refresh ──▶ collectors that are due ──▶ cycle in the worker ──▶ store
 *                                                      └──▶ lists in the second worker ──▶ store
 */
import { debuglog } from 'node:util';
import { type CollectorName, collectors } from '../collectors/index.js';
import { Callers } from './callers.js';
import type { Reads } from './change-detection.js';
import { type Clock, createClock, monotonicMs } from './clock.js';
import { type CollectorEvent, type CollectorState, nextCollectorState, WAITING } from './collector-state.js';
import { createTicker, type Ticker } from './cron.js';
import { subjectOf } from './cycle.js';
import type { IpMonitor } from './ip-monitor.js';
import { type CycleReport, type CycleRequest, type ListReport, NOTHING, type SampleReport, type Wants } from './messages.js';
import type { CollectorRecord } from './records.js';
import type { Store } from './store.js';
import type { Lost } from './task.js';
import type { Workers } from './worker-pool.js';

export interface Scheduler {
  /**
   * Samples collectors with samples that start from now on: a running one may have missed what the caller knows about. Calls at the same
   * time share the samples. A collector that hangs is not waited for.
   *
   * @param names with none of them, what was sampled already is reported
   * @param thorough reuse nothing from the previous sample except counters
   * @returns after their documents are stored
   */
  sample(names: readonly CollectorName[], thorough?: boolean): Promise<void>;
  /** Samples everything now, and from then on by schedule: a cron expression for each collector. */
  start(schedules: ReadonlyMap<CollectorName, string>): void;
  stop(): void;
}

export interface SchedulerOptions {
  readonly clock?: Clock;
  readonly ipMonitor?: Pick<IpMonitor, 'read' | 'take'>;
}

const log = debuglog('apsnap:scheduler');

const names = collectors.map(({ name }) => name);

/** Time between the loss of a worker and the next cycle. While no thread can start it doubles: each try takes a tenth of a second of CPU. */
const PAUSE_MS = 100;
const MAX_PAUSE_MS = 2_000;
/** How long a document is left out after it has cost a worker. */
const LEAVE_OUT_MS = 60_000;
/** A thread that ends this soon after it was abandoned was not stuck in the kernel. */
const ENDS_SOON_MS = 500;

export function createScheduler(workers: Workers, store: Store, options: SchedulerOptions = {}): Scheduler {
  return new CycleScheduler(workers, store, options);
}

class CycleScheduler implements Scheduler {
  readonly #workers: Workers;
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #ipMonitor: SchedulerOptions['ipMonitor'];
  readonly #states = new Map<CollectorName, CollectorState>(names.map((name) => [name, WAITING]));
  readonly #callers = new Callers();
  readonly #lists = new Set<CollectorName>();
  readonly #listReads = new Map<CollectorName, Reads>();
  readonly #leftOutUntilMs = new Map<string, number>();
  #ticker: Ticker<CollectorName> | undefined;
  #pauseMs = PAUSE_MS;
  #isThorough = false;
  #isWanted = false;
  #isRunning = false;

  constructor(workers: Workers, store: Store, { clock = createClock(), ipMonitor }: SchedulerOptions) {
    this.#workers = workers;
    this.#store = store;
    this.#clock = clock;
    this.#ipMonitor = ipMonitor;
    workers.onLate(() => this.#requestCycle());
  }

  start(schedules: ReadonlyMap<CollectorName, string>): void {
    const ticker = createTicker(schedules, (due) => this.#tick(due));
    this.#ticker = ticker;
    for (const name of names) this.#store.setInterval(name, ticker.intervalMs(name));
    this.#clock.onJump(() => {
      ticker.restart();
      // If the machine slept, everything that was sampled is old.
      this.#tick(names);
    });
    this.#tick(names);
  }

  stop(): void {
    this.#ticker?.stop();
  }

  sample(wanted: readonly CollectorName[], thorough = false): Promise<void> {
    this.#isThorough ||= thorough;
    const samples = this.#callers.wait(wanted, (name) => this.#is(name, 'running'));
    for (const name of wanted) this.#advance(name, { kind: 'asked', nowMs: monotonicMs() });
    this.#requestCycle();
    return samples;
  }

  #tick(due: readonly CollectorName[]): void {
    for (const name of due) this.#advance(name, { kind: 'scheduled', nowMs: monotonicMs() });
    this.#store.review();
  }

  #is(name: CollectorName, kind: CollectorState['kind']): boolean {
    return this.#states.get(name)?.kind === kind;
  }

  #advance(name: CollectorName, event: CollectorEvent): void {
    if (event.kind === 'ended' && this.#is(name, 'running')) this.#callers.sampleEnded(name);
    this.#states.set(name, nextCollectorState(this.#states.get(name) as CollectorState, event));
    if (this.#is(name, 'due')) this.#requestCycle();
  }

  #requestCycle(): void {
    if (this.#isWanted) return;
    this.#isWanted = true;
    this.#ipMonitor?.read();
    // After all timers that are due now.
    setImmediate(() => this.#runCycle());
  }

  #runCycle(): void {
    if (this.#isRunning || !this.#isWanted) return;
    const isNew = this.#workers.isNew();
    // Programs that an earlier worker waited for are lost, even if its thread ended between two cycles.
    const lost = isNew ? names.filter((name) => this.#is(name, 'running') && !this.#lists.has(name)) : [];
    for (const name of lost) this.#advance(name, { kind: 'lost' });
    // A worker that has just started holds no value.
    if (isNew && this.#ticker) for (const name of names) this.#advance(name, { kind: 'scheduled', nowMs: monotonicMs() });
    const due = names.filter((name) => this.#is(name, 'due'));
    const thorough = this.#isThorough;
    this.#isThorough = false;
    this.#isWanted = false;
    this.#isRunning = true;
    for (const name of due) this.#advance(name, { kind: 'started' });
    this.#callers.cycleStarted();
    void this.#workers.cycle(this.#requestOf(due, thorough, isNew)).then((ended) => {
      this.#isRunning = false;
      if (ended.kind === 'finished') {
        this.#pauseMs = PAUSE_MS;
        this.#finish(ended.result, thorough);
        this.#runCycle();
      } else {
        this.#lose(due, ended);
        this.#isThorough ||= thorough;
        this.#isWanted = true;
        setTimeout(() => this.#runCycle(), this.#pauseMs);
        if (ended.step === NOTHING) this.#pauseMs = Math.min(2 * this.#pauseMs, MAX_PAUSE_MS);
      }
    });
  }

  #requestOf(due: readonly CollectorName[], thorough: boolean, isNew: boolean): CycleRequest {
    const nowMs = monotonicMs();
    return {
      ...{ due, thorough },
      wants: wantsOf(this.#store),
      ipMonitor: this.#ipMonitor?.take(),
      listReads: new Map(this.#listReads),
      restored: isNew ? this.#store.restored() : undefined,
      leftOut: [...this.#leftOutUntilMs].flatMap(([name, untilMs]) => (untilMs > nowMs ? [name] : [])),
    };
  }

  #finish(report: CycleReport, thorough: boolean): void {
    this.#store.record(report, thorough);
    for (const sample of report.samples) this.#settle(sample);
    for (const name of report.unchanged) this.#advance(name, { kind: 'ended' });
    for (const list of report.lists) this.#recordList(list);
    for (const name of report.longLists) void this.#readList(name);
    // A collector that hangs is neither due nor running.
    this.#callers.cycleEnded((name) => this.#is(name, 'due') || this.#is(name, 'running'));
  }

  #settle({ collector: name, outcome, tookMs }: SampleReport): void {
    log('%s: %s in %d ms', name, outcome.kind, Math.round(tookMs));
    const hung = outcome.kind === 'failed' && (outcome.code === 'thread-lost' || outcome.code === 'timeout');
    this.#advance(name, hung ? this.#hung(name, tookMs) : { kind: 'ended' });
  }

  #hung(name: CollectorName, tookMs: number): CollectorEvent {
    const { intervalMs } = this.#store.collectors.get(name) as CollectorRecord;
    return { kind: 'hung', nowMs: monotonicMs(), tookMs, intervalMs };
  }

  /** The worker is lost: what it was busy with fails, and the next worker samples the others. */
  #lose(due: readonly CollectorName[], lost: Lost): void {
    const subject = subjectOf(lost.step);
    log('lost the worker with %o: %s', subject, lost.failure.message);
    if (subject === undefined) this.#failAll(due, lost);
    else if ('collector' in subject) this.#loseCollector(subject.collector, lost);
    else this.#leaveOut(subject.document, lost);
  }

  /** No thread has started, or it ended between two steps. */
  #failAll(due: readonly CollectorName[], lost: Lost): void {
    const samples = due.map((name) => failedSample(name, lost));
    this.#store.record({ samples, documents: [] });
    for (const sample of samples) this.#settle(sample);
  }

  #loseCollector(name: CollectorName, lost: Lost): void {
    this.#store.record({ samples: [failedSample(name, lost)], documents: [] });
    this.#advance(name, { kind: 'stuck' });
    const lostMs = monotonicMs();
    void lost.threadEnd.then(() => {
      const isSoon = monotonicMs() - lostMs < ENDS_SOON_MS;
      this.#advance(name, isSoon ? this.#hung(name, lost.tookMs) : { kind: 'freed' });
    });
  }

  #leaveOut(document: string, { failure }: Lost): void {
    this.#leftOutUntilMs.set(document, monotonicMs() + LEAVE_OUT_MS);
    this.#store.record({ samples: [], documents: [{ kind: 'not-composed', document, failure }] });
  }

  async #readList(name: CollectorName): Promise<void> {
    this.#lists.add(name);
    const ended = await this.#workers.list({ collector: name, wants: wantsOf(this.#store) });
    this.#lists.delete(name);
    this.#requestCycle();
    if (ended.kind === 'lost') this.#loseCollector(name, ended);
    else this.#recordList(ended.result);
  }

  #recordList({ sample, metrics, document, reads }: ListReport): void {
    const { collector: name } = sample;
    this.#store.record({ samples: [sample], documents: document ? [document] : [], metrics: new Map([[name, metrics]]) });
    if (reads) this.#listReads.set(name, reads);
    else this.#listReads.delete(name);
    this.#settle(sample);
  }
}

function wantsOf({ wantsMetrics, wantsChanges, wantsSecrets, wantsSources }: Store): Wants {
  return { metrics: wantsMetrics, changes: wantsChanges, secrets: wantsSecrets, sources: wantsSources };
}

function failedSample(collector: CollectorName, { failure, tookMs }: Lost): SampleReport {
  return { collector, outcome: failure, startedMonotonicMs: monotonicMs() - tookMs, tookMs };
}
