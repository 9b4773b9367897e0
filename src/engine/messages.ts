/**
 * What the main thread asks of a sampling thread, and what comes back: bytes, which are copied as they are, where
 * objects would be taken apart and put together again in the thread that answers requests.
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

/** A sample to be taken of a collector. */
export interface SampleRequest {
  readonly collector: CollectorName;
  /** State that the previous sample carried over, as it came. */
  readonly carried: Uint8Array | undefined;
  /** True to compare the files only, and not to read them if they have changed: a large one must be read in its own lane. */
  readonly compareOnly: boolean;
  readonly thorough: boolean;
  /** Whether somebody asks for metrics. */
  readonly metrics: boolean;
  /** Whether there is a key that sees secrets: then what has some is wanted twice. */
  readonly secrets: boolean;
}

/** What a thread is asked to do, with a number that tells how far it has come. */
export type Tracked<Work> = Work & {
  readonly progress: Progress;
};

/**
 * Shared with the thread: the index of the request that is being served, -1 before the first, so that it is known which one cost
 * the thread; and how many programs were started, each of which has time of its own.
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

/** What is to be done by one thread, one after the other: handing over a task costs more than most samples do. */
export type Task<Request> = Tracked<{ readonly requests: readonly Request[] }>;

/** A document to be composed, and its bytes to be made. */
export interface ComposeRequest {
  readonly document: string;
  /** Values of collectors as they came; one that has given none is missing. */
  readonly parts: Readonly<Record<string, Uint8Array>>;
  /** Those of them that have secrets, with these, for who may see them; undefined: nobody may, or none has any. */
  readonly secretParts?: Readonly<Record<string, Uint8Array>> | undefined;
  /** The document as it was, if somebody wants to be told what has changed in it. */
  readonly before?: Uint8Array | undefined;
}

/** A query of a document to be answered. */
export interface QueryTask {
  readonly document: string;
  /** Values of its parameters, checked. */
  readonly query: Query;
}

/** Rows of the history to be made. */
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
  /** Why the value is the collector's empty one: the machine has no such thing. Null: it has. */
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

/** How a sample ended. */
export type Outcome = Sampled | Unchanged | Changed | Failure;

export interface Composed {
  readonly kind: 'composed';
  readonly bodies: readonly Body[];
  /** The same with secrets, for who may see them. */
  readonly secretBodies?: readonly Body[] | undefined;
  /** What has changed, in the document's own words. */
  readonly changes: readonly Change[];
  readonly metrics: readonly RenderedFamily[];
}

/** Rows of the history, encoded. */
export interface Rows {
  readonly kind: 'rows';
  readonly bytes: Uint8Array;
}

/** Too many queries wait already, or this one has waited for too long. */
export interface Busy {
  readonly kind: 'busy';
}

/** How one sample of a task ended, and how long it took. */
export interface Taken {
  readonly outcome: Outcome;
  readonly tookMs: number;
  /** Paths that it read and command lines that it ran; undefined if its thread was lost. */
  readonly sources?: readonly string[];
  /** Of a sample that cost its thread: resolves when that has ended, which it does not while it is stuck in the kernel. */
  readonly threadEnd?: Promise<unknown>;
}

/** What a sampling thread is started with. */
export interface ThreadData {
  readonly rootfs: string;
  readonly path: string;
  readonly exposeSecrets: boolean;
  /** For how many stations metrics are made. */
  readonly maxStationMetrics: number;
}
