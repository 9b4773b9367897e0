/**
 * Stores the bodies of documents at numbered generations, and age and error of each collector. It samples nothing, reads no value and
 * sends nothing.
 */
import { type CollectorName, collectors } from '../collectors/index.js';
import { type AnyDocument, documents } from '../documents/index.js';
import type { Change } from '../model/document.js';
import { type Clock, createClock, monotonicMs } from './clock.js';
import { freshnessOf } from './freshness.js';
import type { CycleReport, DocumentReport, Form, Restored, SampleReport } from './messages.js';
import type { CollectorRecord, DocumentRecord, StoredBody } from './records.js';

/** What a cycle brought for the store. */
export type Results = Pick<CycleReport, 'samples' | 'documents'> &
  Partial<Pick<CycleReport, 'unchanged' | 'metrics' | 'postponed' | 'startedMonotonicMs'>>;

/** Files that don't change are polled each second. Reporting each poll would make the headers of their documents again each time. */
const REPORT_UNCHANGED_MS = 10_000;

export class Store {
  readonly collectors: ReadonlyMap<CollectorName, CollectorRecord> = new Map(collectors.map((one) => [one.name, newCollectorRecord(one)]));
  readonly documents: ReadonlyMap<string, DocumentRecord> = new Map(documents.map((one) => [one.name, newDocumentRecord(one)]));
  /** See {@link Wants}. */
  wantsChanges = false;
  wantsMetrics = false;
  wantsSecrets = false;
  wantsSources = false;
  readonly #clock: Clock;
  readonly #listeners: ((record: DocumentRecord) => void)[] = [];
  readonly #sampleListeners: ((report: SampleReport) => void)[] = [];
  readonly #eventListeners: ((change: Change) => void)[] = [];
  #generation: number;
  #revision = 0;

