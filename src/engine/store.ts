/**
 * Stores the last good value of each collector, its age and its error, and the documents composed of them, at numbered
 * generations. It samples nothing and sends nothing.
 */
import { type CollectorName, collectors } from '../collectors/index.js';
import { type AnyDocument, documents } from '../documents/index.js';
import type { Body } from '../encode/body.js';
import { type Change, hasSecrets } from '../model/document.js';
import { createClockWatch } from './clock.js';
import { problemOf, problemOfDocument } from './freshness.js';
import type { Composed, Failure, Outcome, Sampled } from './messages.js';
import type { CollectorRecord, DocumentRecord, State, StoredBody } from './records.js';

export interface Store {
  readonly collectors: ReadonlyMap<CollectorName, CollectorRecord>;
  readonly documents: ReadonlyMap<string, DocumentRecord>;
  /** Counts changes of documents, from 1. */
  readonly generation: number;
  /** Counts samples and compositions, including failed ones. */
  readonly revision: number;
  /** Sets the interval of a collector. */
  setInterval(name: CollectorName, intervalMs: number): void;
  /**
   * Records the result of a sample.
   *
   * @returns true if documents must be composed again: the value has changed, or the last composition failed
   */
  sampled(name: CollectorName, outcome: Outcome, tookMs: number, sources?: readonly string[], thorough?: boolean): boolean;
  composed(name: string, outcome: Composed | Failure): void;
  /** Updates the states of documents, which change with time alone. */
  review(): void;
  /** Returns the values of a document's parts, or undefined while a required one is missing. */
  partsOf(document: AnyDocument): Record<string, Uint8Array> | undefined;
  /** Returns the values that have secrets, with their secrets. Undefined if the document has none, or no key may read them. */
  secretPartsOf(document: AnyDocument): Record<string, Uint8Array> | undefined;
  /** Calls back after each change of a document's bytes, state or sampling time. */
  onChange(listener: (record: DocumentRecord) => void): void;
  /** Calls back after each sample. */
  onSample(listener: (record: CollectorRecord, outcome: Outcome) => void): void;
  /** Calls back after each change within a document, such as a client that joined, if {@link Store.wantsChanges} is true. */
  onEvent(listener: (change: Change) => void): void;
  /** True if a client listens to changes within documents. Finding them costs time. */
  wantsChanges: boolean;
  /** True if metrics are being scraped. Rendering them costs time. */
  wantsMetrics: boolean;
  /** True if a key may read secrets. Without one, secrets never leave the workers. */
  wantsSecrets: boolean;
  /** True if `doctor` shows what collectors read. The service doesn't: hostapd's collector alone reads a file of each process. */
  wantsSources: boolean;
}

/** The wall clock was set if it moved by more than this against the monotonic clock. */
const CLOCK_SET_MS = 500;
/** Files that don't change are polled each second. Reporting each poll would make the headers of their documents again each time. */
const REPORT_UNCHANGED_MS = 10_000;

