/** Samples a block list, and makes the document that is this list and nothing else. A long one is read in the second worker. */
import { type AnyCollector, type CollectorName, collectorByName } from '../collectors/index.js';
import { documents } from '../documents/index.js';
import { bodyOf, encodeJson } from '../encode/body.js';
import { renderFamilies } from '../encode/prometheus.js';
import { SourceError } from '../errors.js';
import type { Machine } from '../machine/machine.js';
import { Encoded } from '../model/collector.js';
import { monotonicMs } from './clock.js';
import type { Composed, ListReport, ListTask, SamplingOptions } from './messages.js';
import { type ReadResult, readSample } from './read.js';

/** Larger lists take too long for a cycle: a small board reads 30 MB per second. */
const MAX_SHORT_BYTES = 256 << 10;

/** Samples a list as part of a cycle. @returns undefined if it is too long for that */
export function sampleShortList(machine: Machine, options: SamplingOptions, task: ListTask): ListReport | undefined {
  let isLong = false;
  const impatient: Machine = {
    ...machine,
    readInPieces: (path, limit, read) =>
      machine.readInPieces(path, limit, (size, pieces) => {
        isLong ||= size > MAX_SHORT_BYTES;
        if (isLong) throw new SourceError('too-large', path);
        return read(size, pieces);
      }),
  };
  const report = sampleList(impatient, options, task);
  return isLong ? undefined : report;
}

export function sampleList(machine: Machine, options: SamplingOptions, { collector: name, wants }: ListTask): ListReport {
  const startedMonotonicMs = monotonicMs();
  const sampling = {
    carried: undefined,
    monotonicMs: startedMonotonicMs,
    nowMs: Date.now(),
    thorough: true,
    ipMonitor: undefined,
    ...options,
  };
  // Lists start no programs.
  const { result, reads, sources } = readSample(collectorByName(name) as AnyCollector, machine, sampling, wants) as ReadResult;
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
