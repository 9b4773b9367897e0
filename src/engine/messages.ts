/**
 * Messages between the main thread and workers.
 *
 *     main ── CycleRequest ──▶ cycle ──▶ CycleReport ──▶ main       the worker that owns the snapshot
 *     main ── ListTask ──────▶ list ───▶ ListReport ───▶ main       a second worker, for what takes long
 *     main ── QueryTask ─────▶ answer ─▶ Answer ───────▶ main
 *     main ── HistoryTask ───▶ history ▶ Rows ─────────▶ main
 *
 * Bodies and copies of values are bytes and text: the thread that serves requests would spend time on rebuilding objects.
 */
import type { CollectorName } from '../collectors/index.js';
import type { Body } from '../encode/body.js';
import type { HistoryFormat } from '../encode/history-rows.js';
import type { RenderedFamily } from '../encode/prometheus.js';
import type { SourceErrorCode } from '../errors.js';
import type { IpMonitorLines, Points } from '../model/collector.js';
import type { Change } from '../model/document.js';
import type { Query } from '../model/query.js';
import type { Reads } from './change-detection.js';
import type { HistoryQuery } from './history.js';

/** What the main thread has a use for. Each costs the worker time. */
export interface Wants {
  /** Metrics: they are being scraped. */
  readonly metrics: boolean;
  /** Changes within documents: a client listens to events. */
  readonly changes: boolean;
  /** Bodies with secrets: a key may read them. Without one, secrets never leave the workers. */
  readonly secrets: boolean;
  /** Paths and command lines that samples use: `doctor` shows them. */
  readonly sources: boolean;
}

/** Request for one cycle of the worker that owns the snapshot. */
export interface CycleRequest {
  /** Collectors to sample. */
  readonly due: readonly CollectorName[];
  /** True if an event or a client requested the samples. */
  readonly thorough: boolean;
  readonly wants: Wants;
  /** Lines of `ip monitor` since the previous request. */
  readonly ipMonitor: IpMonitorLines | undefined;
  /** Reads of the last samples of lists, whichever worker took them. */
  readonly listReads: ReadonlyMap<CollectorName, Reads>;
  /** What the main thread has, for a worker that has just started. */
  readonly restored: Restored | undefined;
  /** Documents that cost a worker a moment ago. They are left out. */
  readonly leftOut: readonly string[];
}

export interface Restored {
  readonly copies: ReadonlyMap<CollectorName, Copy>;
  /** Collectors whose values are too large for a copy. Documents wait until they have been sampled. */
  readonly uncopied: readonly CollectorName[];
  /** Bodies of the documents whose changes are events. */
  readonly bodies: ReadonlyMap<string, Uint8Array>;
}

/**
 * A value as JSON. The main thread keeps it, and never reads it, for a worker whose predecessor got stuck on the collector. Then the
 * collector can't be sampled, and documents keep its last good value.
 */
export interface Copy {
  /** The value as clients see it. */
  readonly shown: string;
  /** The value with its secrets, if they are wanted and it has some. */
  readonly whole: string | undefined;
}

/** What a cycle brought. */
export interface CycleReport {
  /** When it started, by the monotonic clock. Files that are reported as unchanged were checked after that. */
  readonly startedMonotonicMs: number;
  readonly samples: readonly SampleReport[];
  /** Collectors whose files haven't changed, so that their last result stands. */
  readonly unchanged: readonly CollectorName[];
  /** Short lists whose files have changed. */
  readonly lists: readonly ListReport[];
  /** Long lists whose files have changed. The second worker must read them. */
  readonly longLists: readonly CollectorName[];
  /** Metrics that were rendered, by collector. */
  readonly metrics: ReadonlyMap<CollectorName, readonly RenderedFamily[]>;
  /** Documents that changed or that could not be composed. */
  readonly documents: readonly DocumentReport[];
  /** Documents of which a part has changed, and which a later cycle composes. */
  readonly postponed: readonly string[];
}

