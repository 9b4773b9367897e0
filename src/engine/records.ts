/** What the store keeps of each collector and of each document. */
import type { AnyCollector } from '../collectors/index.js';
import type { AnyDocument } from '../documents/index.js';
import type { Body } from '../encode/body.js';
import type { RenderedFamily } from '../encode/prometheus.js';
import type { SourceErrorCode } from '../errors.js';
import type { Copy, Failure, Good } from './messages.js';

/** The reason why a collector or a document isn't fresh, as `/snapshot` shows it. */
export interface Problem {
  readonly code: SourceErrorCode | 'pending' | 'overdue';
  readonly message: string;
  /** What to do about it; null: wait. */
  readonly advice: string | null;
}

/** Times are Unix milliseconds, unless their names say otherwise. */
export interface CollectorRecord {
  readonly collector: AnyCollector;
  /** Time between two samples, after which a collector becomes overdue; infinite without a schedule. */
  intervalMs: number;
  /** Its last good sample. */
  good: Good | undefined;
  /** When the last good sample started: its value is no older. */
  goodAtMs: number | undefined;
  /** `goodAtMs` by the monotonic clock. */
  goodAtMonotonicMs: number | undefined;
  /** When the last sample ended, good or not, by the monotonic clock. */
  endedAtMonotonicMs: number | undefined;
  tookMs: number;
  /** Its last good value, for the next worker. */
  copy: Copy | undefined;
  metrics: readonly RenderedFamily[];
  /** Paths and command lines of the last sample that read its files, if the store wants them. */
  sources: readonly string[];
  /** Why the last sample failed; undefined: it was good. */
  failure: Failure | undefined;
}

/** `absent`: the document has no bytes. */
export type State = 'fresh' | 'stale' | 'absent';

export interface StoredBody extends Body {
  /** When these bytes were first made. */
  readonly modifiedMs: number;
}

export interface DocumentRecord {
  readonly document: AnyDocument;
  /** The generation at which its bytes last changed. */
  generation: number;
  metrics: readonly RenderedFamily[];
  state: State;
  problem: Problem | null;
  /** When its newest part was sampled; if it is stale, when its oldest part was. */
  sampledAtMs: number | null;
  /** By page; the document itself under null. */
  bodies: ReadonlyMap<string | null, StoredBody>;
  /** Bodies with secrets, for keys that may see them; undefined: no such key, or no secrets. */
  secretBodies: ReadonlyMap<string | null, StoredBody> | undefined;
  /** True while its bytes lack a value that a part has already. */
  isPostponed: boolean;
  /** Why the last attempt to compose it failed; undefined: it succeeded. */
  failure: Failure | undefined;
}
