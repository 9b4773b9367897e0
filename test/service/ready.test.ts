// `/readyz` between the samples and the documents: who is told that the service is ready gets no 503 any more.
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { collectors } from '../../src/collectors/index.js';
import { documents } from '../../src/documents/index.js';
import { encodeBody, encodeJson } from '../../src/encode/body.js';
import { createHistory } from '../../src/engine/history.js';
import type { Scheduler } from '../../src/engine/schedule.js';
import { createStore } from '../../src/engine/store.js';
import type { Sampler } from '../../src/engine/worker-pool.js';
import { createApp } from '../../src/http/app.js';
import { EventStreams } from '../../src/http/events/streams.js';
import { ask } from '../support/http.js';

const store = createStore();
let server: Server;

before(async () => {
  const scheduler: Scheduler = { sample: async () => {}, sampleAfresh: async () => {}, start() {}, stop() {} };
  const app = createApp({
    store,
    scheduler,
    sampler: { answer: () => undefined } as unknown as Sampler,
    accessLog: { record() {}, close() {} },
    corsOrigins: [],
    events: new EventStreams(store),
    maxListeners: 0,
    history: createHistory(),
    exposeSecrets: false,
    specification: Buffer.from('{}'),
    pages: { dashboard: true, docs: true },
    isAllowedHost: () => true,
    authorize: () => ({ kind: 'allowed', access: 'read' }),
    logError: assert.fail,
  });
  server = createServer(app).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
});

after(() => server.close());

async function ready() {
  const { status, json } = await ask(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, '/readyz');
  return [status, json().detail];
}

test('readyz/not before the documents of required collectors are made', async () => {
  const required = collectors.filter((collector) => collector.required);
  assert.deepEqual(await ready(), [503, `not fresh: ${required.map(({ name }) => name).join(', ')}`]);
  for (const { name, absent } of required) {
    store.sampled(name, { kind: 'sampled', absent: null, value: encodeJson(absent), carry: undefined, metrics: [], points: {} }, 1);
  }
  assert.deepEqual(await ready(), [503, 'not made yet: system, clients, networking']);
  for (const { name } of documents.slice(0, 3))
    store.composed(name, { kind: 'composed', bodies: [encodeBody(null, {})], changes: [], metrics: [] });
  assert.deepEqual(await ready(), [503, 'not made yet: networking']);
  store.composed('networking', { kind: 'composed', bodies: [encodeBody(null, {})], changes: [], metrics: [] });
  assert.deepEqual(await ready(), [200, undefined]);
});
