// A collector that fails or hangs makes its own documents stale, and no other. Each document keeps its last good value.
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { type AnyCollector, type CollectorName, collectorByName, collectors } from '../../../src/collectors/index.js';
import { documents } from '../../../src/documents/index.js';
import { SourceError } from '../../../src/errors.js';
import type { Machine } from '../../../src/machine/machine.js';
import { allNames, createEngine, type TestEngine } from '../../support/engine.js';
import { settled } from '../../support/fake-workers.js';
import { wholeMachine } from '../../support/fixture.js';

/** Starts with good values everywhere. */
async function setUp(context: TestContext) {
  const engine = createEngine(context, wholeMachine('raspap-pi4').archive.entries);
  await engine.scheduler.sample(allNames);
  assert.deepEqual(statesOf(engine), new Map(documents.map(({ name }) => [name, 'fresh undefined'])));
  return engine;
}

const statesOf = ({ store }: TestEngine) =>
  new Map([...store.documents].map(([name, { state, problem }]) => [name, `${state} ${problem?.message}`]));

const bodiesOf = ({ store }: TestEngine) =>
  new Map([...store.documents].map(([name, { bodies }]) => [name, [...bodies].map(([page, { tag }]) => `${page} ${tag}`)]));

/** States of all documents while a collector fails. */
const whileFailing = (name: CollectorName, message: string) =>
  new Map(
    documents.map(({ name: document, parts }) => [
      document,
      (parts as readonly string[]).includes(name) ? `stale ${name}: ${message}` : 'fresh undefined',
    ]),
  );

/** Samples everything, with files that count as changed. */
async function sampleAll({ apply, scheduler }: TestEngine): Promise<void> {
  apply();
  await scheduler.sample(allNames);
}

/** Reads, which use a file as every read does, so that a change of it shows. */
const faults: Readonly<Record<string, { read(machine: Machine): unknown; message: string }>> = {
  ...Object.fromEntries(
    (['malformed', 'permission', 'unreadable', 'timeout', 'too-large'] as const).map((code) => [
      code,
      { read: (machine: Machine) => fail(machine, new SourceError(code, 'injected')), message: 'injected' },
    ]),
  ),
  'an error of the collector': { read: (machine) => fail(machine, new TypeError('injected')), message: 'TypeError: injected' },
  'a rejection': { read: async (machine) => fail(machine, new TypeError('injected')), message: 'TypeError: injected' },
  'a value that cannot be encoded': {
    read: (machine) => ({ value: machine.exists('/') && { toJSON: () => fail(machine, new Error('injected')) } }),
    message: 'Error: injected',
  },
};

function fail(machine: Machine, error: Error): never {
  machine.exists('/');
  throw error;
}

describe('a collector that fails', () => {
  for (const { name, lane } of collectors) {
    test(`${name}: everything else stays fresh, and its documents keep their bytes until it recovers`, async (context) => {
      const engine = await setUp(context);
      const before = bodiesOf(engine);
      for (const [fault, { read, message }] of Object.entries(faults)) {
        // The values of lists are bytes.
        if (lane === 'heavy' && fault.startsWith('a ')) continue;
        const broken = context.mock.method(collectorByName(name) as AnyCollector, 'read', read as AnyCollector['read']);
        await sampleAll(engine);
        assert.deepEqual(statesOf(engine), whileFailing(name, message), fault);
        assert.deepEqual(bodiesOf(engine), before, fault);
        broken.mock.restore();
        await sampleAll(engine);
        assert.deepEqual(statesOf(engine), new Map(documents.map((one) => [one.name, 'fresh undefined'])), `after ${fault}`);
        assert.deepEqual(bodiesOf(engine), before, `after ${fault}`);
      }
    });
  }
});

describe('a collector that hangs', () => {
  for (const name of allNames) {
    test(`${name}: everything else goes on being sampled, and its documents keep their values`, async (context) => {
      const engine = await setUp(context);
      const { scheduler, store } = engine;
      const before = bodiesOf(engine);
      engine.stuck = name;
      engine.apply();
      let isSampled = false;
      void scheduler.sample(allNames).then(() => {
        isSampled = true;
      });
      await settled();
      assert.deepEqual(statesOf(engine), whileFailing(name, 'no answer'));
      await engine.pass(1_000);
      assert.ok(isSampled);
      assert.deepEqual(statesOf(engine), whileFailing(name, 'no answer'));
      for (const [other, { goodAtMonotonicMs }] of store.collectors)
        assert.equal(goodAtMonotonicMs, other === name ? 1_000_000 : 1_001_000, other);
      // The time has changed, and rates are unknown once.
      const after = bodiesOf(engine);
      for (const { name: document } of documents)
        if (document !== 'system') assert.deepEqual(after.get(document), before.get(document), document);
    });
  }
});

test('a temperature stays what it was while its sensor hangs', async (context) => {
  const engine = await setUp(context);
  const temperature = () =>
    JSON.parse(Buffer.from(engine.store.documents.get('system')?.bodies.get(null)?.json ?? []).toString()).systemTemperature;
  const before = temperature();
  assert.equal(typeof before, 'number');
  engine.stuck = 'thermal';
  void engine.scheduler.sample(allNames);
  await settled();
  await engine.pass(1_000);
  assert.equal(engine.store.documents.get('system')?.state, 'stale');
  assert.equal(temperature(), before);
});
