// Real threads: which tasks run at the same time, which wait, and what happens when a thread is lost. A module that is loaded into each
// thread injects faults.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Worker } from 'node:worker_threads';
import type { CollectorName } from '../../src/collectors/index.js';
import { subjectOf } from '../../src/engine/cycle.js';
import type { CycleReport, CycleRequest } from '../../src/engine/messages.js';
import type { Finished, Lost } from '../../src/engine/task.js';
import type { Workers, WorkerTimes } from '../../src/engine/worker-pool.js';
import { eventually } from '../support/eventually.js';
import type { Control } from '../support/fault-hooks.js';
import { createAccessPoint, type Root } from '../support/root.js';

const TIMES: WorkerTimes = { step: 400, list: 30_000, query: 30_000, start: 20_000, look: 50, patience: 30_000, idle: 30_000 };
const WANTS: CycleRequest['wants'] = { metrics: false, changes: false, secrets: false, sources: false };
/** Number of names that keep a thread busy for at least a third of a second. */
const AMOUNT = 800_000;
const HOSTNAMES = '/etc/raspap/adblock/hostnames.txt';

const folder = mkdtempSync(join(tmpdir(), 'apsnap-workers-'));
const controlFile = join(folder, 'control.json');
const fifo = join(folder, 'fifo');
let root: Root;
let createWorkers: typeof import('../../src/engine/worker-pool.js').createWorkers;
/** Threads that have not ended. */
const threads = new Set<Worker>();

before(async () => {
  execFileSync('mkfifo', [fifo]);
  writeFileSync(controlFile, JSON.stringify({ fifo }));
  // It has to replace `Worker` before the pool is loaded.
  await import(new URL(`../support/fault-hooks.js?control=${controlFile}`, import.meta.url).href);
  ({ createWorkers } = await import('../../src/engine/worker-pool.js'));
  process.on('worker', (worker: Worker) => {
    threads.add(worker);
    worker.once('exit', () => threads.delete(worker));
  });
  root = createAccessPoint();
  root.write(HOSTNAMES, Array.from({ length: AMOUNT }, (_, n) => `0.0.0.0 host-${n}.tracker.example`).join('\n'));
  root.write('/etc/raspap/adblock/domains.txt', 'local=/ads.example/\n');
});

after(() => {
  root.remove();
  // Until then, the hooks poll a file in it.
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
});

/** Applies faults in all threads. */
async function control(faults: Control['faults'] = {}): Promise<void> {
  const text = JSON.stringify({ fifo, faults });
  writeFileSync(`${controlFile}.new`, text);
  renameSync(`${controlFile}.new`, controlFile);
  await eventually(() => assert.equal(readFileSync(`${controlFile}.applied`, 'utf8'), text));
}

const unblock = () => execFileSync('/bin/sh', ['-c', `: <>"$1"`, 'sh', fifo]);

async function withWorkers(times: Partial<WorkerTimes>, use: (workers: Workers) => Promise<void>): Promise<void> {
  const place = { rootfs: root.folder, path: root.path, exposeSecrets: false, maxStationMetrics: 0 };
  const workers = createWorkers(2, place, { ...TIMES, ...times });
  // A worker that waits for a program keeps no process alive.
  const alive = setInterval(() => {}, 1_000);
  try {
    await use(workers);
  } finally {
    await control();
    unblock();
    await workers.close();
    clearInterval(alive);
  }
  assert.equal(threads.size, 0);
}

function cycle(workers: Workers, ...due: readonly CollectorName[]): Promise<Finished<CycleReport> | Lost> {
  return workers.cycle({
    ...{ due, thorough: false, wants: WANTS, ipMonitor: undefined },
    ...{ listReads: new Map(), restored: undefined, leftOut: [] },
  });
}

async function report(workers: Workers, ...due: readonly CollectorName[]): Promise<CycleReport> {
  const ended = await cycle(workers, ...due);
  assert.ok(ended.kind === 'finished', JSON.stringify(ended));
  return ended.result;
}

