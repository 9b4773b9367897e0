/** Samples a block list in the second worker, and makes the document that is this list and nothing else. */
import { type AnyCollector, type CollectorName, collectorByName } from '../collectors/index.js';
import { documents } from '../documents/index.js';
import { bodyOf, encodeJson } from '../encode/body.js';
import { renderFamilies } from '../encode/prometheus.js';
import type { Machine } from '../machine/machine.js';
import { Encoded } from '../model/collector.js';
import { monotonicMs } from './clock.js';
import type { Composed, ListReport, ListTask } from './messages.js';
import { readSample } from './read.js';
import type { SamplingOptions } from './sampling.js';

export async function sampleList(machine: Machine, options: SamplingOptions, { collector: name, wants }: ListTask): Promise<ListReport> {
  const startedMonotonicMs = monotonicMs();
  const sampling = {
    carried: undefined,
    monotonicMs: startedMonotonicMs,
    nowMs: Date.now(),
    thorough: true,
    ipMonitor: undefined,
    ...options,
  };
  const { result, reads, sources } = await readSample(collectorByName(name) as AnyCollector, machine, sampling, wants);
  const document = result.kind === 'read' ? documentOf(name, result.value) : undefined;
  const outcome =
    result.kind === 'failed' ? result : ({ kind: 'sampled', absent: result.absent, points: result.points, copy: null } as const);
  const tookMs = monotonicMs() - startedMonotonicMs;
  return {
    sample: { collector: name, outcome, startedMonotonicMs, tookMs, ...(sources && { sources }) },
    // While its file doesn't change, there is no other sample to render them with.
    metrics: result.kind === 'read' && result.metrics ? renderFamilies(result.metrics()) : [],
    document,
    reads,
  };
}

function documentOf(collector: CollectorName, value: unknown): Composed | undefined {
  const document = documents.find(({ verbatim }) => verbatim === collector);
  if (!document) return undefined;
  const body = bodyOf(null, value instanceof Encoded ? value.json : encodeJson(value));
  const form = { pages: [null], changed: [body] };
  return { kind: 'composed', document: document.name, form, secretForm: undefined, changes: [], metrics: undefined };
}
