// The worker pool: which tasks run at the same time, which wait, and what happens when a thread is lost.
import assert from 'node:assert/strict';
import { appendFileSync, chmodSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { type CollectorName, collectorByName } from '../../src/collectors/index.js';
import { encodeJson } from '../../src/encode/body.js';
import type { Outcome, Sampled } from '../../src/engine/messages.js';
import { createSampler, type Lane, type Sampler } from '../../src/engine/worker-pool.js';
import { createMachine } from '../../src/machine/machine.js';
import { asNobody } from '../support/nobody.js';
import { createAccessPoint, type Root } from '../support/root.js';
import { firstSample } from '../support/sample.js';

/** Number of names that keep a thread busy for at least a third of a second. */
const AMOUNT = 800_000;
let root: Root;
/** Every thread that was started, the newest last. */
const threads: Worker[] = [];
const onWorker = (worker: Worker) => threads.push(worker);

before(() => {
  root = createAccessPoint();
  process.on('worker', onWorker);
  const lines = Array.from({ length: AMOUNT }, (_, n) => `0.0.0.0 host-${n}.tracker.example`);
  root.write('/etc/raspap/adblock/hostnames.txt', lines.join('\n'));
  root.write('/etc/raspap/adblock/domains.txt', 'local=/ads.example/\n');
});

after(() => {
  process.off('worker', onWorker);
  root.remove();
});

async function withSampler(amount: number, use: (sampler: Sampler) => Promise<void>): Promise<void> {
  const sampler = createSampler(amount, { rootfs: root.folder, path: root.path, exposeSecrets: false, maxStationMetrics: 0 });
  try {
    // Threads take a while to start.
    await Promise.all(Array.from({ length: amount }, () => take(sampler, 'load', 'quick')));
    await use(sampler);
  } finally {
    await sampler.close();
  }
}

async function take(sampler: Sampler, collector: CollectorName, lane: Lane, last?: Sampled): Promise<Outcome> {
  const [taken] = await sampler.sample(
    [{ collector, carried: last?.carry, compareOnly: false, thorough: false, metrics: false, secrets: false, sources: false }],
    lane,
  );
  return (taken as { outcome: Outcome }).outcome;
}

const LIST = Buffer.from('{"domains":["ads.example"],"amount":1}');
const ask = (sampler: Sampler, limit: number) => sampler.answer({ document: 'dns/domains', query: { limit, offset: 0 } });

/** Starts all tasks at once. @returns their names in the order in which they end */
async function race(tasks: Readonly<Record<string, () => Promise<unknown> | undefined>>): Promise<string[]> {
  const ended: string[] = [];
  await Promise.all(
    Object.entries(tasks).map(async ([name, task]) => {
      await task();
      ended.push(name);
    }),
  );
  return ended;
}

describe('lanes', () => {
  test('a program runs at the same time as a heavy task, but a second heavy task waits', () =>
    withSampler(2, async (sampler) => {
      const ended = await race({
        large: () => take(sampler, 'hostnames', 'heavy'),
        small: () => take(sampler, 'domains', 'heavy'),
        program: () => take(sampler, 'stations', 'program'),
      });
      assert.deepEqual(ended, ['program', 'large', 'small']);
    }));

  test('a query waits for a sample that is requested after it', async () => {
    for (const amount of [1, 2]) {
      await withSampler(amount, async (sampler) => {
        const ended = await race({
          large: () => take(sampler, 'hostnames', 'heavy'),
          // Takes the second thread, if there is one.
          program: () => take(sampler, 'stations', 'program'),
          query: () => ask(sampler, 1),
          quick: () => take(sampler, 'load', 'quick'),
        });
        assert.ok(ended.indexOf('quick') < ended.indexOf('query'), `${amount}: ${ended}`);
      });
    }
  });

  test('a query gets its turn even if samples are requested without pause', () =>
    withSampler(1, async (sampler) => {
      let answered = false;
      const sampleOn = async () => {
        for (let samples = 0; !answered; samples++) {
          assert.ok(samples < 200, 'the query still waits');
          await take(sampler, 'load', 'quick');
        }
      };
      const sampling = Array.from({ length: 4 }, sampleOn);
      const query = Promise.resolve(ask(sampler, 1)).then((outcome) => {
        answered = true;
        assert.equal(outcome.kind, 'composed');
      });
      await Promise.all([query, ...sampling]);
    }));

  test('a single thread can run samples of every lane, queries and compositions', () =>
    withSampler(1, async (sampler) => {
      const outcomes = await Promise.all([
        take(sampler, 'domains', 'heavy'),
        take(sampler, 'stations', 'program'),
        take(sampler, 'load', 'quick'),
        ask(sampler, 1),
        sampler.compose([{ document: 'dns/domains', parts: { domains: LIST } }], 'heavy').then(([one]) => one),
      ]);
      for (const outcome of outcomes) assert.notEqual(outcome?.kind, 'failed', JSON.stringify(outcome));
    }));

  test('queries beyond the limit of the queue are rejected as busy', () =>
    withSampler(2, async (sampler) => {
      const answers = await Promise.all(Array.from({ length: 100 }, (_, n) => ask(sampler, n + 1)));
      const taken = answers.filter(({ kind }) => kind !== 'busy');
      assert.ok(taken.length > 50 && taken.length < 80, `${taken.length}`);
      for (const answer of taken) assert.equal(answer.kind, 'composed');
      assert.equal((await ask(sampler, 1)).kind, 'composed', 'there is room again');
    }));
});

describe('threads', () => {
  test('a thread that ends during a heavy task is replaced', () =>
    withSampler(1, async (sampler) => {
      const [mine] = threads.slice(-1);
      const heavy = take(sampler, 'hostnames', 'heavy');
      const next = take(sampler, 'domains', 'heavy');
      await sleep(50);
      await mine?.terminate();
      const lost = await heavy;
      assert.equal(lost.kind === 'failed' && lost.code, 'thread-lost');
      assert.equal((await next).kind, 'sampled', 'the next one has a thread');
      const again = await take(sampler, 'hostnames', 'heavy');
      assert.ok(again.kind === 'sampled');
      assert.match(Buffer.from(again.value.slice(-100)).toString(), /"host-799999\.tracker\.example"\],"amount":800000\}$/);
    }));

  test('if one of several documents cannot be composed, the others still are', () =>
    withSampler(1, async (sampler) => {
      const good = { document: 'dns/domains', parts: { domains: LIST } };
      const bad = { document: 'nope', parts: {} };
      const outcomes = await sampler.compose([good, bad, good], 'quick');
      assert.deepEqual(
        outcomes.map(({ kind }) => kind),
        ['composed', 'failed', 'composed'],
      );
    }));
});

