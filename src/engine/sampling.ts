/** Takes samples in the worker, and holds the values between cycles. */
import { type AnyCollector, type CollectorName, collectorByName, collectors } from '../collectors/index.js';
import { type RenderedFamily, renderFamilies } from '../encode/prometheus.js';
import type { Machine } from '../machine/machine.js';
import type { Sampling } from '../model/collector.js';
import type { MetricFamily } from '../model/metrics.js';
import { holdsSecrets } from '../model/redact.js';
import { isUnchanged, type Reads } from './change-detection.js';
import { monotonicMs } from './clock.js';
import { type Held, heldAgain, heldOf, isSame } from './held.js';
import { sampleShortList } from './list.js';
import type { CycleReport, CycleRequest, Failure, Good, ListReport, Restored, SampleReport, SamplingOptions, Wants } from './messages.js';
import { PendingLines } from './pending-lines.js';
import { asFailure, type ReadResult, type ReadValue, readSample } from './read.js';

/** What has ended since the previous call. */
export interface Taken extends Omit<CycleReport, 'startedMonotonicMs' | 'documents' | 'postponed'> {
  /** Collectors whose values have changed. */
  readonly changed: ReadonlySet<CollectorName>;
}

/** What is kept of a collector from one sample to the next. */
interface State {
  /** State that the last good sample carried over. */
  carried: unknown;
  /**
   * Reads of the last sample, good or not: while none of those files changes, the next one would end in the same way. Undefined where
   * files don't trigger samples.
   */
  reads: Reads | undefined;
  /** Whether the last sample read secrets. */
  withSecrets: boolean;
  /** Builds the metrics of the last good sample. Undefined once they are rendered. */
  metrics: (() => readonly MetricFamily[]) | undefined;
  /** Lines of `ip monitor` since the last sample. */
  readonly lines: PendingLines;
  /** Set while the sample waits for a program. */
  running: { readonly startedMs: number; readonly end: Promise<void> } | undefined;
}

/** How long documents wait for a program. One that takes longer may hang, and other values of the document go on. */
const MAX_EXPECTED_MS = 500;

export interface SampleHooks {
  /** Called before each read that could hang. */
  onStep(name: CollectorName): void;
  /** Called when a sample has ended that waited for a program. */
  onLate(): void;
}

/** Samples of all collectors, and what is kept of them between cycles. */
export class Samples {
  readonly held = new Map<CollectorName, Held>();
  readonly #machine: Machine;
  readonly #options: SamplingOptions;
  readonly #hooks: SampleHooks;
  readonly #states = new Map<CollectorName, State>(collectors.map(({ name }) => [name, newState()]));
  #ended = newTaken();
  /** Resolves when programs may be started. */
  #mayStart: Promise<void> | undefined;

  constructor(machine: Machine, options: SamplingOptions, hooks: SampleHooks) {
    this.#machine = machine;
    this.#options = options;
    this.#hooks = hooks;
  }

  /** Continues with what the main thread has kept of an earlier worker. */
  restore({ copies }: Restored): void {
    for (const [name, copy] of copies) {
      this.held.set(name, heldAgain(copy));
      this.#ended.changed.add(name);
    }
  }

