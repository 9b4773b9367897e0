/** State of each collector in the running service, as `/collectors` and `/events` show it. */
import { problemOf } from '../../engine/freshness.js';
import type { Store } from '../../engine/store.js';

export interface CollectorState {
  readonly name: string;
  readonly summary: string;
  readonly state: 'ok' | 'absent' | 'failing' | 'pending';
  /** Why the state isn't ok. */
  readonly reason: string | null;
  readonly advice: string | null;
  readonly last_success: string | null;
  readonly duration_ms: number;
  readonly interval_seconds: number | null;
}

export function collectorStates(store: Store): CollectorState[] {
  return [...store.collectors.values()].map((record) => {
    const { collector, good, goodAtMs, tookMs, intervalMs } = record;
    const problem = problemOf(record);
    const state = problem ? (problem.code === 'pending' ? 'pending' : 'failing') : good?.absent ? 'absent' : 'ok';
    return {
      name: collector.name,
      summary: collector.summary,
      state,
      reason: problem?.message ?? good?.absent ?? null,
      advice: problem?.advice ?? null,
      last_success: goodAtMs === undefined ? null : new Date(goodAtMs).toISOString(),
      duration_ms: Math.round(tookMs * 10) / 10,
      interval_seconds: Number.isFinite(intervalMs) ? intervalMs / 1000 : null,
    };
  });
}
