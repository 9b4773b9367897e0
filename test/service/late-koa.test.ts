import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { freshStore, startApp } from '../support/app.js';
import { ask } from '../support/http.js';

const require = createRequire(import.meta.url);
const isLoaded = (name: string) => require.resolve(name) in require.cache;

test('only a request without a ready response loads Koa', async () => {
  const app = await startApp({ store: freshStore() });
  assert.equal((await ask(app.url, '/system', { headers: { access_token: app.key } })).status, 200);
  assert.equal((await ask(app.url, '/system')).status, 403);
  assert.ok(!isLoaded('koa') && !isLoaded('@koa/router'));
  assert.equal((await ask(app.url, '/healthz')).status, 200);
  assert.ok(isLoaded('koa') && isLoaded('@koa/router'));
  await app.close();
});

test('a request that comes while too many files are open gets 503, and the next one tries again', async () => {
  let isShort = true;
  const readSpecification = () => {
    if (isShort) throw Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' });
    return Buffer.from('{}');
  };
  const app = await startApp({ readSpecification });
  const { status, headers } = await ask(app.url, '/healthz');
  assert.equal(status, 503);
  assert.equal(headers['retry-after'], '1');
  assert.match(app.log(), /ERROR: a request failed: EMFILE/);
  assert.match(app.log(), /"GET \/healthz HTTP\/1\.1" 503/);
  isShort = false;
  assert.equal((await ask(app.url, '/healthz')).status, 200);
  await app.close();
});
