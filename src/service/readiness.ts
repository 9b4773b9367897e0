/** Whether the service has what it is there for: one condition for `/readyz` and for the service manager. */
import { setTimeout as sleep } from 'node:timers/promises';
import { collectorByName } from '../collectors/index.js';
import { problemOf } from '../engine/freshness.js';
import type { DocumentRecord } from '../engine/records.js';
import type { Store } from '../engine/store.js';

export interface Lacking {
  /** Required collectors that are not fresh. */
  readonly collectors: readonly string[];
  /** In words: `not fresh: load, memory`. */
  readonly text: string;
}

/** @returns what is lacking; undefined if nothing is */
export function lackingOf(store: Store): Lacking | undefined {
  const failing = [...store.collectors.values()].filter((record) => record.collector.required && problemOf(record));
  const collectors = failing.map((record) => record.collector.name);
  if (collectors.length > 0) return { collectors, text: `not fresh: ${collectors.join(', ')}` };
  const missing = [...store.documents.values()].filter(isAwaited).map((record) => record.document.name);
  if (missing.length > 0) return { collectors: [], text: `not made yet: ${missing.join(', ')}` };
  return undefined;
}

/** How often it is looked whether the service is ready. */
export const READY_CHECK_MS = 50;

/** @returns once nothing is lacking, or after so many milliseconds */
export async function untilReady(store: Store, withinMs: number): Promise<void> {
  const deadlineMs = performance.now() + withinMs;
  while (lackingOf(store) && performance.now() < deadlineMs) await sleep(READY_CHECK_MS);
}

/** Whether a document is still being made of collectors that all are required: who asks for it now gets 503. */
function isAwaited({ document, state }: DocumentRecord): boolean {
  return state === 'absent' && document.required.every((name) => collectorByName(name)?.required);
}
