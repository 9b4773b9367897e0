/**
 * One cycle of the worker that owns the snapshot: it samples what is due, composes the documents of what has changed, and encodes what
 * differs. It starts no thread, so tests run it as it is.
 *
 *     CycleRequest ──▶ samples ──▶ held values ──▶ composer ──▶ CycleReport
 */
import { type CollectorName, collectors } from '../collectors/index.js';
import { type AnyDocument, documents } from '../documents/index.js';
import type { Machine } from '../machine/machine.js';
import { monotonicMs } from './clock.js';
import { createComposer } from './composing.js';
import type { CycleReport, CycleRequest, SamplingOptions } from './messages.js';
import { NOTHING } from './messages.js';
import { Samples } from './sampling.js';

/**
 * How long a cycle waits for programs. The results of slower ones come with a later cycle. The first cycle waits for none: most documents
 * need no program, and are served that much earlier.
 */
const PATIENCE_MS = 50;

export interface CycleHooks {
  /** Called before each read or composition that could hang, with its step, and with {@link NOTHING} at the end. */
  onStep(step: number): void;
  /** Called when a program has ended after its cycle. */
  onLate(): void;
}

/** Steps: collectors in their order, then documents in theirs. */
const stepOfCollector = new Map(collectors.map(({ name }, index) => [name, index]));
const stepOfDocument = new Map(documents.map(({ name }, index) => [name, collectors.length + index]));

/** Returns what a step samples or composes. Undefined for {@link NOTHING}. */
export function subjectOf(step: number): { readonly collector: CollectorName } | { readonly document: string } | undefined {
  const collector = collectors[step];
  if (collector) return { collector: collector.name };
  const document = documents[step - collectors.length];
  return document && { document: document.name };
}

/** @returns a function that runs a cycle. It never throws */
export function createCycle(
  machine: Machine,
  options: SamplingOptions,
  { onStep, onLate }: CycleHooks,
): (request: CycleRequest) => Promise<CycleReport> {
  let isWaiting = false;
  let patienceMs = 0;
  const samples = new Samples(machine, options, {
    onStep: (name) => onStep(stepOfCollector.get(name) as number),
    onLate() {
      if (!isWaiting) onLate();
    },
  });
  const composer = createComposer(options, (name) => onStep(stepOfDocument.get(name) as number));

  return async (request) => {
    const { wants, restored, leftOut } = request;
    const startedMonotonicMs = monotonicMs();
    if (restored) {
      samples.restore(restored);
      composer.restore(restored);
    }
    isWaiting = true;
    samples.start(request);
    const programs = samples.programs();
    if (programs) await settled(programs, patienceMs);
    patienceMs = PATIENCE_MS;
    isWaiting = false;
    const { changed, ...taken } = samples.take(wants.metrics);
    const expected = samples.expected();
    const isPostponed = ({ name, parts }: AnyDocument) => leftOut.includes(name) || parts.some((part) => expected.has(part));
    const composed = composer.compose(samples.held, changed, wants, isPostponed);
    onStep(NOTHING);
    return { ...taken, ...composed, startedMonotonicMs };
  };
}

/** Waits for a promise, for a limited time. */
function settled(promise: Promise<unknown>, withinMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, withinMs);
    void promise.then(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
