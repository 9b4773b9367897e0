/**
 * What is known: the last good value of each collector, its age and its error; the documents composed of them, at
 * numbered generations. It samples nothing and sends nothing.
 */

import { type AnyCollector, type CollectorName, collectorByName, collectors } from '../collectors/index.js';
import { type AnyDocument, documents } from '../documents/index.js';
import type { RenderedFamily } from '../encode/prometheus.js';
import { freeShared } from '../encode/shared.js';
import type { SourceErrorCode } from '../errors.js';
import { type Change, hasSecrets } from '../model/document.js';
import { adviceFor } from './advice.js';
import type { Body, Composed, Failure, Outcome, Sampled } from './messages.js';

/** Why something is not fresh, as `/snapshot` shows it. */
export interface Problem {
  readonly code: SourceErrorCode | 'pending' | 'overdue';
  readonly message: string;
  /** What to do about it; null: wait. */
  readonly advice: string | null;
}

/** A problem in one line. */
export function problemText({ message, advice }: Problem): string {
  return advice === null ? message : `${message} (${advice})`;
}

/** What is known of a collector. Times are Unix milliseconds. */
export interface CollectorRecord {
  readonly collector: AnyCollector;
  /** Time between two samples, by which it is judged to be late; infinite where there is no schedule. */
  intervalMs: number;
  /** Its last good sample. */
  good: Sampled | undefined;
  goodAtMs: number | undefined;
  /** The same by the clock that never jumps. */
  goodAtMonotonicMs: number | undefined;
  /** Clock that never jumps, when the last sample ended, good or not. */
  endedAtMonotonicMs: number | undefined;
  tookMs: number;
  /** Why the last sample was not good. */
  failure: Failure | undefined;
}

export type State = 'fresh' | 'stale' | 'absent';

export interface StoredBody extends Body {
  /** When these bytes were first made. */
  readonly modifiedMs: number;
}

export interface DocumentRecord {
  readonly document: AnyDocument;
  /** What the store counted when its bytes last changed. */
  generation: number;
  metrics: readonly RenderedFamily[];
  /** absent: it has no bytes. */
  state: State;
  problem: Problem | null;
  /** When what it says was sampled; of a stale one, when its oldest part was. */
  sampledAtMs: number | null;
  /** By page; the document itself under null. */
  bodies: ReadonlyMap<string | null, StoredBody>;
  /** The same with secrets, for who may see them; undefined: nobody may, or there are none. */
  secretBodies: ReadonlyMap<string | null, StoredBody> | undefined;
}

export interface Store {
  readonly collectors: ReadonlyMap<CollectorName, CollectorRecord>;
  readonly documents: ReadonlyMap<string, DocumentRecord>;
  /** Counts changes of documents, from 1. */
  readonly generation: number;
  /** Counts samples and compositions, good or not. */
  readonly revision: number;
  /** Tells how often a collector is sampled. */
  setInterval(name: CollectorName, intervalMs: number): void;
  /** Records how a sample ended. @returns whether documents have to be composed: its value is another, or one could not be composed the last time */
  sampled(name: CollectorName, outcome: Outcome, tookMs: number): boolean;
  composed(name: string, outcome: Composed | Failure): void;
  /** Looks again at what is fresh, as time goes by. */
  review(): void;
  /** Values of a document's parts; undefined while one that it needs is missing. */
  partsOf(document: AnyDocument): Record<string, Uint8Array> | undefined;
  /** Those of them that have secrets, with these; undefined if the document shows none, or nobody may see them. */
  secretPartsOf(document: AnyDocument): Record<string, Uint8Array> | undefined;
  /** Calls back after each change of a document: of its bytes, its state or when it was sampled. */
  onChange(listener: (record: DocumentRecord) => void): void;
  /** Calls back after each sample. */
  onSample(listener: (record: CollectorRecord, outcome: Outcome) => void): void;
  /** Calls back when something has happened to a document; see {@link Store.wantsChanges}. */
  onEvent(listener: (change: Change) => void): void;
  /** Whether anybody listens to what happens to documents: finding out costs. */
  wantsChanges: boolean;
  /** Whether anybody asks for metrics: making them costs. */
  wantsMetrics: boolean;
  /** Whether there is a key that sees secrets: without one they do not leave the threads that sample. */
  wantsSecrets: boolean;
}

/** A collector is late after this many intervals without a sample, and some time for a busy machine and for another that hung beside it. */
const LATE_INTERVALS = 3;
const LATE_SLACK_MS = 4_000;
/** A wall clock that moves this much against the steady one was set. */
const CLOCK_SET_MS = 500;
/** A large list that was replaced is freed after this long. */
const FREE_AFTER_MS = 2_000;

