/**
 * The worker's entry. Piscina calls the four functions below by name; src/engine/messages.ts describes what they take and return.
 *
 * The worker that runs cycles owns the snapshot: values, carried state, digests of bodies. It can be thrown away at any time. Failures
 * are returned, not thrown: an error loses its class and code on its way between threads.
 */
import { debuglog } from 'node:util';
import { parentPort, workerData } from 'node:worker_threads';
import { documentByName } from '../src/documents/index.js';
import { type Body, encodeBody } from '../src/encode/body.js';
import { encodeHistory } from '../src/encode/history-rows.js';
import { createCycle } from '../src/engine/cycle.js';
import { keepHeapSmall } from '../src/engine/heap.js';
import { readHistory } from '../src/engine/history.js';
import { sampleList } from '../src/engine/list.js';
import {
  type Answer,
  type CycleReport,
  type CycleRequest,
  type Failure,
  type Form,
  type HistoryTask,
  type ListReport,
  type ListTask,
  mark,
  newProgress,
  type QueryTask,
  type Rows,
  type ThreadData,
  type Tracked,
} from '../src/engine/messages.js';
import { asFailure } from '../src/engine/read.js';
import { createMachine } from '../src/machine/machine.js';
import { lowerPriority } from '../src/machine/priority.js';

const { exposeSecrets, maxStationMetrics, ...place } = workerData as ThreadData;
const options = { exposeSecrets, maxStationMetrics };
const machine = createMachine(place);
lowerPriority();
keepHeapSmall();

const log = debuglog('apsnap:worker');

/** Smaller bodies are copied: transferring one has a price too. */
const MIN_TRANSFERRED_BYTES = 1 << 16;

/** Progress of the current cycle. */
let progress = newProgress();
const runCycle = createCycle(machine, options, {
  onStep: (step) => mark(progress, step),
  // The main thread requests a cycle, which takes the result over.
  onLate: () => parentPort?.postMessage('late'),
});

/** Runs a cycle. */
export async function cycle({ progress: shared, ...request }: Tracked<CycleRequest>): Promise<CycleReport> {
  progress = shared;
  const report = await runCycle(request);
  log('cycle: %d due, %d sampled, %d documents', request.due.length, report.samples.length, report.documents.length);
  return transferred(
    report,
    report.documents.flatMap((one) => (one.kind === 'composed' ? bodiesOf(one.form, one.secretForm) : [])),
  );
}

/** Samples a block list. */
export async function list({ progress: shared, ...task }: Tracked<ListTask>): Promise<ListReport> {
  mark(shared, 0);
  const report = sampleList(machine, options, task);
  return transferred(report, bodiesOf(report.document?.form));
}

/** Answers a query of a document. */
export function answer({ document: name, query, progress: shared }: Tracked<QueryTask>): Answer | Failure {
  mark(shared, 0);
  try {
    const queries = documentByName(name)?.queries;
    if (!queries) throw new Error(`${name} takes no query`);
    return { kind: 'answered', body: encodeBody(null, queries.answer(query, machine)) };
  } catch (error) {
    return asFailure(error);
  }
}

/** Encodes rows of the history. */
export function history({ series, query, format, nowSeconds, progress: shared }: Tracked<HistoryTask>): Rows | Failure {
  mark(shared, 0);
  try {
    return { kind: 'rows', bytes: Buffer.from(encodeHistory(readHistory(new Map(series), query, nowSeconds), format)) };
  } catch (error) {
    return asFailure(error);
  }
}

function bodiesOf(...forms: (Form | undefined)[]): readonly Body[] {
  return forms.flatMap((form) => form?.changed ?? []);
}

/** Has large bodies moved to the main thread instead of copied. */
async function transferred<T>(value: T, bodies: readonly Body[]): Promise<T> {
  const buffers = bodies
    .flatMap(({ json, gzip }) => (gzip ? [json, gzip] : [json]))
    .filter(({ byteLength, buffer }) => byteLength >= MIN_TRANSFERRED_BYTES && buffer.byteLength === byteLength)
    .map(({ buffer }) => buffer);
  if (buffers.length === 0) return value;
  // Most workers never have any, so they load no more of piscina for it.
  const { move, transferableSymbol, valueSymbol } = await import('piscina');
  return move({ [transferableSymbol]: buffers, [valueSymbol]: value } as unknown as ArrayBuffer) as unknown as T;
}
