// Retries of collectors that hung, with a sampler that the test controls, and stored times when the clock is set.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeBody, encodeJson } from '../../../src/encode/body.js';
import type { Composed, Failure, Sampled, Taken } from '../../../src/engine/messages.js';
import { createScheduler } from '../../../src/engine/schedule.js';
import { createStore } from '../../../src/engine/store.js';
import type { Sampler } from '../../../src/engine/worker-pool.js';

const good: Sampled = { kind: 'sampled', absent: null, value: encodeJson({}), carry: undefined, metrics: [], points: {} };
const composed: Composed = { kind: 'composed', bodies: [encodeBody(null, {})], changes: [], metrics: [] };
const lost: Failure = { kind: 'failed', code: 'thread-lost', message: 'no answer' };

/** Creates a sampler whose outcomes the test chooses. */
function samplerOf(take: () => Taken, compose: () => Composed | Failure = () => composed): Sampler {
  return {
    sample: async (requests) => requests.map(take),
    compose: async (requests) => requests.map(compose),
    answer: async () => ({ kind: 'busy' }),
    history: async () => ({ kind: 'busy' }),
    close: async () => {},
  };
}

test('a collector whose thread is stuck is retried as soon as the thread ends, and not before', async () => {
  let letGo = () => {};
  const threadEnd = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  let tries = 0;
  const taken: Taken[] = [{ outcome: lost, tookMs: 20, threadEnd }];
  const store = createStore();
  const scheduler = createScheduler(
    samplerOf(() => taken[tries++] ?? { outcome: good, tookMs: 1 }),
    store,
  );
  await scheduler.sample(['thermal']);
  await sleep(50);
  for (let n = 0; n < 3; n++) await scheduler.sample(['thermal']);
  assert.equal(tries, 1, 'its time is over, and it is still stuck');
  assert.equal(store.collectors.get('thermal')?.failure?.code, 'thread-lost');
  letGo();
  await sleep(10);
  assert.equal(tries, 2, 'at once, whenever the schedule says');
  assert.equal(store.collectors.get('thermal')?.failure, undefined);
});

test('a collector that hung is retried after the time that it took, or after its interval if that is shorter', async () => {
  for (const { intervalMs, tookMs, waitsMs } of [
    { intervalMs: 60_000, tookMs: 60, waitsMs: 60 },
    { intervalMs: 60, tookMs: 60_000, waitsMs: 60 },
  ]) {
    for (const code of ['thread-lost', 'timeout'] as const) {
      let tries = 0;
      const store = createStore();
      store.setInterval('thermal', intervalMs);
      const scheduler = createScheduler(
        samplerOf(() => {
          tries++;
          return { outcome: { ...lost, code }, tookMs };
        }),
        store,
      );
      // The number of earlier failures makes no difference.
      for (let n = 1; n <= 4; n++) {
        await scheduler.sample(['thermal']);
        assert.equal(tries, n);
        await scheduler.sample(['thermal']);
        assert.equal(tries, n, 'not at once');
        await sleep(waitsMs + 5);
      }
    }
  }
});

test('a document that could not be composed is retried even if its collectors have not changed', async () => {
  let fails = true;
  const store = createStore();
  const scheduler = createScheduler(
    samplerOf(
      () => ({ outcome: good, tookMs: 1 }),
      () => (fails ? lost : composed),
    ),
    store,
  );
  await scheduler.sample(['firewall']);
  assert.deepEqual([store.documents.get('firewall')?.state, store.documents.get('firewall')?.problem?.code], ['absent', 'thread-lost']);
  fails = false;
  await scheduler.sample(['firewall']);
  assert.deepEqual([store.documents.get('firewall')?.state, store.documents.get('firewall')?.problem], ['fresh', null]);
});

test('if the clock is set, the store moves its times with it and notifies listeners once', (context) => {
  const store = createStore();
  store.sampled('firewall', good, 1);
  store.composed('firewall', composed);
  const record = () => store.documents.get('firewall');
  const times = () => [record()?.sampledAtMs, record()?.bodies.get(null)?.modifiedMs];
  const [sampledAtMs = 0, modifiedMs = 0] = times() as number[];
  let told = 0;
  store.onChange(({ document }) => {
    if (document.name === 'firewall') told++;
  });
  const real = Date.now;
  for (const movedMs of [3_600_000, -3_600_000, 700]) {
    const clock = context.mock.method(Date, 'now', () => real() + movedMs);
    store.review();
    for (const [index, was] of [sampledAtMs, modifiedMs].entries()) {
      assert.ok(Math.abs((times()[index] as number) - was - movedMs) <= 20, `${movedMs}: ${times()[index]}, was ${was}`);
    }
    clock.mock.restore();
    store.review();
  }
  assert.equal(told, 6, 'who has made something of them is told');
  store.review();
  assert.equal(told, 6, 'and not while it stands');
});

test('after a failure, traffic gets the state of its last good sample, and dhcpcd gets that of the failure', async () => {
  const state = { good: encodeJson('good'), failed: encodeJson('failed') };
  let fails = false;
  const carried: (Uint8Array | undefined)[] = [];
  const sampler: Sampler = {
    ...samplerOf(() => ({ outcome: good, tookMs: 1 })),
    sample: async (requests) =>
      requests.map((request) => {
        carried.push(request.carried);
        const failure: Failure = { kind: 'failed', code: 'malformed', message: 'not a number', carry: state.failed };
        return { outcome: fails ? failure : { ...good, carry: state.good }, tookMs: 1 };
      }),
  };
  for (const [name, expected] of [
    ['traffic', state.good],
    ['dhcpcd', state.failed],
  ] as const) {
    carried.length = 0;
    fails = false;
    const scheduler = createScheduler(sampler, createStore());
    await scheduler.sample([name]);
    fails = true;
    await scheduler.sample([name]);
    await scheduler.sample([name]);
    assert.deepEqual(carried, [undefined, state.good, expected], name);
  }
});