async function lose(workers: Workers, ...due: readonly CollectorName[]): Promise<Lost> {
  const ended = await cycle(workers, ...due);
  assert.ok(ended.kind === 'lost');
  assert.equal(ended.failure.code, 'thread-lost');
  return ended;
}

const list = (workers: Workers, collector: CollectorName) => workers.list({ collector, wants: WANTS });
const query = (workers: Workers, limit: number, document = 'dns/domains') => workers.answer({ document, query: { limit, offset: 0 } });

describe('the thread that runs cycles', () => {
  test('keeps its state from one cycle to the next', () =>
    withWorkers({}, async (workers) => {
      assert.equal(workers.isNew(), true);
      const first = await report(workers, 'firewall', 'load');
      assert.equal(workers.isNew(), false);
      assert.deepEqual(first.samples.map(({ collector }) => collector).sort(), ['firewall', 'load']);
      assert.deepEqual((await report(workers, 'firewall')).unchanged, ['firewall']);
      assert.equal(threads.size, 1, 'no second thread without long tasks');
    }));

  test('reports that a program has ended after its cycle', () =>
    withWorkers({}, async (workers) => {
      const late = new Promise<void>((resolve) => workers.onLate(resolve));
      // The first cycle waits for no program.
      assert.deepEqual((await report(workers, 'stations')).samples, []);
      await late;
      assert.deepEqual(
        (await report(workers)).samples.map(({ collector }) => collector),
        ['stations'],
      );
    }));

  for (const [fault, message] of [
    ['exit', /the sampling thread ended: worker exited with code: 7/],
    ['memory', /the sampling thread ended: .*memory limit|no result within/],
    ['loop', /no result within 400 ms: the thread was abandoned/],
  ] as const) {
    test(`is replaced after a fault (${fault}) in a step, which the report names`, () =>
      withWorkers({ step: fault === 'memory' ? 10_000 : TIMES.step }, async (workers) => {
        await report(workers, 'load');
        await control({ thermal: fault });
        const lost = await lose(workers, 'load', 'thermal', 'memory');
        assert.deepEqual(subjectOf(lost.step), { collector: 'thermal' });
        assert.match(lost.failure.message, message);
        assert.equal(workers.isNew(), true);
        await lost.threadEnd;
        assert.deepEqual(
          (await report(workers, 'load')).samples.map(({ outcome }) => outcome.kind),
          ['sampled'],
        );
        assert.equal(threads.size, 1);
      }));
  }

  test('is replaced while the kernel blocks it, and ends when the kernel releases it', () =>
    withWorkers({}, async (workers) => {
      await report(workers, 'load');
      await control({ thermal: 'block' });
      const lost = await lose(workers, 'thermal');
      assert.deepEqual(subjectOf(lost.step), { collector: 'thermal' });
      let hasEnded = false;
      void lost.threadEnd.then(() => {
        hasEnded = true;
      });
      await control();
      await report(workers, 'load');
      assert.deepEqual([hasEnded, threads.size], [false, 2]);
      unblock();
      await lost.threadEnd;
      assert.equal(threads.size, 1);
    }));

  test('runs cycles although four threads are blocked, at which queries fail', () =>
    withWorkers({ step: 200 }, async (workers) => {
      await control({ thermal: 'block' });
      const ends: Promise<unknown>[] = [];
      for (let n = 0; n < 4; n++) ends.push((await lose(workers, 'thermal')).threadEnd);
      const answer = await query(workers, 1);
      assert.match(answer.kind === 'failed' ? answer.message : answer.kind, /too many threads are stuck/);
      await report(workers, 'load');
      await control();
      unblock();
      await Promise.all(ends);
      assert.equal((await query(workers, 1)).kind, 'answered');
    }));

  test('is abandoned if it does not start in time, and no collector fails for it', () =>
    withWorkers({ start: 10, look: 10 }, async (workers) => {
      const lost = await lose(workers, 'load');
      assert.equal(subjectOf(lost.step), undefined);
      assert.match(lost.failure.message, /no thread started it within 10 ms/);
      assert.equal(workers.isNew(), true);
      await lost.threadEnd;
    }));

  test('is replaced if it ends while idle', () =>
    withWorkers({}, async (workers) => {
      await report(workers, 'load');
      await [...threads][0]?.terminate();
      assert.equal(workers.isNew(), true);
      await report(workers, 'load');
      assert.equal(workers.isNew(), false);
    }));
});

