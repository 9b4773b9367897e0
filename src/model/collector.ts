/** Defines a collector: it reads one source that can fail or hang independently of the others. */
import type { Machine } from '../machine/machine.js';
import type { MetricFamily } from './metrics.js';
import type { Schema } from './schema.js';

/** Describes the sample that a collector is about to take. */
export interface Sampling<Carried> {
  /** State that the previous sample carried over, such as counters to compute rates from. Undefined for the first sample. */
  readonly carried: Carried | undefined;
  /** Monotonic clock in milliseconds, to compute rates with: it never jumps. */
  readonly monotonicMs: number;
  /** Wall clock, Unix milliseconds. */
  readonly nowMs: number;
  /** True if an event or a client requested this sample. Reuse nothing from the previous sample except counters. */
  readonly thorough: boolean;
  /** Maximum stations that get metrics of their own. Random MAC addresses would create series without end. */
  readonly maxStationMetrics: number;
  /**
   * What `ip monitor` has printed since this collector's previous sample, oldest first. Undefined while it isn't running, and for
   * collectors that don't follow it.
   */
  readonly ipMonitor: IpMonitorLines | undefined;
  /** False if secrets are hidden. Then don't read a file only for the secrets in it. */
  readonly exposeSecrets: boolean;
}

/** Lines of `ip monitor`. */
export interface IpMonitorLines {
  /** Monotonic clock in milliseconds: since when `ip monitor` has run without missing an event. */
  readonly sinceMs: number;
  readonly lines: readonly string[];
}

/** A value that is JSON already. */
export class Encoded {
  readonly json: Uint8Array;
  constructor(json: Uint8Array) {
    this.json = json;
  }
}

/**
 * Wraps the JSON of a value that is too large to be built from objects. Only the worker inspects values, and it passes this
 * one on unchanged, so the compiler may treat it as the value.
 */
export function encoded<Value>(json: Uint8Array): Value {
  return new Encoded(json) as Value;
}

/** Values of time series at one moment, by series name. */
export type Points = Readonly<Record<string, number | null>>;

/** The result of a sample. */
export interface Sample<Value, Carried> {
  /** The value that clients see. */
  readonly value: Value;
  /** State for the next sample. */
  readonly carry?: Carried;
  /** Builds the Prometheus metrics. Called only while a client requests `/metrics`. */
  readonly metrics?: () => readonly MetricFamily[];
  /** Points for the history; null where a series has no value now. */
  readonly points?: Points;
}

/** A collector that reads on schedule, or one that reads only files and samples when one of them has changed. */
export type Trigger = 'schedule' | 'file-change';

/**
 * The kind of work, which decides when and where a sample runs. `quick` reads a few small files in the cycle. `program` starts programs
 * after all reads of the cycle, and may end in a later one. `heavy` reads a block list, in the second worker if it is long.
 */
export type CollectorLane = 'quick' | 'program' | 'heavy';

export interface Collector<Value, Carried = unknown> {
  /** The name in `/snapshot`, `/collectors`, `doctor` and `--schedule.NAME`. */
  readonly name: string;
  /** What it collects, as a noun phrase on one line. */
  readonly summary: string;
  /** `file-change` only if every read goes to files, folders and links whose fingerprints change with their content: not in /proc or /sys. */
  readonly trigger: Trigger;
  /** Default schedule: six cron fields, seconds first. */
  readonly schedule: string;
  readonly lane: CollectorLane;
  /** True if the service isn't ready (`/readyz`) while this collector fails. */
  readonly required: boolean;
  /** True if it uses the lines of `ip monitor`; see {@link Sampling.ipMonitor}. */
  readonly followsIpMonitor?: boolean;
  /** What to do if it fails, beyond what the error says. */
  readonly advice?: string;
  readonly view: Schema<Value>;
  /** The value on a machine that doesn't have the source. */
  readonly absent: Value;
  /**
   * Takes a sample. Files are read synchronously, because it runs in a worker thread. It returns a promise if it waits for a program.
   *
   * @throws {SourceError} if the source exists and can't be read or understood
   * @throws {Absent} if the machine doesn't have the source
   */
  read(machine: Machine, sampling: Sampling<Carried>): Sample<Value, Carried> | Promise<Sample<Value, Carried>>;
}

/** Types a collector's definition, with its name as a literal. */
export function collector<const Name extends string, Value, Carried = undefined>(
  definition: Collector<Value, Carried> & { readonly name: Name },
): Collector<Value, Carried> & { readonly name: Name } {
  return definition;
}