/**
 * @param firstGeneration where counting starts: higher than a service before this one may have counted, where that matters
 */
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

  let freeing: NodeJS.Timeout | undefined;

  /** Once for several lists, and when those who were being sent the old one are likely to have it. */
  function freeSoon(): void {
    freeing ??= setTimeout(() => {
      freeing = undefined;
      freeShared();
    }, FREE_AFTER_MS);
    freeing.unref();
  }

  let clockOffsetMs = Date.now() - performance.now();

  /**
   * The wall clock. Has it been set, times that are known are set too: what was sampled three seconds ago was so by the new clock
   * as well, and nothing is from the future.
   */
  function wallClockMs(): number {
    const nowMs = Date.now();
    const movedMs = nowMs - performance.now() - clockOffsetMs;
    if (Math.abs(movedMs) < CLOCK_SET_MS) return nowMs;
    clockOffsetMs += movedMs;
    for (const record of records.values()) if (record.goodAtMs !== undefined) record.goodAtMs += Math.round(movedMs);
    for (const record of documentRecords.values()) {
      record.bodies = movedBy(record.bodies, Math.round(movedMs));
      record.secretBodies = record.secretBodies && movedBy(record.secretBodies, Math.round(movedMs));
      reviewDocument(record, false);
    }
    return nowMs;
  }

  const partRecords = (document: AnyDocument) => document.parts.map((name) => records.get(name) as CollectorRecord);

  function reviewDocument(record: DocumentRecord, newBytes: boolean): void {
    const parts = partRecords(record.document);
    const troubled = parts.filter((part) => problemOf(part) !== null);
    const composeFailure = composeFailures.get(record.document.name);
    const missing = parts.find((part) => !part.good && record.document.required.includes(part.collector.name));
    // What is missing first: it is why there is nothing to be sent.
    const culprit = missing ?? troubled[0];
    const problem = culprit ? problemOf(culprit) : composeFailure ? problemOfDocument(record.document, composeFailure) : null;
    const state: State = record.bodies.size === 0 ? 'absent' : problem ? 'stale' : 'fresh';
    const times = (state === 'stale' && troubled.some((part) => part.good) ? troubled : parts).flatMap((part) => part.goodAtMs ?? []);
    const sampledAtMs = times.length === 0 ? null : state === 'stale' ? Math.min(...times) : Math.max(...times);
    const newState = state !== record.state || problem?.code !== record.problem?.code || problem?.message !== record.problem?.message;
    if (!newBytes && !newState && sampledAtMs === record.sampledAtMs) return;
    if (newBytes || newState) generation++;
    if (newBytes) record.generation = generation;
    Object.assign(record, { state, problem, sampledAtMs });
    for (const listener of listeners) listener(record);
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
    sampled(name, outcome, tookMs) {
      revision++;
      const record = records.get(name) as CollectorRecord;
      record.endedAtMonotonicMs = performance.now();
      record.tookMs = tookMs;
      let changed = false;
      if (outcome.ok) {
        if (!outcome.unchanged) {
          changed = !record.good || !sameBytes(record.good.value, outcome.value) || !sameSecrets(record.good, outcome);
          record.good = outcome;
        }
        record.goodAtMs = wallClockMs();
        record.goodAtMonotonicMs = record.endedAtMonotonicMs;
        record.failure = undefined;
      } else {
        record.failure = outcome;
      }
      for (const listener of sampleListeners) listener(record, outcome);
      // Composing tells of what changed; only times and troubles are told now.
      for (const part of documentRecords.values()) if (!changed && part.document.parts.includes(name)) reviewDocument(part, false);
      return (
        changed ||
        (outcome.ok &&
          [...documentRecords.values()].some(({ document }) => document.parts.includes(name) && composeFailures.has(document.name)))
      );
    },
    composed(name, outcome) {
      revision++;
      const record = documentRecords.get(name) as DocumentRecord;
      if (!outcome.ok) {
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
      if (changed && record.document.verbatim) freeSoon();
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
  };
}

/** Why a collector's value is not to be relied on; null if it is. */
export function problemOf(record: CollectorRecord): Problem | null {
  const { collector, failure, endedAtMonotonicMs, intervalMs } = record;
  if (failure) return namedProblem(collector.name, failure, collector.advice);
  if (endedAtMonotonicMs === undefined) return { code: 'pending', message: `${collector.name}: not sampled yet`, advice: null };
  const agoMs = performance.now() - endedAtMonotonicMs;
  if (agoMs <= LATE_INTERVALS * intervalMs + LATE_SLACK_MS) return null;
  // In whole intervals, so that the message does not change with each look.
  const message = `${collector.name}: not sampled for more than ${LATE_INTERVALS} intervals of ${intervalMs / 1000} s`;
  return { code: 'overdue', message, advice: null };
}

/** Why a document could not be made, or a query of it not be answered. */
export function problemOfDocument({ name, parts }: AnyDocument, failure: Failure): Problem {
  const advice = parts.map((part) => collectorByName(part)?.advice).find((text) => text !== undefined);
  return namedProblem(name, failure, advice);
}

/** Whether a collector's last good sample, if there is one, is too old to be taken for what is so now. */
export function isExpired({ goodAtMonotonicMs, intervalMs }: CollectorRecord): boolean {
  if (goodAtMonotonicMs === undefined) return true;
  return performance.now() - goodAtMonotonicMs > LATE_INTERVALS * intervalMs + LATE_SLACK_MS;
}

function namedProblem(name: string, failure: Failure, advice?: string): Problem {
  return { code: failure.code, message: `${name}: ${failure.message}`, advice: adviceFor(failure, advice) };
}

/** Bodies whose bytes are the same keep the time at which they were made. */
function keepUnchanged(before: ReadonlyMap<string | null, StoredBody>, now: readonly Body[], modifiedMs: number) {
  let changed = before.size !== now.length;
  const bodies = new Map<string | null, StoredBody>();
  for (const body of now) {
    const old = before.get(body.page);
    if (old?.tag === body.tag) {
      // The new bytes all the same: a large body's are those of its part, which would be there twice.
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

/** A large value may be the same and count as another: that shows when its document has been made. */
const COMPARED_BYTES = 1 << 20;

function sameSecrets({ secretValue: a }: Sampled, { secretValue: b }: Sampled): boolean {
  return a === undefined || b === undefined ? a === b : sameBytes(a, b);
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length > COMPARED_BYTES) return false;
  return a.length === b.length && Buffer.compare(a, b) === 0;
}
