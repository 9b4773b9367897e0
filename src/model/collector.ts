/** What a collector is: one source of values, that can fail or hang on its own. */
import type { Machine } from '../machine/machine.js';
import type { MetricFamily } from './metrics.js';
import type { Schema } from './schema.js';

/** What a collector is told about the sample it takes. */
export interface Sampling<Kept> {
  /** What the sample before asked to keep (counters, of which rates are made); undefined at first. */
  readonly before: Kept | undefined;
  /** Clock that never jumps, in milliseconds: for rates. */
  readonly monotonicMs: number;
  /** Wall clock, Unix milliseconds. */
  readonly nowMs: number;
  /** Whether an event or a client asked for the sample: then nothing is taken from the sample before but counters. */
  readonly thorough: boolean;
  /** For how many stations metrics are wanted: random MAC addresses make ever more series. */
  readonly mostStationMetrics: number;
  /** Whether secrets are wanted. Where not, those that cost a read need not be read: they are hidden anyway. */
  readonly exposeSecrets: boolean;
}

/** A value that is its JSON already. */
export class Encoded {
  readonly json: Uint8Array;
  constructor(json: Uint8Array) {
    this.json = json;
  }
}

/**
 * The JSON of a value that is too large to be made of objects, in place of the value. Only the sampling thread looks at values,
 * and it takes this one as it is, so for the compiler it is the value. The bytes should lie in shared memory.
 */
export function encoded<Value>(json: Uint8Array): Value {
  return new Encoded(json) as Value;
}

/** Values of series at one moment. */
export type Points = Readonly<Record<string, number | null>>;

/** What a sample gives: the value that clients see, and what the next sample needs of this one. */
export interface Sample<Value, Kept> {
  readonly value: Value;
  readonly keep?: Kept;
  /** What Prometheus is told of it; made only while somebody asks for that. */
  readonly metrics?: () => readonly MetricFamily[];
  /** What the history keeps of it, by the name of its series; null: nothing now. */
  readonly points?: Points;
}

export interface Collector<Value, Kept = unknown> {
  /** The name in `/snapshot`, `doctor`, `--schedule.NAME` and of its file. */
  readonly name: string;
  /** One line: what it collects. */
  readonly summary: string;
  /** When it samples by default: six cron fields, seconds first. */
  readonly schedule: string;
  /** What it reads, as `doctor` shows it: files (the last part of a path may have a `*`), and programs with their arguments. */
  readonly sources: readonly string[];
  /**
   * Whether it reads nothing but files that somebody writes, as configuration is: their folders are watched, and it is
   * sampled when one has changed. A sample on schedule costs one stat of each that it read.
   */
  readonly whenChanged?: boolean;
  /** Whether its files change all the time, as a log does: then they are not watched, and looked at on schedule only. */
  readonly unwatched?: boolean;
  /** Whether a sample may be a second's work: never two of those at once. */
  readonly heavy?: boolean;
  /** Whether it starts programs: they may take long, so they never occupy all threads. */
  readonly startsPrograms?: boolean;
  /** Whether the service is not ready (`/readyz`) while it fails. */
  readonly required: boolean;
  /** What to do if it fails or is absent, beyond what the error itself says. */
  readonly advice?: string;
  /** The value's form. */
  readonly view: Schema<Value>;
  /** The value on a machine that has no such thing. */
  readonly absent: Value;
  /**
   * Takes a sample; runs in a worker thread, so it may block.
   *
   * @throws SourceError what is there cannot be read or understood
   * @throws Absent the machine has no such thing
   */
  read(host: Machine, sampling: Sampling<Kept>): Sample<Value, Kept>;
}

/** Gives a definition its type, with the name as a literal. */
export function collector<const Name extends string, Value, Kept = undefined>(
  definition: Collector<Value, Kept> & { readonly name: Name },
): Collector<Value, Kept> & { readonly name: Name } {
  return definition;
}
