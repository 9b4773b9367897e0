// When collectors are due by their cron expressions, with a clock and timers that the test moves.
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { createTicker } from '../../../src/engine/cron.js';

const MINUTE_MS = Date.UTC(2024, 2, 10, 10, 11);
const HOUR_MS = 3_600_000;

/** Starts a ticker some time after the start of a minute. */
function setUp(context: TestContext, expressions: Readonly<Record<string, string>>, afterMs = 0) {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  let nowMs = MINUTE_MS + afterMs;
  context.mock.method(Date, 'now', () => nowMs);
  const ticks: string[] = [];
  const ticker = createTicker(new Map(Object.entries(expressions)), (due) => ticks.push(due.join()));
  const pass = (ms: number) => {
    nowMs += ms;
    context.mock.timers.tick(ms);
  };
  return {
    ticker,
    /** Lets time pass. @returns what was due at each call since the previous one, which is empty if nothing was */
    ticksAfter(ms: number): string[] {
      for (let passed = 0; passed < ms; passed += 100) pass(100);
      return ticks.splice(0);
    },
    /** The process does not run for a while. */
    stopFor(ms: number): string[] {
      pass(ms);
      return ticks.splice(0);
    },
    setClock(byMs: number): void {
      nowMs += byMs;
    },
  };
}

describe('expressions of seconds', () => {
  test('a tick tells each second what is due', (context) => {
    const { ticksAfter } = setUp(context, { always: '* * * * * *', even: '*/2 * * * * *', once: '3 * * * * *' });
    assert.deepEqual(ticksAfter(4_900), ['always', 'always,even', 'always,once', 'always,even']);
  });

  test('a tick comes although nothing is due', (context) => {
    const { ticksAfter } = setUp(context, { once: '3 * * * * *' });
    assert.deepEqual(ticksAfter(3_500), ['', '', 'once']);
  });

  test('the minute ends with second 59 and starts with second 0', (context) => {
    const { ticksAfter } = setUp(context, { last: '59 * * * * *', first: '0 * * * * *', list: '1,58 * * * * *' }, 57_000);
    assert.deepEqual(ticksAfter(4_900), ['list', 'last', 'first', 'list']);
  });

  test('ticks stay at the start of seconds', (context) => {
    const { ticksAfter } = setUp(context, { always: '* * * * * *' }, 950);
    assert.deepEqual(ticksAfter(100), ['always']);
    for (let second = 0; second < 100; second++) {
      assert.deepEqual(ticksAfter(900), [], `${second}`);
      assert.deepEqual(ticksAfter(100), ['always'], `${second}`);
    }
  });

  test('after the process was stopped, what was due meanwhile is due once', (context) => {
    const { ticksAfter, stopFor } = setUp(context, { always: '* * * * * *', third: '3 * * * * *', tenth: '10 * * * * *' });
    assert.deepEqual(stopFor(5_200), ['always,third']);
    assert.deepEqual(ticksAfter(1_000), ['always']);
    assert.deepEqual(stopFor(10 * HOUR_MS), ['always,third,tenth']);
    assert.deepEqual(ticksAfter(1_000), ['always']);
  });

  test('if the clock is set forward, everything is due once', (context) => {
    const { ticksAfter, setClock } = setUp(context, { always: '* * * * * *', third: '3 * * * * *' }, 10_000);
    setClock(HOUR_MS);
    assert.deepEqual(ticksAfter(1_100), ['always,third']);
    assert.deepEqual(ticksAfter(1_000), ['always']);
  });

  test('if the clock is set back, one second is left out', (context) => {
    const { ticksAfter, setClock } = setUp(context, { always: '* * * * * *', third: '3 * * * * *' }, 10_000);
    setClock(-HOUR_MS - 8_000);
    assert.deepEqual(ticksAfter(2_900), ['', 'always'], 'at second 3, and at second 4');
  });

  test('after a restart, ticks come at the starts of seconds by the new clock', (context) => {
    const { ticker, ticksAfter, setClock } = setUp(context, { always: '* * * * * *' });
    for (const movedMs of [HOUR_MS + 400, -2 * HOUR_MS - 400, 70_000]) {
      setClock(movedMs);
      ticker.restart();
      assert.equal(ticksAfter(3_100).join(), 'always,always,always', `${movedMs}`);
    }
  });

  test('nothing is due after the stop', (context) => {
    const { ticker, ticksAfter } = setUp(context, { always: '* * * * * *', calendar: '* * 10 * * *' });
    ticker.stop();
    assert.deepEqual(ticksAfter(5_000), []);
  });
});

describe('intervals', () => {
  for (const [expression, seconds] of [
    ['* * * * * *', 1],
    ['*/2 * * * * *', 2],
    ['*/7 * * * * *', 7],
    ['0,1,30 * * * * *', 30],
    ['50 * * * * *', 60],
    ['0 * * * * *', 60],
    ['0 */5 * * * *', 300],
    ['0 0 * * * *', 3_600],
    ['* * * 1-31 * *', 1],
    ['0 0 3 * * *', 86_400],
  ] as const) {
    test(`${expression}: ${seconds} s`, (context) => {
      const { ticker } = setUp(context, { some: expression });
      assert.equal(ticker.intervalMs('some'), seconds * 1_000);
      ticker.stop();
    });
  }
});

describe('expressions that need a calendar', () => {
  /** Starts a ticker with a calendar that the test moves. */
  function setUpCalendar(context: TestContext, expressions: Readonly<Record<string, string>>) {
    context.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: MINUTE_MS });
    const due: string[] = [];
    const ticker = createTicker(new Map(Object.entries(expressions)), (names) => due.push(...names));
    context.after(() => ticker.stop());
    return {
      ticker,
      async dueAfter(ms: number): Promise<string[]> {
        for (let passed = 0; passed < ms; passed += 500) {
          context.mock.timers.tick(500);
          await new Promise((resolve) => setImmediate(resolve));
        }
        return due.splice(0);
      },
    };
  }

  test('it is due at its minutes', async (context) => {
    const { dueAfter } = setUpCalendar(context, { quarter: '30 */15 * * * *' });
    assert.deepEqual(await dueAfter(4 * 60_000), []);
    assert.deepEqual(await dueAfter(60_000), ['quarter']);
    assert.deepEqual(await dueAfter(14 * 60_000), []);
    assert.deepEqual(await dueAfter(60_000), ['quarter']);
  });

  test('after the clock was set and a restart, it is due by the new clock', async (context) => {
    const { ticker, dueAfter } = setUpCalendar(context, { quarter: '30 */15 * * * *' });
    context.mock.timers.setTime(MINUTE_MS + 3 * 60_000);
    ticker.restart();
    assert.deepEqual(await dueAfter(2 * 60_000), ['quarter'], 'forward to 10:14');
    context.mock.timers.setTime(MINUTE_MS - 2 * HOUR_MS + 3 * 60_000);
    ticker.restart();
    assert.deepEqual(await dueAfter(2 * 60_000), ['quarter'], 'back to 8:14');
  });

  test('nothing is due after the stop', async (context) => {
    const { ticker, dueAfter } = setUpCalendar(context, { minute: '0 */1 10-23 * * *' });
    ticker.stop();
    assert.deepEqual(await dueAfter(3 * 60_000), []);
  });
});