/** @param firstGeneration start of the count. To tell its event ids from those of an earlier service, use a higher one than that can have reached. */
export function createStore(firstGeneration = 0): Store {
  const records = new Map<CollectorName, CollectorRecord>(
    collectors.map((collector) => [
      collector.name,
      {
        collector,
        intervalMs: Number.POSITIVE_INFINITY,
        good: undefined,
        goodAtMs: undefined,
        goodAtMonotonicMs: undefined,
        endedAtMonotonicMs: undefined,
        tookMs: 0,
        sources: [],
        failure: undefined,
      },
    ]),
  );
  const documentRecords = new Map<string, DocumentRecord>(
    documents.map((document) => [
      document.name,
      {
        document,
        generation: 0,
        metrics: [],
        state: 'absent',
        problem: null,
        sampledAtMs: null,
        bodies: new Map(),
        secretBodies: undefined,
      },
    ]),
  );
  const listeners: ((record: DocumentRecord) => void)[] = [];
  const sampleListeners: ((record: CollectorRecord, outcome: Outcome) => void)[] = [];
  const eventListeners: ((change: Change) => void)[] = [];
  const composeFailures = new Map<string, Failure>();
  let generation = firstGeneration;
  let revision = 0;

  const clockMovedMs = createClockWatch(CLOCK_SET_MS);

  /**
   * Returns the wall clock. If it was set, recorded times move with it: a sample that is three seconds old stays three seconds old, and
   * no sample is from the future.
   */
  function wallClockMs(): number {
    const movedMs = Math.round(clockMovedMs());
    if (movedMs === 0) return Date.now();
    for (const record of records.values()) if (record.goodAtMs !== undefined) record.goodAtMs += movedMs;
    for (const record of documentRecords.values()) {
      record.bodies = movedBy(record.bodies, movedMs);
      record.secretBodies = record.secretBodies && movedBy(record.secretBodies, movedMs);
      reviewDocument(record, false);
    }
    return Date.now();
  }

  const partRecords = (document: AnyDocument) => document.parts.map((name) => records.get(name) as CollectorRecord);

  function reviewDocument(record: DocumentRecord, newBytes: boolean): void {
    const parts = partRecords(record.document);
    const failing = parts.filter((part) => problemOf(part) !== null);
    const composeFailure = composeFailures.get(record.document.name);
    const missing = parts.find((part) => !part.good && record.document.required.includes(part.collector.name));
    // A missing part comes first, because it is why there is no body.
    const culprit = missing ?? failing[0];
    const problem = culprit ? problemOf(culprit) : composeFailure ? problemOfDocument(record.document, composeFailure) : null;
    const state: State = record.bodies.size === 0 ? 'absent' : problem ? 'stale' : 'fresh';
    const times = (state === 'stale' && failing.some((part) => part.good) ? failing : parts).flatMap((part) => part.goodAtMs ?? []);
    const sampledAtMs = times.length === 0 ? null : state === 'stale' ? Math.min(...times) : Math.max(...times);
    const newState = state !== record.state || problem?.code !== record.problem?.code || problem?.message !== record.problem?.message;
    if (!newBytes && !newState && sampledAtMs === record.sampledAtMs) return;
    if (newBytes || newState) generation++;
    if (newBytes) record.generation = generation;
    Object.assign(record, { state, problem, sampledAtMs });
    for (const listener of listeners) listener(record);
  }

  /** Returns whether a sample that found no change can go unreported, because the last report is recent and nothing has failed. */
  function isConfirmed({ failure, goodAtMs }: CollectorRecord): boolean {
    return !failure && composeFailures.size === 0 && goodAtMs !== undefined && Date.now() - goodAtMs < REPORT_UNCHANGED_MS;
  }

  return {
    collectors: records,
    documents: documentRecords,
    get generation() {
      return generation;
    },
    get revision() {
      return revision;
    },
    setInterval(name, intervalMs) {
      (records.get(name) as CollectorRecord).intervalMs = intervalMs;
    },
    sampled(name, outcome, tookMs, sources, thorough = true) {
      const record = records.get(name) as CollectorRecord;
      record.endedAtMonotonicMs = performance.now();
      record.tookMs = tookMs;
      if (outcome.kind === 'unchanged' && !thorough && isConfirmed(record)) {
        record.goodAtMonotonicMs = record.endedAtMonotonicMs;
        return false;
      }
      revision++;
      if (sources && (outcome.kind === 'sampled' || outcome.kind === 'failed')) record.sources = sources;
      let changed = false;
      if (outcome.kind === 'failed') {
        record.failure = outcome;
      } else if (outcome.kind === 'unchanged' && record.failure) {
        // It failed, and would fail again.
      } else {
        if (outcome.kind === 'sampled') {
          changed = !record.good || !sameValue(record.good, outcome) || !sameSecrets(record.good, outcome);
          record.good = outcome;
        }
        record.goodAtMs = wallClockMs();
        record.goodAtMonotonicMs = record.endedAtMonotonicMs;
        record.failure = undefined;
      }
      for (const listener of sampleListeners) listener(record, outcome);
      // Composing reports changed bodies, so report only times and errors here.
      for (const part of documentRecords.values()) if (!changed && part.document.parts.includes(name)) reviewDocument(part, false);
      return (
        changed ||
        (outcome.kind !== 'failed' &&
          [...documentRecords.values()].some(({ document }) => document.parts.includes(name) && composeFailures.has(document.name)))
      );
    },
    composed(name, outcome) {
      revision++;
      const record = documentRecords.get(name) as DocumentRecord;
      if (outcome.kind === 'failed') {
        composeFailures.set(name, outcome);
        reviewDocument(record, false);
        return;
      }
      composeFailures.delete(name);
      const modifiedMs = wallClockMs();
      const { bodies, changed } = keepUnchanged(record.bodies, outcome.bodies, modifiedMs);
      const secret = outcome.secretBodies && keepUnchanged(record.secretBodies ?? new Map(), outcome.secretBodies, modifiedMs);
      const secretsChanged = secret ? secret.changed : record.secretBodies !== undefined;
      record.bodies = bodies;
      record.secretBodies = secret?.bodies;
      record.metrics = outcome.metrics;
      reviewDocument(record, changed || secretsChanged);
      for (const change of outcome.changes) for (const listener of eventListeners) listener(change);
    },
    review() {
      wallClockMs();
      for (const record of documentRecords.values()) reviewDocument(record, false);
    },
    partsOf(document) {
      const good = partRecords(document).filter((part) => part.good);
      const names = new Set(good.map((part) => part.collector.name));
      if (!document.required.every((name) => names.has(name))) return undefined;
      return Object.fromEntries(good.map((part) => [part.collector.name, (part.good as Sampled).value]));
    },
    secretPartsOf(document) {
      if (!hasSecrets(document)) return undefined;
      const parts = partRecords(document).flatMap(({ collector, good }) => (good?.secretValue ? [[collector.name, good.secretValue]] : []));
      return parts.length === 0 ? undefined : Object.fromEntries(parts);
    },
    onChange: (listener) => void listeners.push(listener),
    onSample: (listener) => void sampleListeners.push(listener),
    onEvent: (listener) => void eventListeners.push(listener),
    wantsChanges: false,
    wantsMetrics: false,
    wantsSecrets: false,
    wantsSources: false,
  };
}

