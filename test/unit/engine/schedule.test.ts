// When what is sampled and composed, with a sampler that does as the test wants.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeBody, encodeJson } from '../../../src/encode/body.js';
import { createScheduler } from '../../../src/engine/schedule.js';
import { createStore } from '../../../src/engine/store.js';
import type { Sampler } from '../../../src/engine/worker-pool.js';

test('a client that waits for one document does not wait for a list', async () => {
  let finishList = () => {};
  const list = new Promise<void>((resolve) => {
    finishList = resolve;
  });
  const sampler: Sampler = {
    async sample(requests, lane) {
      if (lane === 'heavy') await list;
      return requests.map(() => ({
        outcome: { kind: 'sampled', absent: null, value: encodeJson({}), carry: undefined, metrics: [], points: {} },
        tookMs: 1,
        sources: [],
      }));
    },
    compose: async (requests) => requests.map(() => ({ kind: 'composed', bodies: [encodeBody(null, {})], changes: [], metrics: [] })),
    answer: async () => ({ kind: 'busy' }),
    history: async () => ({ kind: 'busy' }),
    close: async () => {},
  };
  const store = createStore();
  const scheduler = createScheduler(sampler, store);
  const domains = scheduler.sampleAfresh(['domains'], false);
  await scheduler.sampleAfresh(['firewall'], false);
  assert.equal(store.documents.get('firewall')?.state, 'fresh');
  assert.equal(store.documents.get('dns/domains')?.state, 'absent');
  finishList();
  await domains;
  assert.equal(store.documents.get('dns/domains')?.state, 'fresh');
});