  /** Starts the samples that are due. Those without programs end at once. */
  start(request: CycleRequest): void {
    const lines = request.ipMonitor?.lines;
    for (const { name, followsIpMonitor } of collectors) if (lines && followsIpMonitor) this.#stateOf(name).lines.add(lines);
    let startPrograms = () => {};
    this.#mayStart = new Promise((resolve) => {
      startPrograms = resolve;
    });
    for (const name of request.due) {
      if (!this.#stateOf(name).running) this.#startSample(collectorByName(name) as AnyCollector, request);
    }
    startPrograms();
  }

  /** Resolves when no sample waits for a program any more. Undefined if none does. */
  programs(): Promise<unknown> | undefined {
    const running = [...this.#states.values()].flatMap((state) => state.running?.end ?? []);
    return running.length === 0 ? undefined : Promise.all(running);
  }

  /**
   * Returns collectors whose next value will come soon. Values that were sampled together belong together: after hostapd has started,
   * its clients would appear as neighbours of an interface that was no access point a moment ago.
   */
  expected(): ReadonlySet<CollectorName> {
    const sinceMs = monotonicMs() - MAX_EXPECTED_MS;
    const names = [...this.#states].flatMap(([name, { running }]) => (running && running.startedMs > sinceMs ? [name] : []));
    // A first value isn't waited for: the document would come later, and it has no earlier value to contradict.
    return new Set(names.filter((name) => this.held.has(name)));
  }

  /** Returns what has ended since the previous call. */
  take(wantsMetrics: boolean): Taken {
    if (wantsMetrics) this.#renderMetrics();
    const taken = this.#ended;
    this.#ended = newTaken();
    return taken;
  }

  #stateOf(name: CollectorName): State {
    return this.#states.get(name) as State;
  }

  #startSample(collector: AnyCollector, request: CycleRequest): void {
    const { name, lane } = collector;
    const state = this.#stateOf(name);
    this.#hooks.onStep(name);
    const readsSecrets = this.#options.exposeSecrets || request.wants.secrets;
    const isAlike = state.withSecrets === readsSecrets || !holdsSecrets(collector.view.json);
    const isList = lane === 'heavy';
    const reads = isList ? request.listReads.get(name) : state.reads;
    if (isAlike && reads && isUnchanged(this.#machine, reads)) {
      this.#ended.unchanged.push(name);
    } else if (isList) {
      this.#sampleList(name, request.wants);
    } else {
      this.#read(collector, request, readsSecrets);
    }
  }

  #sampleList(name: CollectorName, wants: Wants): void {
    const report = sampleShortList(this.#machine, this.#options, { collector: name, wants });
    if (report) this.#ended.lists.push(report);
    else this.#ended.longLists.push(name);
  }

  #read(collector: AnyCollector, { thorough, ipMonitor, wants }: CycleRequest, exposeSecrets: boolean): void {
    const { name, lane } = collector;
    const state = this.#stateOf(name);
    const startedMonotonicMs = monotonicMs();
    const lines = state.lines.take(ipMonitor?.sinceMs ?? 0);
    const sampling: Sampling<unknown> = {
      ...{ carried: state.carried, monotonicMs: startedMonotonicMs, nowMs: Date.now(), thorough, exposeSecrets },
      ipMonitor: ipMonitor && lines,
      maxStationMetrics: this.#options.maxStationMetrics,
    };
    const end = ({ result, reads, sources }: ReadResult) => {
      const outcome = this.#hold(collector, result, wants);
      Object.assign(state, { reads, withSecrets: exposeSecrets, running: undefined });
      if (outcome.kind === 'failed') state.lines.markGap();
      const tookMs = monotonicMs() - startedMonotonicMs;
      this.#ended.samples.push({ collector: name, outcome, startedMonotonicMs, tookMs, ...(sources && { sources }) });
    };
    const read = readSample(collector, lane === 'program' ? this.#withPrograms(name) : this.#machine, sampling, wants);
    if (!(read instanceof Promise)) {
      end(read);
      return;
    }
    const finished = read.then((result) => {
      end(result);
      this.#hooks.onLate();
    });
    state.running = { startedMs: startedMonotonicMs, end: finished };
  }

  /**
   * Returns a machine that starts programs when everything that is due has read its files. If a read hangs, the thread is abandoned. No
   * other thread can wait for its programs, so they would remain as zombies.
   */
  #withPrograms(name: CollectorName): Machine {
    return {
      ...this.#machine,
      run: async (program, args) => {
        await this.#mayStart;
        try {
          return await this.#machine.run(program, args);
        } finally {
          this.#hooks.onStep(name);
        }
      },
    };
  }

  /** Replaces the held value if the new one differs. */
  #hold(collector: AnyCollector, result: ReadValue | Failure, wants: Wants): Good | Failure {
    if (result.kind === 'failed') return result;
    const { absent, points } = result;
    try {
      const next = heldOf(collector, result.value, this.#options.exposeSecrets, wants);
      const before = this.held.get(collector.name);
      Object.assign(this.#stateOf(collector.name), { carried: result.carry, metrics: result.metrics });
      if (before && isSame(before, next)) return { kind: 'sampled', absent, points };
      this.held.set(collector.name, next);
      this.#ended.changed.add(collector.name);
      return { kind: 'sampled', absent, points, copy: next.copy };
    } catch (error) {
      return asFailure(error);
    }
  }

  #renderMetrics(): void {
    for (const [name, state] of this.#states) {
      if (!state.metrics) continue;
      try {
        this.#ended.metrics.set(name, renderFamilies(state.metrics()));
      } catch (error) {
        this.#ended.samples.push({ collector: name, outcome: asFailure(error), startedMonotonicMs: monotonicMs(), tookMs: 0 });
      }
      state.metrics = undefined;
    }
  }
}

function newState(): State {
  return {
    carried: undefined,
    reads: undefined,
    withSecrets: false,
    metrics: undefined,
    lines: new PendingLines(),
    running: undefined,
  };
}

function newTaken() {
  return {
    samples: [] as SampleReport[],
    unchanged: [] as CollectorName[],
    lists: [] as ListReport[],
    longLists: [] as CollectorName[],
    metrics: new Map<CollectorName, readonly RenderedFamily[]>(),
    changed: new Set<CollectorName>(),
  };
}
