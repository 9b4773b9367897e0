/**
 * The sampling thread: takes samples of collectors, or composes a document of such samples, and answers with bytes.
 *
 *     main ── SampleTask {requests} ──────────▶ read ────▶ Taken[] {value, keep} ──▶ main
 *     main ── ComposeTask {document, parts} ──▶ compose ─▶ Composed {json, gzip, tag} ──▶ main
 *
 * It keeps nothing between tasks, so a thread can be thrown away at any time. Failures are returned, not thrown:
 * an error loses its class and code on its way between threads.
 */
import { workerData } from 'node:worker_threads';
import { collectorByName } from '../src/collectors/index.js';
import { documentByName } from '../src/documents/index.js';
import { decodeJson, encodeBody, encodeJson, encodeValue } from '../src/encode/body.js';
import { Absent, SourceError } from '../src/errors.js';
import { createHost, yieldToRequests } from '../src/host.js';
import type { Composed, ComposeTask, Failure, Sampled, SampleRequest, SampleTask, Taken, ThreadData } from '../src/task.js';

const { exposeSecrets, ...machine } = workerData as ThreadData;
const host = createHost(machine);
yieldToRequests();

/** Piscina calls one of these by name. */
export function sample({ requests, progress }: SampleTask): Taken[] {
  return requests.map((request, index) => {
    Atomics.store(progress, 0, index);
    const startedMs = performance.now();
    const outcome = orFailure(() => takeSample(request));
    return { outcome, tookMs: performance.now() - startedMs };
  });
}

export function compose(task: ComposeTask): Composed | Failure {
  return orFailure(() => composeDocument(task));
}

function takeSample({ collector: name, before, thorough }: SampleRequest): Sampled {
  const collector = collectorByName(name);
  if (!collector) throw new Error(`no collector ${name}`);
  try {
    const { value, keep } = collector.read(host, {
      before: before && decodeJson(before),
      monotonicMs: Number(process.hrtime.bigint() / 1000n) / 1000,
      nowMs: Date.now(),
      thorough,
      exposeSecrets,
    });
    return {
      ok: true,
      absent: null,
      value: encodeValue(value, collector.view, exposeSecrets),
      keep: keep === undefined ? undefined : encodeJson(keep),
    };
  } catch (error) {
    if (error instanceof Absent) return { ok: true, absent: error.message, value: encodeJson(collector.absent), keep: undefined };
    throw error;
  }
}

function composeDocument({ document: name, parts }: ComposeTask): Composed {
  const document = documentByName(name);
  if (!document) throw new Error(`no document ${name}`);
  const values = Object.fromEntries(Object.entries(parts).map(([part, bytes]) => [part, decodeJson(bytes)]));
  const value = document.compose(values as Parameters<typeof document.compose>[0]);
  const pages = document.pages?.compose(value, values as Parameters<typeof document.compose>[0]) ?? new Map<string, unknown>();
  return { ok: true, bodies: [encodeBody(null, value), ...[...pages].map(([page, content]) => encodeBody(page, content))] };
}

function orFailure<T>(work: () => T): T | Failure {
  try {
    return work();
  } catch (error) {
    if (error instanceof SourceError) return { ok: false, code: error.code, message: error.message };
    // A defect of ours: clients see one line of it.
    return { ok: false, code: 'internal', message: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
  }
}
