/** Decides whether the service is ready: one condition for `/readyz` and for the service manager. */
import { collectorByName } from '../collectors/index.js';
import { problemOf } from './freshness.js';
import type { DocumentRecord } from './records.js';
import type { Store } from './store.js';

/** Why the service isn't ready. */
export interface Lacking {
  /** Required collectors that aren't fresh. */
  readonly collectors: readonly string[];
  /** As a sentence: `not fresh: load, memory`. */
  readonly text: string;
}

/** What readiness depends on. */
export type Contents = Pick<Store, 'collectors' | 'documents'>;

/** Returns why the service isn't ready, `undefined` if it is. */
export function lackingOf(store: Contents): Lacking | undefined {
  const failing = [...store.collectors.values()].filter((record) => record.collector.required && problemOf(record));
  const collectors = failing.map((record) => record.collector.name);
  if (collectors.length > 0) return { collectors, text: `not fresh: ${collectors.join(', ')}` };
  const missing = [...store.documents.values()].filter(isAwaited).map((record) => record.document.name);
  if (missing.length > 0) return { collectors: [], text: `not made yet: ${missing.join(', ')}` };
  return undefined;
}

/** Tells whether a document is missing whose collectors are all required. Requests for it get 503. */
function isAwaited({ document, state }: DocumentRecord): boolean {
  return state === 'absent' && document.required.every((name) => collectorByName(name)?.required);
}
