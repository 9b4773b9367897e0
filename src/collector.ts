/** What a collector is: one source of values, that can fail or hang on its own. */
import type { Host } from './host.js';
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
}

/** What a sample gives: the value that clients see, and what the next sample needs of this one. */
export interface Sample<Value, Kept> {
  readonly value: Value;
  readonly keep?: Kept;
}

export interface Collector<Value, Kept = unknown> {
  /** The name in `/snapshot`, `doctor`, `--schedule.NAME` and of its file. */
  readonly name: string;
  /** One line: what it collects. */
  readonly summary: string;
  /** When it samples by default: six cron fields, seconds first. */
  readonly schedule: string;
  /** What it reads, as `doctor` shows it: files, and programs with their arguments. */
  readonly sources: readonly string[];
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
  read(host: Host, sampling: Sampling<Kept>): Sample<Value, Kept>;
}

/** Gives a definition its type, with the name as a literal. */
export function collector<const Name extends string, Value, Kept = undefined>(
  definition: Collector<Value, Kept> & { readonly name: Name },
): Collector<Value, Kept> & { readonly name: Name } {
  return definition;
}
