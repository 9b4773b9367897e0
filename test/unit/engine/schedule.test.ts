// When collectors are sampled, with workers whose cycles end when the test says so.
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { type CollectorName, collectors } from '../../../src/collectors/index.js';
import type { Reads } from '../../../src/engine/change-detection.js';
import { createClock } from '../../../src/engine/clock.js';
import { createScheduler } from '../../../src/engine/schedule.js';
import { Store } from '../../../src/engine/store.js';
import { createFakeWorkers, settled, withoutSamples } from '../../support/fake-workers.js';
import { composedReport, sampleReport } from '../../support/reports.js';

const names = collectors.map(({ name }) => name);
const PAUSE_MS = 100;
const MINUTE_MS = 60_000;
/** The start of a minute. */
const START_MS = Date.UTC(2024, 2, 10, 10, 11);
const READS: Reads = { files: {}, links: {}, settled: true };

/** Creates a scheduler whose time the test moves. */
function setUp(context: TestContext) {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  let passedMs = 0;
  let setMs = 0;
  context.mock.method(Date, 'now', () => START_MS + passedMs + setMs);
  context.mock.method(process.hrtime, 'bigint', () => BigInt(1_000_000 + passedMs) * 1_000_000n);
  const clock = createClock();
  const store = new Store(0, clock);
  const workers = createFakeWorkers();
  const scheduler = createScheduler(workers, store, { clock });
  const ended: string[] = [];
  return {
    ...{ store, workers, scheduler, ended },
    cycles: workers.cycles,
    due: () => workers.cycles.map(({ task }) => task.due),
    /** Requests samples, and notes when they have come. */
    async ask(caller: string, wanted: readonly CollectorName[], thorough = false) {
      void scheduler.sample(wanted, thorough).then(() => ended.push(caller));
      await settled();
    },
    async pass(ms: number) {
      for (let left = ms; left > 0; left -= PAUSE_MS) {
        const step = Math.min(left, PAUSE_MS);
        passedMs += step;
        context.mock.timers.tick(step);
        await settled();
      }
    },
    setClock(byMs: number) {
      setMs += byMs;
    },
    failureOf: (name: CollectorName) => store.collectors.get(name)?.failure?.code,
  };
}

describe('requests', () => {
  test('requests at the same time share a cycle', async (context) => {
    const { scheduler, due } = setUp(context);
    void scheduler.sample(['load']);
    void scheduler.sample(['cpu', 'load']);
    await settled();
    assert.deepEqual(due(), [['load', 'cpu']]);
  });

  test('one cycle runs at a time, and requests meanwhile share the next one', async (context) => {
    const { ask, cycles, due, ended } = setUp(context);
    await ask('first', ['load']);
    await ask('second', ['cpu']);
    await ask('third', ['memory', 'cpu']);
    assert.equal(cycles.length, 1);
    await cycles[0]?.finish();
    assert.deepEqual(due(), [['load'], ['cpu', 'memory']]);
    assert.deepEqual(ended, ['first']);
    await cycles[1]?.finish();
    assert.deepEqual(ended, ['first', 'second', 'third']);
    assert.equal(cycles.length, 2);
  });

  test('a request waits for a sample that starts after it', async (context) => {
    const { ask, cycles, due, ended } = setUp(context);
    await ask('first', ['load']);
    await ask('second', ['load']);
    await cycles[0]?.finish();
    assert.deepEqual(ended, ['first']);
    assert.deepEqual(due(), [['load'], ['load']]);
    await cycles[1]?.finish();
    assert.deepEqual(ended, ['first', 'second']);
  });

  test('a request ends with its own sample although others keep coming', async (context) => {
    const { ask, cycles, ended } = setUp(context);
    await ask('0', ['load']);
    for (let n = 1; n < 5; n++) {
      await ask(String(n), ['load']);
      await cycles[n - 1]?.finish();
      assert.deepEqual(
        ended,
        Array.from({ length: n }, (_, index) => String(index)),
      );
    }
  });

  test('a request for nothing gets a report of what was sampled', async (context) => {
    const { ask, cycles, due, ended } = setUp(context);
    await ask('scrape', []);
    assert.deepEqual(due(), [[]]);
    await cycles[0]?.finish();
    assert.deepEqual(ended, ['scrape']);
  });

  test('a thorough request makes one cycle thorough', async (context) => {
    const { ask, cycles } = setUp(context);
    await ask('client', ['load'], true);
    await cycles[0]?.finish();
    await ask('event', ['load']);
    await cycles[1]?.finish();
    assert.deepEqual(
      cycles.map(({ task }) => task.thorough),
      [true, false],
    );
  });

  test('a cycle request names what the store has a use for', async (context) => {
    const { ask, cycles, store } = setUp(context);
    store.wantsMetrics = true;
    store.wantsSecrets = true;
    await ask('client', []);
    assert.deepEqual(cycles[0]?.task.wants, { metrics: true, changes: false, secrets: true, sources: false });
  });
});

