import type { DocumentRecord } from '../../engine/records.js';

/** The state of a document as clients see it. */
export interface DocumentState {
  readonly state: DocumentRecord['state'];
  /** RFC 3339; null: it was never sampled. */
  readonly sampledAt: string | null;
  readonly error: DocumentRecord['problem'];
}

/** Returns the state of a document, for `/snapshot`, the response to a refresh, and the event `states`. */
export function documentState({ state, sampledAtMs, problem }: DocumentRecord): DocumentState {
  return { state, sampledAt: sampledAtMs === null ? null : new Date(sampledAtMs).toISOString(), error: problem };
}
