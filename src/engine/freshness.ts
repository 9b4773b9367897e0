/** Decides whether a collector's last value is fresh, and says why if it isn't. */
import { collectorByName } from '../collectors/index.js';
import type { AnyDocument } from '../documents/index.js';
import type { CollectorLane } from '../model/collector.js';
import { adviceFor } from './advice.js';
import { monotonicMs } from './clock.js';
import type { Failure } from './messages.js';
import type { CollectorRecord, Problem } from './records.js';

/** A collector is overdue after this many intervals without a sample, and some time for a busy machine or another collector that hung. */
const LATE_INTERVALS = 3;
/** A heavy sample may take a minute, and waits for others that do. */
const LATE_SLACK_MS: Readonly<Record<CollectorLane, number>> = { quick: 4_000, program: 4_000, heavy: 90_000 };

/** Returns a problem in one line. */
export function problemText({ message, advice }: Problem): string {
  return advice === null ? message : `${message} (${advice})`;
}

/** Returns why a collector's value isn't fresh; null if it is. */
export function problemOf(record: CollectorRecord): Problem | null {
  const { collector, failure, endedAtMonotonicMs, intervalMs } = record;
  if (failure) return namedProblem(collector.name, failure, collector.advice);
  if (endedAtMonotonicMs === undefined) return { code: 'pending', message: `${collector.name}: not sampled yet`, advice: null };
  if (!isLate(record, endedAtMonotonicMs)) return null;
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
export function isExpired(record: CollectorRecord): boolean {
  return record.goodAtMonotonicMs === undefined || isLate(record, record.goodAtMonotonicMs);
}

function isLate({ collector, intervalMs }: CollectorRecord, sinceMonotonicMs: number): boolean {
  return monotonicMs() - sinceMonotonicMs > LATE_INTERVALS * intervalMs + LATE_SLACK_MS[collector.lane];
}

function namedProblem(name: string, failure: Failure, advice?: string): Problem {
  return { code: failure.code, message: `${name}: ${failure.message}`, advice: adviceFor(failure, advice) };
}
