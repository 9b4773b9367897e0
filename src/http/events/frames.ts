/**
 * Events as bytes, HTML standard 9.2.
 *
 *     event: clients
 *     id: 1795500557123
 *     data: {"active_clients_amount":3,…}
 */
import type { Store } from '../../engine/store.js';
import { type CollectorState, collectorStates } from '../responses/collector-states.js';
import { documentState } from '../responses/document-state.js';

/**
 * Formats an event. JSON has no line feeds, so its data is one line.
 *
 * @param generation becomes the id
 */
export function formatEvent(name: string, generation: number, data: Uint8Array | string): Buffer {
  const head = Buffer.from(`event: ${name}\nid: ${generation}\ndata: `);
  return Buffer.concat([head, typeof data === 'string' ? Buffer.from(data) : data, Buffer.from('\n\n')]);
}

/** A comment, which clients ignore. Proxies and clients close connections that are silent for longer than about 30 s. */
export const HEARTBEAT = Buffer.from(': still here\n\n');

/** Data of `states`: whether each document is fresh. */
export function documentStates(store: Store): string {
  return JSON.stringify(Object.fromEntries([...store.documents].map(([name, record]) => [name, documentState(record)])));
}

/** Identifies what is worth an event in `states`: the time of a sample isn't. */
export function statesKey(store: Store): string {
  return JSON.stringify([...store.documents.values()].map(({ state, problem }) => [state, problem]));
}

/** Data of `collectors`: the state of each collector. */
export function collectorsData(store: Store): string {
  return JSON.stringify({ collectors: collectorStates(store) });
}

/** Identifies what is worth an event in `collectors`: that a sample was taken, and how long it took, isn't. */
export function collectorsKey(store: Store): string {
  const key = ({ last_success: _at, duration_ms: _took, ...row }: CollectorState) => row;
  return JSON.stringify(collectorStates(store).map(key));
}