  /**
   * @param firstGeneration start of the count. To tell its event ids from those of an earlier service, use a higher one than that can have
   * reached
   */
  constructor(firstGeneration = 0, clock = createClock()) {
    this.#generation = firstGeneration;
    this.#clock = clock;
    clock.onJump((movedMs) => this.#moveTimes(movedMs));
  }

  /** Counts changes of documents. */
  get generation(): number {
    return this.#generation;
  }

  /** Counts results. */
  get revision(): number {
    return this.#revision;
  }

  /** Sets the interval of a collector. */
  setInterval(name: CollectorName, intervalMs: number): void {
    this.#collector(name).intervalMs = intervalMs;
  }

  /**
   * Records what a cycle brought.
   *
   * @param thorough true if a client requested it. Then unchanged files count as sampled, however short a time ago they were read
   */
  record(results: Results, thorough = false): void {
    const { samples, documents: composed, unchanged = [], metrics, postponed, startedMonotonicMs = monotonicMs() } = results;
    for (const sample of samples) this.#recordSample(sample);
    const confirmed = unchanged.filter((name) => this.#recordUnchanged(name, startedMonotonicMs, thorough));
    for (const [name, families] of metrics ?? []) this.#collector(name).metrics = families;
    if (samples.length + confirmed.length + composed.length > 0) this.#revision++;
    const newBytes = new Set(composed.filter((report) => this.#recordDocument(report)).map(({ document }) => document));
    const sampled = new Set([...samples.map(({ collector }) => collector), ...confirmed]);
    const reported = new Set(composed.map(({ document }) => document));
    for (const [name, record] of this.documents) {
      if (postponed) record.isPostponed = postponed.includes(name);
      if (reported.has(name) || record.document.parts.some((part) => sampled.has(part))) this.#review(record, newBytes.has(name));
    }
  }

  /** Updates the states of documents, which change with time alone. */
  review(): void {
    // It notices if the clock was set.
    this.#clock.nowMs();
    for (const record of this.documents.values()) this.#review(record, false);
  }

  /** Returns what a worker that has just started continues with. */
  restored(): Restored {
    const copies = [...this.collectors].flatMap(([name, { copy }]) => (copy ? [[name, copy] as const] : []));
    const bodies = [...this.documents].flatMap(([name, { document, bodies: held }]) => {
      const body = document.changes && held.get(null);
      return body ? [[name, body.json] as const] : [];
    });
    const uncopied = [...this.collectors].flatMap(([name, { good, copy }]) => (good && !copy ? [name] : []));
    return { copies: new Map(copies), uncopied, bodies: new Map(bodies) };
  }

  /** Calls back after each change of a document's bytes, state or sampling time. */
  onChange(listener: (record: DocumentRecord) => void): void {
    this.#listeners.push(listener);
  }

  /** Calls back after each sample. */
  onSample(listener: (report: SampleReport) => void): void {
    this.#sampleListeners.push(listener);
  }

  /** Calls back after each change within a document, such as a client that joined, if {@link Store.wantsChanges} is true. */
  onEvent(listener: (change: Change) => void): void {
    this.#eventListeners.push(listener);
  }

  #collector(name: CollectorName): CollectorRecord {
    return this.collectors.get(name) as CollectorRecord;
  }

  #recordSample(report: SampleReport): void {
    const { collector: name, outcome, tookMs, startedMonotonicMs, sources } = report;
    const record = this.#collector(name);
    record.endedAtMonotonicMs = startedMonotonicMs + tookMs;
    record.tookMs = tookMs;
    if (sources) record.sources = sources;
    if (outcome.kind === 'failed') {
      record.failure = outcome;
    } else {
      record.good = outcome;
      if (outcome.copy !== undefined) record.copy = outcome.copy ?? undefined;
      this.#confirm(record, startedMonotonicMs);
    }
    for (const listener of this.#sampleListeners) listener(report);
  }

  /** Records that a value is good. */
  #confirm(record: CollectorRecord, atMonotonicMs: number): void {
    record.goodAtMonotonicMs = atMonotonicMs;
    record.goodAtMs = this.#clock.nowMs() - (monotonicMs() - atMonotonicMs);
    record.failure = undefined;
  }

  /** Records that the files of a collector have not changed. @returns true if its documents have another sampling time */
  #recordUnchanged(name: CollectorName, atMonotonicMs: number, thorough: boolean): boolean {
    const record = this.#collector(name);
    record.endedAtMonotonicMs = monotonicMs();
    if (record.failure) return false; // it failed, and would fail again
    record.goodAtMonotonicMs = atMonotonicMs;
    if (!thorough && record.goodAtMs !== undefined && this.#clock.nowMs() - record.goodAtMs < REPORT_UNCHANGED_MS) return false;
    this.#confirm(record, atMonotonicMs);
    return true;
  }

  /** Records a document. @returns true if it has other bytes */
  #recordDocument(report: DocumentReport): boolean {
    const record = this.documents.get(report.document) as DocumentRecord;
    if (report.kind === 'not-composed') {
      record.failure = report.failure;
      return false;
    }
    const modifiedMs = this.#clock.nowMs();
    const { bodies, changed } = replaceChanged(record.bodies, report.form, modifiedMs);
    const secret = report.secretForm && replaceChanged(record.secretBodies ?? new Map(), report.secretForm, modifiedMs);
    const secretsChanged = secret ? secret.changed : record.secretBodies !== undefined;
    Object.assign(record, { bodies, secretBodies: secret?.bodies, failure: undefined, metrics: report.metrics ?? record.metrics });
    for (const change of report.changes) for (const listener of this.#eventListeners) listener(change);
    return changed || secretsChanged;
  }

  #review(record: DocumentRecord, newBytes: boolean, isMoved = false): void {
    const parts = record.document.parts.map((name) => this.#collector(name));
    const now = freshnessOf(record, parts);
    const { state, problem } = record;
    const newState = now.state !== state || now.problem?.code !== problem?.code || now.problem?.message !== problem?.message;
    if (!newBytes && !newState && !isMoved && now.sampledAtMs === record.sampledAtMs) return;
    if (newBytes || newState) this.#generation++;
    if (newBytes) record.generation = this.#generation;
    Object.assign(record, now);
    for (const listener of this.#listeners) listener(record);
  }

  /** A sample that is three seconds old stays three seconds old when the clock is set, and no sample is from the future. */
  #moveTimes(movedMs: number): void {
    for (const record of this.collectors.values()) if (record.goodAtMs !== undefined) record.goodAtMs += movedMs;
    for (const record of this.documents.values()) {
      record.bodies = movedBy(record.bodies, movedMs);
      record.secretBodies = record.secretBodies && movedBy(record.secretBodies, movedMs);
      if (record.sampledAtMs !== null) record.sampledAtMs += movedMs;
      this.#review(record, false, record.sampledAtMs !== null);
    }
  }
}

function newCollectorRecord(collector: CollectorRecord['collector']): CollectorRecord {
  return {
    collector,
    intervalMs: Number.POSITIVE_INFINITY,
    good: undefined,
    goodAtMs: undefined,
    goodAtMonotonicMs: undefined,
    endedAtMonotonicMs: undefined,
    tookMs: 0,
    copy: undefined,
    metrics: [],
    sources: [],
    failure: undefined,
  };
}

function newDocumentRecord(document: AnyDocument): DocumentRecord {
  return {
    document,
    generation: 0,
    metrics: [],
    state: 'absent',
    problem: null,
    sampledAtMs: null,
    bodies: new Map(),
    secretBodies: undefined,
    isPostponed: false,
    failure: undefined,
  };
}

/** Returns all bodies of a form. A body with the same bytes as before keeps its modification time. */
function replaceChanged(before: ReadonlyMap<string | null, StoredBody>, { pages, changed: given }: Form, modifiedMs: number) {
  const now = new Map(given.map((body) => [body.page, body]));
  let changed = before.size !== pages.length;
  const bodies = new Map<string | null, StoredBody>();
  for (const page of pages) {
    const old = before.get(page);
    const body = now.get(page);
    if (body && body.tag !== old?.tag) {
      changed = true;
      bodies.set(page, { ...body, modifiedMs });
    } else if (old) bodies.set(page, old);
  }
  return { bodies, changed };
}

function movedBy(bodies: ReadonlyMap<string | null, StoredBody>, ms: number): ReadonlyMap<string | null, StoredBody> {
  return new Map([...bodies].map(([page, body]) => [page, { ...body, modifiedMs: body.modifiedMs + ms }]));
}