describe('programs that take long', () => {
  test('a request waits for a program, but others do not wait with it', async (context) => {
    const { ask, cycles, due, ended, workers } = setUp(context);
    await ask('slow', ['stations', 'load']);
    const [first] = cycles;
    await first?.finish(withoutSamples(first.task, 'stations'));
    await ask('quick', ['load']);
    await cycles[1]?.finish();
    assert.deepEqual(ended, ['quick']);
    await workers.late();
    assert.deepEqual(due(), [['load', 'stations'], ['load'], []], 'it is not started twice');
    await cycles[2]?.finish({ samples: [sampleReport('stations')] });
    assert.deepEqual(ended, ['quick', 'slow']);
  });

  test('a request during the program waits for the next one', async (context) => {
    const { ask, cycles, due, ended, workers } = setUp(context);
    await ask('first', ['stations']);
    await cycles[0]?.finish({ samples: [] });
    await ask('second', ['stations']);
    await cycles[1]?.finish();
    await workers.late();
    await cycles[2]?.finish({ samples: [sampleReport('stations')] });
    assert.deepEqual(ended, ['first']);
    assert.deepEqual(due(), [['stations'], [], [], ['stations']]);
    await cycles[3]?.finish();
    assert.deepEqual(ended, ['first', 'second']);
  });

  for (const [intervalMs, tookMs] of [
    [MINUTE_MS, 2_000],
    [2_000, MINUTE_MS],
  ] as const) {
    test(`a program that hung for ${tookMs} ms is retried after 2 s if its interval is ${intervalMs} ms`, async (context) => {
      const { ask, cycles, due, ended, pass, store } = setUp(context);
      store.setInterval('stations', intervalMs);
      const timeout = { kind: 'failed', code: 'timeout', message: 'iw dev: did not end' } as const;
      // The number of earlier failures makes no difference.
      for (let tries = 0; tries < 3; tries++) {
        await ask('client', ['stations']);
        await cycles.at(-1)?.finish({ samples: [sampleReport('stations', timeout, tookMs)] });
        assert.equal(ended.splice(0).length, 1, 'no caller waits for a collector that hangs');
        await pass(1_900);
        await ask('early', ['stations']);
        assert.deepEqual(due().at(-1), []);
        await cycles.at(-1)?.finish();
        assert.equal(ended.splice(0).length, 1);
        await pass(100);
      }
      await ask('client', ['stations']);
      assert.deepEqual(due().at(-1), ['stations']);
    });
  }
});

