// The page and its assets over HTTP. test/unit/web has the parts of the dashboard, test/system/dashboard.test.ts the page in a browser.
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import Koa from 'koa';
import { dashboard } from '../../src/http/routes/dashboard.js';
import { ask } from '../support/http.js';

let server: Server;
let url: string;

before(async () => {
  const app = new Koa();
  app.use(dashboard());
  server = createServer(app.callback());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => server.close());

test('the page has a content security policy, relative URLs only, and is revalidated', async () => {
  const page = await ask(url, '/');
  assert.equal(page.headers['content-type'], 'text/html; charset=utf-8');
  assert.equal(page.headers['cache-control'], 'no-cache');
  assert.match(
    String(page.headers['content-security-policy']),
    /^default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'/,
  );
  assert.doesNotMatch(page.text, /(?:href|src)="(?:https?:|\/)/);
  assert.equal((await ask(url, '/', { headers: { 'If-None-Match': page.headers.etag } })).status, 304);
  assert.equal((await ask(url, '/', { method: 'HEAD' })).body.length, 0);
});

test('assets are cached indefinitely under a digest of their content, and nothing else is served', async () => {
  const [, folder] = /"(assets\/[\w-]+\/)main\.js"/.exec((await ask(url, '/')).text) ?? [];
  assert.ok(folder);
  for (const name of ['main.js', 'style.css', 'uplot.css', 'uplot.min.js', 'icon.svg']) {
    const { status, headers } = await ask(url, `/${folder}${name}`);
    assert.equal(status, 200, name);
    assert.match(String(headers['cache-control']), /immutable/);
    assert.equal(headers['x-content-type-options'], 'nosniff');
  }
  for (const path of [
    '/assets/',
    `/${folder}`,
    `/${folder}index.html`,
    `/${folder}../../package.json`,
    `/${folder}%2e%2e/main.js`,
    '/assets/old/main.js',
  ]) {
    assert.equal((await ask(url, path)).status, 404, path);
  }
});