/** Returns the new bodies. A body with the same bytes as before keeps its modification time. */
function keepUnchanged(before: ReadonlyMap<string | null, StoredBody>, now: readonly Body[], modifiedMs: number) {
  let changed = before.size !== now.length;
  const bodies = new Map<string | null, StoredBody>();
  for (const body of now) {
    const old = before.get(body.page);
    if (old?.tag === body.tag) {
      // Keep the new bytes: a large body shares them with the value of its part, so the old ones would be in memory twice.
      bodies.set(body.page, { ...body, modifiedMs: old.modifiedMs });
    } else {
      changed = true;
      bodies.set(body.page, { ...body, modifiedMs });
    }
  }
  return { bodies, changed };
}

function movedBy(bodies: ReadonlyMap<string | null, StoredBody>, ms: number): ReadonlyMap<string | null, StoredBody> {
  return new Map([...bodies].map(([page, body]) => [page, { ...body, modifiedMs: body.modifiedMs + ms }]));
}

function sameValue(a: Sampled, b: Sampled): boolean {
  // Comparing the bytes of a large body would hold up requests.
  return a.body && b.body ? a.body.tag === b.body.tag : sameBytes(a.value, b.value);
}

function sameSecrets({ secretValue: a }: Sampled, { secretValue: b }: Sampled): boolean {
  return a === undefined || b === undefined ? a === b : sameBytes(a, b);
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}