describe('long lists', () => {
  test('a request waits for a list, but others do not wait with it', async (context) => {
    const { ask, cycles, ended, store, workers } = setUp(context);
    await ask('slow', ['domains']);
    await cycles[0]?.finish({ samples: [], longLists: ['domains'] });
    assert.deepEqual(
      workers.lists.map(({ task }) => task.collector),
      ['domains'],
    );
    await ask('quick', ['firewall']);
    await cycles[1]?.finish();
    assert.deepEqual(ended, ['quick']);
    const document = composedReport('dns/domains', [{ page: null, json: Buffer.from('{}'), gzip: null, tag: 'x' }]);
    await workers.lists[0]?.finish({ document, reads: READS });
    await cycles[2]?.finish();
    assert.deepEqual(ended, ['quick', 'slow']);
    assert.equal(store.documents.get('dns/domains')?.state, 'fresh');
  });

  test('the next cycle request names the files that a list was read from', async (context) => {
    const { ask, cycles, workers } = setUp(context);
    await ask('client', ['domains']);
    await cycles[0]?.finish({ samples: [], longLists: ['domains'] });
    await workers.lists[0]?.finish({ reads: READS });
    await cycles[1]?.finish();
    await ask('client', []);
    assert.deepEqual(
      cycles.map(({ task }) => [...task.listReads]),
      [[], [['domains', READS]], [['domains', READS]]],
    );
  });

  test('after a temporary failure, a new worker gets no files of the list, so it reads the list again', async (context) => {
    const { ask, cycles, workers } = setUp(context);
    await ask('client', ['domains']);
    await cycles[0]?.finish({ samples: [], longLists: ['domains'] });
    await workers.lists[0]?.finish({ reads: READS });
    await cycles[1]?.finish();
    await ask('client', ['domains']);
    await cycles[2]?.finish({ samples: [], longLists: ['domains'] });
    const failure = { kind: 'failed', code: 'unreadable', message: 'EIO' } as const;
    await workers.lists[1]?.finish({ sample: sampleReport('domains', failure), reads: undefined });
    await cycles[3]?.finish();
    workers.isNext = true;
    await ask('client', []);
    assert.deepEqual([...(cycles[4]?.task.listReads ?? [])], []);
  });

  test('a list that loses its thread fails alone, and is retried when the thread has ended', async (context) => {
    const { ask, cycles, due, ended, failureOf, pass, workers } = setUp(context);
    let release = () => {};
    const threadEnd = new Promise<void>((resolve) => {
      release = resolve;
    });
    await ask('client', ['domains', 'load']);
    await cycles[0]?.finish({ samples: [sampleReport('load')], longLists: ['domains'] });
    await workers.lists[0]?.lose('domains', { tookMs: MINUTE_MS, threadEnd });
    await cycles[1]?.finish();
    assert.deepEqual(ended, ['client']);
    assert.deepEqual([failureOf('domains'), failureOf('load')], ['thread-lost', undefined]);
    await pass(5 * MINUTE_MS);
    await ask('client', ['domains']);
    assert.deepEqual(due().at(-1), [], 'its thread is still stuck');
    await cycles.at(-1)?.finish();
    release();
    await settled();
    assert.deepEqual(due().at(-1), ['domains']);
  });
});