describe('unchanged files', () => {
  const FILE = '/etc/raspap/adblock/domains.txt';

  /** Takes a sample late enough after the last change that the next sample reports it as unchanged. */
  async function settled(sampler: Sampler): Promise<Sampled> {
    await sleep(80);
    const first = await take(sampler, 'domains', 'heavy');
    assert.ok(first.kind === 'sampled');
    assert.deepEqual(await take(sampler, 'domains', 'heavy', first), { kind: 'unchanged' });
    return first;
  }

  test('a list that has grown is sampled again', () =>
    withSampler(1, async (sampler) => {
      const first = await settled(sampler);
      appendFileSync(root.locate(FILE), 'local=/tracker.example/\n');
      const second = await take(sampler, 'domains', 'heavy', first);
      assert.ok(second.kind === 'sampled');
      assert.equal(Buffer.from(second.value).toString(), '{"domains":["ads.example","tracker.example"],"amount":2}');
    }));

  test('a removed list is reported as absent, and sampled again when it is back', () =>
    withSampler(1, async (sampler) => {
      const first = await settled(sampler);
      const content = readFileSync(root.locate(FILE));
      rmSync(root.locate('/etc/raspap/adblock/domains.txt'));
      const none = await take(sampler, 'domains', 'heavy', first);
      assert.ok(none.kind === 'sampled');
      assert.match(none.absent ?? '', /domains\.txt: does not exist$/);
      assert.deepEqual(await take(sampler, 'domains', 'heavy', none), { kind: 'unchanged' });
      root.write(FILE, content);
      const back = await take(sampler, 'domains', 'heavy', none);
      assert.ok(back.kind === 'sampled' && back.absent === null);
    }));

  test('carried state that names other files does not make a list count as unchanged', () =>
    withSampler(1, async (sampler) => {
      const odd = { carry: encodeJson({ files: { '/nowhere': 'x' }, links: {}, settled: true }) } as Sampled;
      const outcome = await take(sampler, 'domains', 'heavy', odd);
      assert.ok(outcome.kind === 'sampled');
    }));
});

describe('unreadable folders', () => {
  test('a folder without search permission is a permission failure, not an absent list', () => {
    chmodSync(root.folder, 0o755);
    mkdirSync(root.locate('/var/log'), { recursive: true });
    for (const [folder, names] of [
      ['/etc/raspap', ['domains', 'hostnames']],
      ['/var/log', ['dnslog']],
    ] as const) {
      chmodSync(root.locate(folder), 0);
      const host = createMachine({ rootfs: root.folder, path: '' });
      for (const name of names) {
        assert.throws(
          () => asNobody(() => collectorByName(name)?.read(host, firstSample)),
          { code: 'permission', message: /permission denied$/ },
          name,
        );
      }
      chmodSync(root.locate(folder), 0o755);
    }
  });
});