export interface Failure {
  readonly kind: 'failed';
  readonly code: SourceErrorCode;
  readonly message: string;
}

/** A good sample. */
export interface Good {
  readonly kind: 'sampled';
  /** Reason why the machine has no such source and the value is the collector's empty one. Null if it has one. */
  readonly absent: string | null;
  readonly points: Points;
  /** A copy of the value, if it has changed. Null if the value is too large for one. */
  readonly copy?: Copy | null;
}

/** How a sample ended. */
export interface SampleReport {
  readonly collector: CollectorName;
  readonly outcome: Good | Failure;
  /** When it started, by the monotonic clock. */
  readonly startedMonotonicMs: number;
  readonly tookMs: number;
  /** Paths that it read and command lines that it ran, if they are wanted. */
  readonly sources?: readonly string[];
}

/** One form of a document. */
export interface Form {
  /** All of its pages; null is the document itself. */
  readonly pages: readonly (string | null)[];
  /** Bodies whose bytes differ from those before. */
  readonly changed: readonly Body[];
}

export interface Composed {
  readonly kind: 'composed';
  readonly document: string;
  readonly form: Form;
  /** The form for keys that may read secrets. Undefined if there is no such key, or no secret. */
  readonly secretForm: Form | undefined;
  /** Changes in the document, such as clients that joined. */
  readonly changes: readonly Change[];
  /** Metrics that no collector can build, if they were rendered. */
  readonly metrics: readonly RenderedFamily[] | undefined;
}

export interface NotComposed {
  readonly kind: 'not-composed';
  readonly document: string;
  readonly failure: Failure;
}

export type DocumentReport = Composed | NotComposed;

/** Request to sample a block list and to make its document. */
export interface ListTask {
  readonly collector: CollectorName;
  readonly wants: Wants;
}

export interface ListReport {
  readonly sample: SampleReport;
  readonly metrics: readonly RenderedFamily[];
  readonly document: Composed | undefined;
  /** The reads that it made. Undefined if the next sample may end otherwise although no file has changed. */
  readonly reads: Reads | undefined;
}

/** Request to answer a query of a document. */
export interface QueryTask {
  readonly document: string;
  /** Validated values of its parameters. */
  readonly query: Query;
}

export interface Answer {
  readonly kind: 'answered';
  readonly body: Body;
}

/** Request to encode rows of the history. */
export interface HistoryTask {
  readonly series: readonly (readonly [name: string, memory: SharedArrayBuffer])[];
  readonly query: HistoryQuery;
  readonly format: HistoryFormat;
  readonly nowSeconds: number;
}

/** Rows of the history, encoded. */
export interface Rows {
  readonly kind: 'rows';
  readonly bytes: Uint8Array;
}

/** Work for a thread, with counters of its progress that both threads see. */
export type Tracked<Work> = Work & { readonly progress: Progress };

/** The first counts the steps of all tasks; the second is the current step: a collector or a document, or {@link NOTHING}. */
export type Progress = Int32Array<SharedArrayBuffer>;
export const STEPS = 0;
export const CURRENT = 1;
export const NOTHING = -1;

export function newProgress(): Progress {
  const progress = new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));
  progress[CURRENT] = NOTHING;
  return progress;
}

/** Counts a step. Called before each read or composition that could hang. */
export function mark(progress: Progress, step: number): void {
  Atomics.add(progress, STEPS, 1);
  Atomics.store(progress, CURRENT, step);
}

export type SamplingOptions = Pick<ThreadData, 'exposeSecrets' | 'maxStationMetrics'>;

/** Data that a worker starts with. */
export interface ThreadData {
  readonly rootfs: string;
  readonly path: string;
  readonly exposeSecrets: boolean;
  /** Maximum stations with metrics. Further ones have none. */
  readonly maxStationMetrics: number;
}
