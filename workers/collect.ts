/**
 * The worker's entry: takes samples of collectors, composes documents from them, and answers queries. It takes and returns bytes.
 *
 *     main ── Task<SampleRequest> ──▶ read ────▶ Taken[] {value, carry} ──▶ main
 *     main ── Task<ComposeRequest> ─▶ compose ─▶ Composed[] {json, gzip, tag} ──▶ main
 *     main ── QueryTask ────────────▶ answer ──▶ Composed ──▶ main
 *
 * It keeps nothing between tasks, so a thread can be abandoned at any time. Failures are returned, not thrown:
 * an error loses its class and code on its way between threads.
 */
import { debuglog } from 'node:util';
import { workerData } from 'node:worker_threads';
import { type AnyCollector, collectorByName } from '../src/collectors/index.js';
import { type AnyDocument, documentByName, documents } from '../src/documents/index.js';
import { type Body, bodyOf, decodeJson, encodeBody, encodeJson, encodeValue } from '../src/encode/body.js';
import { encodeHistory } from '../src/encode/history-rows.js';
import { renderFamilies } from '../src/encode/prometheus.js';
import { isUnchanged, type Reads, recordReads } from '../src/engine/change-detection.js';
import { monotonicMs } from '../src/engine/clock.js';
import { readHistory } from '../src/engine/history.js';
import {
  type Composed,
  type ComposeRequest,
  type Failure,
  type HistoryTask,
  newProgress,
  type Outcome,
  PROGRAMS,
  type Progress,
  type QueryTask,
  REQUEST,
  type Rows,
  type Sampled,
  type SampleRequest,
  type Taken,
  type Task,
  type ThreadData,
  type Tracked,
} from '../src/engine/messages.js';
import { recordSources } from '../src/engine/sources.js';
import { Absent, SourceError } from '../src/errors.js';
import { createMachine, type Machine } from '../src/machine/machine.js';
import { lowerPriority } from '../src/machine/priority.js';
import type { Sampling } from '../src/model/collector.js';
import { holdsSecrets } from '../src/model/redact.js';

const { exposeSecrets, maxStationMetrics, ...options } = workerData as ThreadData;
const realMachine = createMachine(options);
const machine: Machine = {
  ...realMachine,
  run(program, args) {
    Atomics.add(current, PROGRAMS, 1);
    return realMachine.run(program, args);
  },
};
lowerPriority();

const log = debuglog('apsnap:worker');

/** Progress of the current task. */
let current = newProgress();

function begin(progress: Progress, request: number): void {
  current = progress;
  Atomics.store(progress, REQUEST, request);
}

/** Takes samples. Piscina calls this and the next three functions by name. */
export async function sample({ requests, progress }: Task<SampleRequest>): Promise<Taken[]> {
  const taken: Taken[] = [];
  for (const [index, request] of requests.entries()) {
    begin(progress, index);
    const startedMs = performance.now();
    const recording = request.sources ? recordSources(machine) : undefined;
    const outcome = await orFailure(() => takeSample(request, recording?.machine ?? machine));
    const tookMs = performance.now() - startedMs;
    log('%s: %s in %d ms', request.collector, outcome.kind, Math.round(tookMs));
    taken.push({ outcome, tookMs, ...(recording && { sources: [...recording.sources] }) });
  }
  const bodies = taken.flatMap(({ outcome }) => (outcome.kind === 'sampled' && outcome.body ? [outcome.body] : []));
  return bodies.length === 0 ? taken : transferred(taken, bodies);
}

/** Has bodies moved to the main thread instead of copied. Most workers never have any, so they load no more of piscina for it. */
async function transferred<T>(value: T, bodies: readonly Body[]): Promise<T> {
  const { move, transferableSymbol, valueSymbol } = await import('piscina');
  const buffers = bodies.flatMap(({ json, gzip }) => (gzip ? [json.buffer, gzip.buffer] : [json.buffer]));
  return move({ [transferableSymbol]: buffers, [valueSymbol]: value } as unknown as ArrayBuffer) as unknown as T;
}

export function compose({ requests, progress }: Task<ComposeRequest>): Promise<(Composed | Failure)[]> {
  // Documents share parts, and a message preserves that.
  const decoded = new Map<Uint8Array, unknown>();
  const decode = (bytes: Uint8Array) => {
    const known = decoded.get(bytes) ?? decodeJson(bytes);
    decoded.set(bytes, known);
    return known;
  };
  return Promise.all(
    requests.map((request, index) => {
      begin(progress, index);
      return orFailure(() => composeDocument(request, decode));
    }),
  );
}

export function answer({ document: name, query, progress }: Tracked<QueryTask>): Promise<Composed | Failure> {
  begin(progress, 0);
  return orFailure(() => {
    const { queries } = documentNamed(name);
    if (!queries) throw new Error(`${name} takes no query`);
    return { kind: 'composed', bodies: [encodeBody(null, queries.answer(query, machine))], metrics: [], changes: [] };
  });
}

