/** The engine in the test's own process: scheduler, store and the real cycle, on a machine in memory. No thread, no time. */
import type { TestContext } from 'node:test';
import { type CollectorName, collectors } from '../../src/collectors/index.js';
import { createClock } from '../../src/engine/clock.js';
import { createCycle } from '../../src/engine/cycle.js';
import { sampleList } from '../../src/engine/list.js';
import { createScheduler, type Scheduler } from '../../src/engine/schedule.js';
import { Store } from '../../src/engine/store.js';
import type { Workers } from '../../src/engine/worker-pool.js';
import type { Machine } from '../../src/machine/machine.js';
import { lostWith, settled } from './fake-workers.js';
import { createMemoryMachine, type MemoryEntry } from './memory-machine.js';
import { busyWorkers } from './reports.js';

/** A machine whose files a test changes while it is sampled. */
export interface ChangingMachine {
  readonly machine: Machine;
  readonly entries: Map<string, MemoryEntry>;
  /** Applies changes of the entries. Files count as changed. */
  apply(): void;
}

export function createChangingMachine(from: Iterable<readonly [string, MemoryEntry]>): ChangingMachine {
  const entries = new Map(from);
  let current = createMemoryMachine(entries);
  let changes = 0;
  const names = Object.keys(current) as (keyof Machine)[];
  const delegated = Object.fromEntries(
    names.map((name) => [name, (...args: unknown[]) => (current[name] as (...args: unknown[]) => unknown)(...args)]),
  ) as unknown as Machine;
  return {
    machine: {
      ...delegated,
      fingerprint(path) {
        const { words, changedMs } = current.fingerprint(path);
        return { words: `${words} ${changes}`, changedMs };
      },
    },
    entries,
    apply() {
      current = createMemoryMachine(entries);
      changes++;
    },
  };
}

export interface TestEngine extends ChangingMachine {
  readonly store: Store;
  readonly scheduler: Scheduler;
  /** A collector that costs its worker. Undefined if none does. */
  stuck: CollectorName | undefined;
  /** Lets time pass, for those who wait for it. */
  pass(ms: number): Promise<void>;
}

/** Creates an engine whose clocks stand still until the test moves them. */
export function createEngine(context: TestContext, from: Iterable<readonly [string, MemoryEntry]>): TestEngine {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  let passedMs = 0;
  replace(context, Date, 'now', () => Date.UTC(2024, 2, 10, 10, 11) + passedMs);
  replace(context, process.hrtime, 'bigint', () => BigInt(1_000_000 + passedMs) * 1_000_000n);
  const changing = createChangingMachine(from);
  const clock = createClock();
  const store = new Store(0, clock);
  let onLate = () => {};
  const newCycle = () => createCycle(changing.machine, options, { onStep() {}, onLate: () => onLate() });
  let cycle = newCycle();
  let isNew = true;
  const workers: Workers = {
    ...busyWorkers,
    isNew: () => isNew,
    onLate(listener) {
      onLate = listener;
    },
    async cycle(request) {
      isNew = false;
      const { stuck } = engine;
      if (stuck === undefined || !request.due.includes(stuck)) return { kind: 'finished', result: await cycle(request) };
      cycle = newCycle();
      isNew = true;
      return { ...lostWith(stuck), threadEnd: new Promise(() => {}) };
    },
    list: async (task) => ({ kind: 'finished', result: sampleList(changing.machine, options, task) }),
  };
  const engine: TestEngine = {
    ...changing,
    store,
    scheduler: createScheduler(workers, store, { clock }),
    stuck: undefined,
    async pass(ms) {
      passedMs += ms;
      context.mock.timers.tick(ms);
      await settled();
    },
  };
  return engine;
}

/** Replaces a method until the test ends. `mock.method` records the stack of each call, which would take a third of the tests' time. */
function replace<T, Name extends keyof T>(context: TestContext, object: T, name: Name, method: T[Name]): void {
  const original = object[name];
  object[name] = method;
  context.after(() => {
    object[name] = original;
  });
}

const options = { exposeSecrets: false, maxStationMetrics: 1_000 };

/** All collectors. */
export const allNames = collectors.map(({ name }) => name);