describe('threads for long tasks', () => {
  test('cycles run while a list is read', () =>
    withWorkers({}, async (workers) => {
      await report(workers, 'load');
      let isRead = false;
      const reading = list(workers, 'hostnames').then((ended) => {
        isRead = true;
        return ended;
      });
      await report(workers, 'load');
      assert.equal(isRead, false);
      const ended = await reading;
      assert.ok(ended.kind === 'finished');
      const json = ended.result.document?.form.changed[0]?.json.slice(-100);
      assert.match(Buffer.from(json ?? []).toString(), /"host-799999\.tracker\.example"\],"amount":800000\}$/);
    }));

  test('a list, a query and history take turns', () =>
    withWorkers({}, async (workers) => {
      const ended: string[] = [];
      const note = (name: string) => (result: { readonly kind: string }) => void ended.push(`${name} ${result.kind}`);
      const nowSeconds = 1_000;
      const all = { series: [], since: nowSeconds - 10, until: nowSeconds, step: 1 } as never;
      await Promise.all([
        list(workers, 'hostnames').then(note('list')),
        query(workers, 1).then(note('query')),
        workers.history({ series: [], query: all, format: 'json' as never, nowSeconds }).then(note('history')),
        list(workers, 'domains').then(note('short list')),
      ]);
      assert.deepEqual(ended.slice(0, 2), ['list finished', 'query answered']);
      assert.equal(ended.at(-1), 'short list finished');
      assert.ok(threads.size <= 2);
    }));

  test('a list that loses its thread fails, and the next one gets another thread', () =>
    withWorkers({ list: 400 }, async (workers) => {
      for (const fault of ['exit', 'loop'] as const) {
        await control({ domains: fault });
        const lost = await list(workers, 'domains');
        assert.equal(lost.kind === 'lost' && lost.failure.code, 'thread-lost');
        await control();
        assert.equal((await list(workers, 'domains')).kind, 'finished');
      }
    }));

  test('a query that takes too long fails, and its thread is abandoned', () =>
    withWorkers({ query: 50, look: 10 }, async (workers) => {
      const answer = await query(workers, 10_000, 'dns/hostnames');
      assert.match(answer.kind === 'failed' ? answer.message : answer.kind, /no result within 50 ms/);
    }));

  test('a query that waits too long for its turn is rejected as busy', () =>
    withWorkers({ patience: 20 }, async (workers) => {
      const reading = list(workers, 'hostnames');
      assert.deepEqual(await query(workers, 1), { kind: 'busy' });
      assert.equal((await reading).kind, 'finished');
      assert.equal((await query(workers, 1)).kind, 'answered');
    }));

  test('queries beyond the limit of the queue are rejected as busy', () =>
    withWorkers({}, async (workers) => {
      const answers = await Promise.all(Array.from({ length: 100 }, (_, n) => query(workers, n + 1)));
      const kinds = answers.map(({ kind }) => kind);
      assert.deepEqual([kinds.filter((kind) => kind === 'answered').length, kinds.filter((kind) => kind === 'busy').length], [65, 35]);
      assert.equal((await query(workers, 1)).kind, 'answered', 'there is room again');
    }));

  test('a query of a document without queries fails', () =>
    withWorkers({}, async (workers) => {
      const answer = await query(workers, 1, 'system');
      assert.equal(answer.kind === 'failed' && answer.code, 'internal');
    }));

  test('a thread ends when it has been idle, and another one starts for the next task', () =>
    withWorkers({ idle: 50 }, async (workers) => {
      await report(workers, 'load');
      for (let n = 0; n < 2; n++) {
        assert.equal((await query(workers, 1)).kind, 'answered');
        await eventually(() => assert.equal(threads.size, 1));
      }
      assert.equal(workers.isNew(), false, 'the thread that runs cycles stays');
    }));
});
