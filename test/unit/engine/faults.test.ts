// A collector that fails makes its own documents stale, and no other: with every collector there is, on a sampler without threads.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type CollectorName, collectors } from '../../../src/collectors/index.js';
import { documents } from '../../../src/documents/index.js';
import { bodyOf, encodeJson } from '../../../src/encode/body.js';
import type { Outcome } from '../../../src/engine/messages.js';
import { createScheduler } from '../../../src/engine/schedule.js';
import { createStore } from '../../../src/engine/store.js';
import type { Sampler } from '../../../src/engine/worker-pool.js';
import type { SourceErrorCode } from '../../../src/errors.js';

const names = collectors.map(({ name }) => name);

/** Starts with good values everywhere. */
async function setUp() {
  const failures = new Map<CollectorName, SourceErrorCode>();
  const outcomeOf = (name: CollectorName): Outcome => {
    const code = failures.get(name);
    if (code) return { kind: 'failed', code, message: 'injected' };
    const value = encodeJson({ of: name });
    return { kind: 'sampled', absent: null, value, body: bodyOf(null, value), carry: undefined, metrics: [], points: {} };
  };
  const sampler: Sampler = {
    sample: async (requests) => requests.map(({ collector }) => ({ outcome: outcomeOf(collector), tookMs: 0, sources: [] })),
    compose: async (requests) =>
      requests.map(({ document }) => ({ kind: 'composed', bodies: [bodyOf(null, encodeJson({ document }))], changes: [], metrics: [] })),
    answer: async () => ({ kind: 'busy' }),
    history: async () => ({ kind: 'busy' }),
    close: async () => {},
  };
  const store = createStore();
  const scheduler = createScheduler(sampler, store);
  await scheduler.sample(names);
  return { failures, store, scheduler };
}

describe('a collector that fails', () => {
  for (const name of names) {
    for (const code of ['internal', 'malformed', 'permission'] as const) {
      test(`${name}: ${code}`, async () => {
        const { failures, store, scheduler } = await setUp();
        const before = new Map([...store.documents].map(([document, { bodies }]) => [document, bodies]));
        failures.set(name, code);
        await scheduler.sample(names);
        for (const { name: document, parts } of documents) {
          const record = store.documents.get(document);
          const isMade = (parts as readonly string[]).includes(name);
          assert.equal(record?.state, isMade ? 'stale' : 'fresh', document);
          assert.equal(record?.problem?.message, isMade ? `${name}: injected` : undefined, document);
          assert.equal(Boolean(record?.problem?.advice), isMade, document);
          assert.equal(record?.bodies.get(null)?.tag, before.get(document)?.get(null)?.tag, `${document} keeps its last good value`);
        }
        failures.clear();
        await scheduler.sample(names);
        for (const { state, problem, document } of store.documents.values())
          assert.deepEqual([state, problem], ['fresh', null], document.name);
      });
    }
  }
});
