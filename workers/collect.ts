/**
 * The sampling thread: takes a sample of a collector, or composes a document of such samples, and answers with bytes.
 *
 *     main ── SampleTask {collector, before} ──▶ read ────▶ Sampled {value, keep} ──▶ main
 *     main ── ComposeTask {document, parts} ───▶ compose ─▶ Composed {json, gzip, tag} ──▶ main
 *
 * It keeps nothing between tasks, so a thread can be thrown away at any time. Failures are returned, not thrown:
 * an error loses its class and code on its way between threads.
 */
import { workerData } from 'node:worker_threads';
import { collectorByName } from '../src/collectors/index.js';
import { documentByName } from '../src/documents/index.js';
import { decodeJson, encodeBody, encodeJson } from '../src/encode/body.js';
import { Absent, SourceError } from '../src/errors.js';
import { createHost, yieldToRequests } from '../src/host.js';
import type { Composed, ComposeTask, Failure, Outcome, Sampled, SampleTask, Task, ThreadData } from '../src/task.js';

const host = createHost(workerData as ThreadData);
yieldToRequests();

export default function run(task: Task): Outcome<SampleTask> | Outcome<ComposeTask> {
  try {
    return task.kind === 'sample' ? sample(task) : compose(task);
  } catch (error) {
    return failure(error);
  }
}

function sample({ collector: name, before, thorough }: SampleTask): Sampled {
  const collector = collectorByName(name);
  if (!collector) throw new Error(`no collector ${name}`);
  try {
    const { value, keep } = collector.read(host, {
      before: before && decodeJson(before),
      monotonicMs: Number(process.hrtime.bigint() / 1000n) / 1000,
      nowMs: Date.now(),
      thorough,
    });
    return { ok: true, absent: null, value: encodeJson(value), keep: keep === undefined ? undefined : encodeJson(keep) };
  } catch (error) {
    if (error instanceof Absent) return { ok: true, absent: error.message, value: encodeJson(collector.absent), keep: undefined };
    throw error;
  }
}

function compose({ document: name, parts }: ComposeTask): Composed {
  const document = documentByName(name);
  if (!document) throw new Error(`no document ${name}`);
  const values = Object.fromEntries(Object.entries(parts).map(([part, bytes]) => [part, decodeJson(bytes)]));
  const value = document.compose(values as Parameters<typeof document.compose>[0]);
  const pages = document.pages?.compose(value, values as Parameters<typeof document.compose>[0]) ?? new Map<string, unknown>();
  return { ok: true, bodies: [encodeBody(null, value), ...[...pages].map(([page, content]) => encodeBody(page, content))] };
}

function failure(error: unknown): Failure {
  if (error instanceof SourceError) return { ok: false, code: error.code, message: error.message };
  // A defect of ours: the first line is for clients, so it holds no stack.
  return { ok: false, code: 'internal', message: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
}
