/**
 * Decides whether a collector's last value, or a document, is fresh, and says why if it isn't.
 *
 * | last sample of the collector | its age | problem |
 * | --- | --- | --- |
 * | none | | `pending` |
 * | failed | any | the failure |
 * | good | up to three intervals and some slack | none |
 * | good | more | `overdue` |
 *
 * | document has bytes | problem of a part, or of its composition | state |
 * | --- | --- | --- |
 * | no | any | `absent` |
 * | yes | none | `fresh` |
 * | yes | any | `stale` |
 */
import { collectorByName } from '../collectors/index.js';
import type { AnyDocument } from '../documents/index.js';
import type { CollectorLane } from '../model/collector.js';
import { adviceFor } from './advice.js';
import { monotonicMs } from './clock.js';
import type { Failure } from './messages.js';
import type { CollectorRecord, DocumentRecord, Problem } from './records.js';

/** A collector is overdue after this many intervals without a sample, and some time for a busy machine or another collector that hung. */
const LATE_INTERVALS = 3;
/** A heavy sample may take a minute, and waits for others that do. */
const LATE_SLACK_MS: Readonly<Record<CollectorLane, number>> = { quick: 4_000, program: 4_000, heavy: 90_000 };

/** Returns a problem in one line. */
export function problemText({ message, advice }: Problem): string {
  return advice === null ? message : `${message} (${advice})`;
}

/** Returns why a collector's value isn't fresh; null if it is. */
export function problemOf(record: CollectorRecord, nowMs = monotonicMs()): Problem | null {
  const { collector, failure, endedAtMonotonicMs, intervalMs } = record;
  if (failure) return namedProblem(collector.name, failure, collector.advice);
  if (endedAtMonotonicMs === undefined) return { code: 'pending', message: `${collector.name}: not sampled yet`, advice: null };
  if (!isLate(record, endedAtMonotonicMs, nowMs)) return null;
  // The message counts in whole intervals, so that it stays the same from one review to the next.
  const message = `${collector.name}: not sampled for more than ${LATE_INTERVALS} intervals of ${intervalMs / 1000} s`;
  return { code: 'overdue', message, advice: null };
}

/** Returns why a document could not be composed, or a query of it could not be answered. */
export function problemOfDocument({ name, parts }: AnyDocument, failure: Failure): Problem {
  const advice = parts.map((part) => collectorByName(part)?.advice).find((text) => text !== undefined);
  return namedProblem(name, failure, advice);
}

/** Returns whether a collector has no good sample, or one that is too old to count as current. */
export function isExpired(record: CollectorRecord, nowMs = monotonicMs()): boolean {
  return record.goodAtMonotonicMs === undefined || isLate(record, record.goodAtMonotonicMs, nowMs);
}

/**
 * Decides whether a document is fresh, and when it was sampled: when its newest part was; if it is stale, when its oldest failing part was.
 *
 * @param parts records of its collectors
 */
export function freshnessOf(
  { document, bodies, failure, isPostponed, sampledAtMs: composedAtMs }: DocumentRecord,
  parts: readonly CollectorRecord[],
  nowMs = monotonicMs(),
): Pick<DocumentRecord, 'state' | 'problem' | 'sampledAtMs'> {
  const problems = parts.map((part) => problemOf(part, nowMs));
  // A missing part comes first, because it is why there is no body.
  const missing = parts.findIndex((part) => !part.good && document.required.includes(part.collector.name));
  const ofParts = problems[missing] ?? problems.find((problem) => problem !== null);
  const problem = ofParts ?? (failure ? problemOfDocument(document, failure) : null);
  const state = bodies.size === 0 ? 'absent' : problem ? 'stale' : 'fresh';
  const failing = parts.filter((part, index) => problems[index] && part.good);
  const times = (state === 'stale' && failing.length > 0 ? failing : parts).flatMap((part) => part.goodAtMs ?? []);
  if (times.length === 0) return { state, problem, sampledAtMs: null };
  const sampledAtMs = state === 'stale' ? Math.min(...times) : Math.max(...times);
  // Without a new composition, its bytes are no newer than before.
  const isOld = composedAtMs !== null && (failure !== undefined || isPostponed);
  return { state, problem, sampledAtMs: isOld ? Math.min(sampledAtMs, composedAtMs) : sampledAtMs };
}

function isLate({ collector, intervalMs }: CollectorRecord, sinceMs: number, nowMs: number): boolean {
  return nowMs - sinceMs > LATE_INTERVALS * intervalMs + LATE_SLACK_MS[collector.lane];
}

function namedProblem(name: string, failure: Failure, advice?: string): Problem {
  return { code: failure.code, message: `${name}: ${failure.message}`, advice: adviceFor(failure, advice) };
}
