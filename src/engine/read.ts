/** Takes one sample of one collector. */
import type { AnyCollector } from '../collectors/index.js';
import { Absent, SourceError } from '../errors.js';
import type { Machine } from '../machine/machine.js';
import type { Sample, Sampling } from '../model/collector.js';
import type { MetricFamily } from '../model/metrics.js';
import { type Reads, recordReads } from './change-detection.js';
import type { Failure, Good, Wants } from './messages.js';
import { recordSources } from './sources.js';

/** A value that a collector has read, or its empty one. */
export interface ReadValue {
  readonly kind: 'read';
  readonly value: unknown;
  readonly absent: string | null;
  readonly carry: unknown;
  readonly metrics: (() => readonly MetricFamily[]) | undefined;
  readonly points: Good['points'];
}

/** How a read ended, and what it used. */
export interface ReadResult {
  readonly result: ReadValue | Failure;
  readonly reads: Reads | undefined;
  readonly sources: readonly string[] | undefined;
}

/** Takes one sample. Never throws and never rejects: errors lose their class on the way to another thread. */
export function readSample(
  collector: AnyCollector,
  machine: Machine,
  sampling: Sampling<unknown>,
  wants: Wants,
): ReadResult | Promise<ReadResult> {
  const sources = wants.sources ? recordSources(machine) : undefined;
  const observed = sources?.machine ?? machine;
  const recording = collector.trigger === 'file-change' ? recordReads(observed, sampling.nowMs) : undefined;
  const finish = (result: ReadValue | Failure): ReadResult => ({
    result,
    reads: isTransient(result) ? undefined : recording?.reads(),
    sources: sources && [...sources.sources],
  });
  const failed = (error: unknown) => finish(failureOf(error, collector));
  const good = (sample: Sample<unknown, unknown>) => finish(readValueOf(sample, null));
  try {
    const sample = collector.read(recording?.machine ?? observed, sampling);
    return sample instanceof Promise ? sample.then(good, failed) : good(sample);
  } catch (error) {
    return failed(error);
  }
}

function readValueOf({ value, carry, metrics, points = {} }: Sample<unknown, unknown>, absent: string | null): ReadValue {
  return { kind: 'read', value, absent, carry, metrics, points };
}

function failureOf(error: unknown, { absent }: AnyCollector): ReadValue | Failure {
  return error instanceof Absent ? readValueOf({ value: absent }, error.message) : asFailure(error);
}

/** Describes an error. */
export function asFailure(error: unknown): Failure {
  if (error instanceof SourceError) return { kind: 'failed', code: error.code, message: error.message };
  // A defect of apsnap: clients see one line of it.
  return { kind: 'failed', code: 'internal', message: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
}

/** Returns whether a sample may end otherwise although no file has changed. */
function isTransient(result: ReadValue | Failure): boolean {
  return result.kind === 'failed' && (result.code === 'unreadable' || result.code === 'internal');
}
