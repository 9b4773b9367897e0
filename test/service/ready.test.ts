// `/readyz`: not ready before the documents of required collectors exist.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { collectors } from '../../src/collectors/index.js';
import { documents } from '../../src/documents/index.js';
import { encodeBody } from '../../src/encode/body.js';
import { Store } from '../../src/engine/store.js';
import { compose, startApp, type TestApp } from '../support/app.js';
import { ask } from '../support/http.js';
import { sampleReport } from '../support/reports.js';

const store = new Store();
let server: TestApp;

before(async () => {
  server = await startApp({ store });
});

after(() => server.close());

async function ready() {
  const { status, json } = await ask(server.url, '/readyz');
  return [status, json().detail];
}

test('/readyz returns 503 until every document of the required collectors exists, and names the missing ones', async () => {
  const required = collectors.filter((collector) => collector.required);
  assert.deepEqual(await ready(), [503, `not fresh: ${required.map(({ name }) => name).join(', ')}`]);
  for (const { name } of required) {
    store.record({ samples: [sampleReport(name)], documents: [] });
  }
  assert.deepEqual(await ready(), [503, 'not made yet: system, clients, networking']);
  for (const { name } of documents.slice(0, 3)) compose(store, name, [encodeBody(null, {})]);
  assert.deepEqual(await ready(), [503, 'not made yet: networking']);
  compose(store, 'networking', [encodeBody(null, {})]);
  assert.deepEqual(await ready(), [200, undefined]);
});
