/**
 * Messages between the main thread and workers. Values travel as bytes: the thread that serves requests would spend time on
 * rebuilding objects.
 */

import type { CollectorName } from '../collectors/index.js';
import type { Body } from '../encode/body.js';
import type { HistoryFormat } from '../encode/history-rows.js';
import type { RenderedFamily } from '../encode/prometheus.js';
import type { SourceErrorCode } from '../errors.js';
import type { Points } from '../model/collector.js';
import type { Change } from '../model/document.js';
import type { Query } from '../model/query.js';
import type { HistoryQuery } from './history.js';

/** Request to sample a collector. */
export interface SampleRequest {
  readonly collector: CollectorName;
  /** State that the previous sample carried over. The main thread doesn't read it. */
  readonly carried: Uint8Array | undefined;
  /** True to only check whether files have changed. A large file must be read in its own lane. */
  readonly compareOnly: boolean;
  readonly thorough: boolean;
  /** True if metrics are being scraped. */
  readonly metrics: boolean;
  /** True if the worker also returns the sources: paths that were read and command lines that were run. */
  readonly sources: boolean;
  /** True if a key may read secrets. The worker then also returns values that include them. */
  readonly secrets: boolean;
}

/** Work for a thread, with shared counters of its progress. */
export type Tracked<Work> = Work & {
  readonly progress: Progress;
};

/**
 * Counters shared with the thread. The first is the index of the current request, or -1 before the first one; it shows which request
 * a thread got stuck on. The second counts the programs that were started, because each program has its own timeout.
 */
export type Progress = Int32Array<SharedArrayBuffer>;
export const REQUEST = 0;
export const PROGRAMS = 1;

export function newProgress(): Progress {
  const progress = new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));
  progress[REQUEST] = NOT_STARTED;
  return progress;
}

export const NOT_STARTED = -1;

/** Requests that one thread serves in turn. Handing over a task costs more than most samples do. */
export type Task<Request> = Tracked<{ readonly requests: readonly Request[] }>;

/** Request to compose and encode a document. */
export interface ComposeRequest {
  readonly document: string;
  /** Values of collectors by name, without those that have no value yet. */
  readonly parts: Readonly<Record<string, Uint8Array>>;
  /** Values with their secrets. Undefined if no key may read secrets, or no value has any. */
  readonly secretParts?: Readonly<Record<string, Uint8Array>> | undefined;
  /** Previous body, if a client listens to changes of the document. */
  readonly before?: Uint8Array | undefined;
}

/** Request to answer a query of a document. */
export interface QueryTask {
  readonly document: string;
  /** Validated values of its parameters. */
  readonly query: Query;
}

/** Request to encode rows of the history. */
export interface HistoryTask {
  readonly series: readonly (readonly [name: string, memory: SharedArrayBuffer])[];
  readonly query: HistoryQuery;
  readonly format: HistoryFormat;
  readonly nowSeconds: number;
}

export interface Failure {
  readonly kind: 'failed';
  readonly code: SourceErrorCode;
  readonly message: string;
  /** The reads that led to the failure. While none of those files changes, the next sample would fail in the same way. */
  readonly carry?: Uint8Array | undefined;
}

export interface Sampled {
  readonly kind: 'sampled';
  /** Reason why the machine has no such source and the value is the collector's empty one. Null if it has one. */
  readonly absent: string | null;
  /** The value, as JSON. */
  readonly value: Uint8Array;
  /** The value with its secrets, if they are wanted and the collector has some. */
  readonly secretValue?: Uint8Array | undefined;
  /** The body of a document that is this value and nothing else; see {@link Definition.verbatim}. Its bytes are transferred. */
  readonly body?: Body | undefined;
  /** State for the next sample, which only workers read; of a `file-change` collector, the reads that it made. */
  readonly carry: Uint8Array | undefined;
  readonly metrics: readonly RenderedFamily[];
  readonly points: Points;
}

/** The files are the same as at the previous sample, so its result stands. */
export interface Unchanged {
  readonly kind: 'unchanged';
}

/** A file has changed and was not read; see {@link SampleRequest.compareOnly}. */
export interface Changed {
  readonly kind: 'changed';
}

/** Result of a sample. */
export type Outcome = Sampled | Unchanged | Changed | Failure;

export interface Composed {
  readonly kind: 'composed';
  readonly bodies: readonly Body[];
  /** Bodies with secrets, for keys that may read them. */
  readonly secretBodies?: readonly Body[] | undefined;
  /** Changes in the document, such as clients that joined. */
  readonly changes: readonly Change[];
  readonly metrics: readonly RenderedFamily[];
}

/** Rows of the history, encoded. */
export interface Rows {
  readonly kind: 'rows';
  readonly bytes: Uint8Array;
}

/** Too many queries are waiting, or this one has waited too long. */
export interface Busy {
  readonly kind: 'busy';
}

/** Result and duration of one sample of a task. */
export interface Taken {
  readonly outcome: Outcome;
  readonly tookMs: number;
  /** Paths that it read and command lines that it ran, if they are wanted. Undefined if its thread is stuck. */
  readonly sources?: readonly string[];
  /** Resolves when the stuck thread of the sample has ended. A thread that is blocked in the kernel doesn't end. */
  readonly threadEnd?: Promise<unknown>;
}

/** Data that a worker starts with. */
export interface ThreadData {
  readonly rootfs: string;
  readonly path: string;
  readonly exposeSecrets: boolean;
  /** Maximum stations with metrics. Further ones have none. */
  readonly maxStationMetrics: number;
}