export function history({ series, query, format, nowSeconds, progress }: Tracked<HistoryTask>): Promise<Rows | Failure> {
  begin(progress, 0);
  return orFailure(() => ({ kind: 'rows', bytes: Buffer.from(encodeHistory(readHistory(new Map(series), query, nowSeconds), format)) }));
}

async function takeSample(request: SampleRequest, machine: Machine): Promise<Outcome> {
  const collector = collectorByName(request.collector);
  if (!collector) throw new Error(`no collector ${request.collector}`);
  const { thorough, secrets } = request;
  const carried = request.carried && decodeJson(request.carried);
  const nowMs = Date.now();
  const sampling = {
    carried,
    monotonicMs: monotonicMs(),
    ipMonitor: undefined,
    nowMs,
    thorough,
    // They are read even if only some keys may see them, and returned separately.
    exposeSecrets: exposeSecrets || secrets,
    maxStationMetrics,
  };
  if (collector.trigger === 'schedule') return readCollector(collector, machine, sampling, request);
  if (carried && isUnchanged(machine, carried as Reads)) return { kind: 'unchanged' };
  if (request.compareOnly) return { kind: 'changed' };
  const recording = recordReads(machine, nowMs);
  const outcome = await orFailure(() => readCollector(collector, recording.machine, sampling, request));
  return isTransient(outcome) ? outcome : { ...outcome, carry: encodeJson(recording.reads()) };
}

/** Returns whether a sample may end otherwise although no file has changed. */
function isTransient(outcome: Sampled | Failure): boolean {
  return outcome.kind === 'failed' && (outcome.code === 'unreadable' || outcome.code === 'internal');
}

async function readCollector(
  collector: AnyCollector,
  from: Machine,
  sampling: Sampling<unknown>,
  request: SampleRequest,
): Promise<Sampled> {
  const isBody = documents.some(({ verbatim }) => verbatim === collector.name);
  const encoded = (value: unknown) => {
    const json = encodeValue(value, collector.view, exposeSecrets);
    return { value: json, ...(isBody && { body: bodyOf(null, json) }), ...secretsOf(value) };
  };
  const secretsOf = (value: unknown) => ({
    ...(request.secrets && holdsSecrets(collector.view.json) && { secretValue: encodeValue(value, collector.view, true) }),
  });
  try {
    const { value, carry, metrics, points = {} } = await collector.read(from, sampling);
    const encodedCarry = carry === undefined ? undefined : encodeJson(carry);
    // While its files don't change, a file-change collector takes no other sample.
    const rendered = metrics && (request.metrics || collector.trigger === 'file-change') ? renderFamilies(metrics()) : [];
    return { kind: 'sampled', absent: null, ...encoded(value), carry: encodedCarry, metrics: rendered, points };
  } catch (error) {
    if (error instanceof Absent)
      return {
        kind: 'sampled',
        absent: error.message,
        ...encoded(collector.absent),
        carry: undefined,
        metrics: [],
        points: {},
      };
    throw error;
  }
}

function composeDocument({ document: name, parts, secretParts, before }: ComposeRequest, decode: (bytes: Uint8Array) => unknown): Composed {
  const document = documentNamed(name);
  const { value, bodies } = composeBodies(document, parts, decode);
  const told = before && document.changes?.(value, decodeJson(before));
  return {
    kind: 'composed',
    bodies,
    // Values without secrets would make the same bodies.
    secretBodies: secretParts && composeBodies(document, { ...parts, ...secretParts }, decode).bodies,
    metrics: renderFamilies(document.metrics?.(value, maxStationMetrics) ?? []),
    changes: told ?? [],
  };
}

function composeBodies(
  document: AnyDocument,
  parts: Readonly<Record<string, Uint8Array>>,
  decode: (bytes: Uint8Array) => unknown,
): { value: unknown; bodies: Body[] } {
  const values = Object.fromEntries(Object.entries(parts).map(([part, bytes]) => [part, decode(bytes)])) as Parameters<
    typeof document.compose
  >[0];
  const value = document.compose(values);
  const pages = document.pages?.compose(value, values) ?? new Map<string, unknown>();
  return { value, bodies: [encodeBody(null, value), ...[...pages].map(([page, content]) => encodeBody(page, content))] };
}

function documentNamed(name: string): AnyDocument {
  const document = documentByName(name);
  if (!document) throw new Error(`no document ${name}`);
  return document;
}

async function orFailure<T>(work: () => T | Promise<T>): Promise<T | Failure> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof SourceError) return { kind: 'failed', code: error.code, message: error.message };
    // A defect of apsnap: clients see one line of it.
    return { kind: 'failed', code: 'internal', message: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
  }
}