describe('a lost worker', () => {
  test('the collector that it was stuck on fails, and the others are sampled at once', async (context) => {
    const { ask, cycles, due, ended, failureOf, pass } = setUp(context);
    await ask('client', ['load', 'thermal', 'cpu']);
    await cycles[0]?.lose('thermal', { threadEnd: new Promise(() => {}) });
    assert.equal(failureOf('thermal'), 'thread-lost');
    assert.deepEqual([failureOf('load'), failureOf('cpu')], [undefined, undefined]);
    assert.deepEqual(ended, []);
    await pass(PAUSE_MS);
    assert.deepEqual(due(), [
      ['load', 'cpu', 'thermal'],
      ['load', 'cpu'],
    ]);
    assert.ok(cycles[1]?.task.restored, 'the new worker gets what the main thread has');
    await cycles[1]?.finish();
    assert.deepEqual(ended, ['client']);
  });

  test('a thorough request stays thorough', async (context) => {
    const { ask, cycles, pass } = setUp(context);
    await ask('client', ['load', 'thermal'], true);
    await cycles[0]?.lose('thermal', { threadEnd: new Promise(() => {}) });
    await pass(PAUSE_MS);
    assert.deepEqual([cycles[1]?.task.due, cycles[1]?.task.thorough], [['load'], true]);
  });

  test('programs that it waited for are started again', async (context) => {
    const { ask, cycles, due, failureOf, pass } = setUp(context);
    await ask('slow', ['stations']);
    await cycles[0]?.finish({ samples: [] });
    await ask('client', ['thermal']);
    await cycles[1]?.lose('thermal', { threadEnd: new Promise(() => {}) });
    await pass(PAUSE_MS);
    assert.deepEqual(due().at(-1), ['stations']);
    assert.equal(failureOf('stations'), undefined);
  });

  test('a thread that ends between two cycles loses no program', async (context) => {
    const { ask, cycles, due, ended, workers } = setUp(context);
    await ask('slow', ['stations']);
    await cycles[0]?.finish({ samples: [] });
    workers.isNext = true;
    await ask('client', ['load']);
    assert.deepEqual(due().at(-1), ['load', 'stations']);
    await cycles[1]?.finish();
    assert.deepEqual(ended, ['slow', 'client']);
  });

  test('a collector is quarantined until its thread has ended, and then sampled at once', async (context) => {
    const { ask, cycles, due, failureOf, pass } = setUp(context);
    let release = () => {};
    const threadEnd = new Promise<void>((resolve) => {
      release = resolve;
    });
    await ask('client', ['thermal']);
    await cycles[0]?.lose('thermal', { threadEnd });
    await pass(PAUSE_MS);
    await cycles[1]?.finish();
    for (let tries = 0; tries < 5; tries++) {
      await pass(MINUTE_MS / 10);
      await ask('client', ['thermal']);
      assert.deepEqual(due().at(-1), []);
      await cycles.at(-1)?.finish();
    }
    release();
    await settled();
    assert.deepEqual(due().at(-1), ['thermal']);
    await cycles.at(-1)?.finish();
    assert.equal(failureOf('thermal'), undefined);
  });

  test('a collector whose thread ends soon is retried after the time that it took', async (context) => {
    const { ask, cycles, due, pass } = setUp(context);
    await ask('client', ['thermal']);
    await cycles[0]?.lose('thermal', { tookMs: 2_000 });
    await pass(1_900);
    await cycles.at(-1)?.finish();
    await ask('client', ['thermal']);
    assert.deepEqual(due().at(-1), []);
    await cycles.at(-1)?.finish();
    await pass(100);
    await ask('client', ['thermal']);
    assert.deepEqual(due().at(-1), ['thermal']);
  });

  test('a document that it was stuck on is left out for a minute, and its collectors are sampled', async (context) => {
    const { ask, cycles, due, failureOf, pass, store } = setUp(context);
    await ask('client', ['firewall']);
    await cycles[0]?.lose('firewall', { step: names.length + 9 });
    assert.equal(store.documents.get('firewall')?.failure?.code, 'thread-lost');
    await pass(PAUSE_MS);
    assert.deepEqual([due().at(-1), cycles.at(-1)?.task.leftOut], [['firewall'], ['firewall']]);
    await cycles.at(-1)?.finish();
    assert.equal(failureOf('firewall'), undefined);
    await pass(MINUTE_MS);
    await ask('client', []);
    assert.deepEqual(cycles.at(-1)?.task.leftOut, []);
  });

  test('if no thread starts, everything that was due fails, and is retried', async (context) => {
    const { ask, cycles, due, failureOf, pass } = setUp(context);
    await ask('client', ['load', 'cpu']);
    await cycles[0]?.lose();
    assert.deepEqual([failureOf('load'), failureOf('cpu'), failureOf('memory')], ['thread-lost', 'thread-lost', undefined]);
    await pass(PAUSE_MS);
    await cycles.at(-1)?.finish();
    await ask('client', ['load', 'cpu']);
    assert.deepEqual(due().at(-1), ['load', 'cpu']);
    await cycles.at(-1)?.finish();
    assert.equal(failureOf('load'), undefined);
  });

  test('while no thread starts, the pause before each try doubles, up to two seconds', async (context) => {
    const { ask, cycles, ended, pass } = setUp(context);
    await ask('client', ['load']);
    for (const pauseMs of [100, 200, 400, 800, 1_600, 2_000, 2_000]) {
      const tries = cycles.length;
      await cycles.at(-1)?.lose();
      await ask('client', ['load']);
      await pass(pauseMs - PAUSE_MS);
      assert.equal(cycles.length, tries, `no try within ${pauseMs} ms`);
      await pass(PAUSE_MS);
      assert.equal(cycles.length, tries + 1);
    }
    await cycles.at(-1)?.finish();
    assert.ok(ended.length > 0);
    await ask('client', ['load']);
    await cycles.at(-1)?.lose();
    const tries = cycles.length;
    await pass(PAUSE_MS);
    assert.equal(cycles.length, tries + 1, 'a thread that has started ends it');
  });
});

