/** Reports as workers make them, and workers that do nothing, for tests of the main thread. */
import type { CollectorName } from '../../src/collectors/index.js';
import type { Body } from '../../src/encode/body.js';
import type { RenderedFamily } from '../../src/encode/prometheus.js';
import { monotonicMs } from '../../src/engine/clock.js';
import type { Composed, Failure, Good, SampleReport } from '../../src/engine/messages.js';
import type { Scheduler } from '../../src/engine/schedule.js';
import type { Workers } from '../../src/engine/worker-pool.js';

export const GOOD: Good = { kind: 'sampled', absent: null, points: {} };

/** A sample that has just ended. */
export function sampleReport(collector: CollectorName, outcome: Good | Failure = GOOD, tookMs = 1): SampleReport {
  return { collector, outcome, startedMonotonicMs: monotonicMs() - tookMs, tookMs };
}

/** A document all of whose bodies are new. */
export function composedReport(
  document: string,
  bodies: readonly Body[],
  { secretBodies, metrics }: { readonly secretBodies?: readonly Body[]; readonly metrics?: readonly RenderedFamily[] } = {},
): Composed {
  const form = (changed: readonly Body[]) => ({ pages: changed.map(({ page }) => page), changed });
  return { kind: 'composed', document, form: form(bodies), secretForm: secretBodies && form(secretBodies), changes: [], metrics };
}

/** A scheduler that samples nothing. */
export const idleScheduler: Scheduler = { sample: async () => {}, start() {}, stop() {} };

/** Workers that are always busy. */
export const busyWorkers: Workers = {
  cycle: () => new Promise(() => {}),
  isNew: () => true,
  onLate() {},
  list: () => new Promise(() => {}),
  answer: async () => ({ kind: 'busy' }),
  history: async () => ({ kind: 'busy' }),
  close: async () => {},
};
