/**
 * What the main thread asks of a sampling thread, and what comes back: bytes, which are copied as they are, where
 * objects would be taken apart and put together again in the thread that answers requests.
 */
import type { CollectorName } from './collectors/index.js';
import type { SourceErrorCode } from './errors.js';

/** A sample to be taken of a collector. */
export interface SampleRequest {
  readonly collector: CollectorName;
  /** What the sample before kept, as it came. */
  readonly before: Uint8Array | undefined;
  readonly thorough: boolean;
}

/** Take samples of some collectors, one after the other: handing over a task costs more than most samples do. */
export interface SampleTask {
  readonly requests: readonly SampleRequest[];
  /** Shared: the index of the request that is being served. Should the thread be lost, it is known to which. */
  readonly progress: Int32Array<SharedArrayBuffer>;
}

/** Compose a document and make its bytes. */
export interface ComposeTask {
  readonly document: string;
  /** Values of collectors as they came; one that has given none is missing. */
  readonly parts: Readonly<Record<string, Uint8Array>>;
}

export interface Failure {
  readonly ok: false;
  readonly code: SourceErrorCode;
  readonly message: string;
}

export interface Sampled {
  readonly ok: true;
  /** Why the value is the empty one: the machine has no such thing. Null: it has. */
  readonly absent: string | null;
  /** The value, as JSON. */
  readonly value: Uint8Array;
  /** What the next sample needs of this one; for the sampling threads to understand. */
  readonly keep: Uint8Array | undefined;
}

/** One body of a document, ready to be sent. */
export interface Body {
  /** Name of the page; null for the document itself. */
  readonly page: string | null;
  readonly json: Uint8Array;
  /** The same compressed; null where that is not worth it. */
  readonly gzip: Uint8Array | null;
  /** Digest of the bytes, for the ETag. */
  readonly tag: string;
}

export interface Composed {
  readonly ok: true;
  readonly bodies: readonly Body[];
}

/** How one sample of a task ended, and how long it took. */
export interface Taken {
  readonly outcome: Sampled | Failure;
  readonly tookMs: number;
}

/** What a sampling thread is started with. */
export interface ThreadData {
  readonly rootfs: string;
  readonly path: string;
  readonly exposeSecrets: boolean;
}