describe('schedules', () => {
  const everySecond = new Map(names.map((name) => [name, name === 'load' ? '* * * * * *' : '30 * * * * *']));

  test('everything is sampled at the start, and by schedule from then on', async (context) => {
    const { cycles, due, pass, scheduler, store } = setUp(context);
    scheduler.start(everySecond);
    await settled();
    assert.deepEqual(due(), [names]);
    await cycles[0]?.finish();
    assert.deepEqual([store.collectors.get('load')?.intervalMs, store.collectors.get('cpu')?.intervalMs], [1_000, MINUTE_MS]);
    await pass(1_200);
    assert.deepEqual(due().slice(1), [['load']]);
    await cycles[1]?.finish();
    await pass(1_000);
    assert.deepEqual(due().slice(1), [['load'], ['load']]);
  });

  test('no cycle runs while nothing is due', async (context) => {
    const { cycles, pass, scheduler } = setUp(context);
    scheduler.start(new Map(names.map((name) => [name, '30 * * * * *'])));
    await settled();
    await cycles[0]?.finish();
    await pass(29_000);
    assert.equal(cycles.length, 1);
  });

  test('a schedule does not wait for a cycle that takes long', async (context) => {
    const { cycles, due, pass, scheduler } = setUp(context);
    scheduler.start(everySecond);
    await pass(5_200);
    assert.equal(cycles.length, 1);
    await cycles[0]?.finish();
    assert.deepEqual(due().slice(1), [], 'it was sampled a moment ago');
    await pass(1_000);
    assert.deepEqual(due().slice(1), [['load']]);
  });

  test('a new worker samples everything', async (context) => {
    const { cycles, due, pass, scheduler } = setUp(context);
    scheduler.start(everySecond);
    await settled();
    await cycles[0]?.finish();
    await pass(1_200);
    await cycles[1]?.lose('load', { threadEnd: new Promise(() => {}) });
    await pass(PAUSE_MS);
    assert.deepEqual(
      due().at(-1),
      names.filter((name) => name !== 'load'),
    );
  });

  test('if the clock is set, everything is sampled', async (context) => {
    const { cycles, due, pass, scheduler, setClock } = setUp(context);
    scheduler.start(everySecond);
    await settled();
    await cycles[0]?.finish();
    for (const movedMs of [3_600_000, -3_600_000]) {
      setClock(movedMs);
      await pass(1_100);
      assert.deepEqual(due().at(-1), names);
      await cycles.at(-1)?.finish();
      await pass(1_100);
      assert.deepEqual(due().at(-1), ['load']);
      await cycles.at(-1)?.finish();
    }
  });

  test('nothing is sampled after the stop', async (context) => {
    const { cycles, pass, scheduler } = setUp(context);
    scheduler.start(everySecond);
    await settled();
    await cycles[0]?.finish();
    scheduler.stop();
    await pass(MINUTE_MS);
    assert.equal(cycles.length, 1);
  });
});
