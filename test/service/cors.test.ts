// Cross-origin requests.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { encodeBody } from '../../src/encode/body.js';
import { freshStore, startApp, type TestApp } from '../support/app.js';
import { type Answer, ask, askAs } from '../support/http.js';

const ORIGIN = 'https://dashboard.example';

let server: TestApp;
let open: TestApp;

before(async () => {
  const store = freshStore({ clients: [encodeBody(null, {}), encodeBody('lo', {})] });
  server = await startApp({ store });
  open = await startApp({ store, corsOrigins: [ORIGIN, 'http://10.3.141.1:8000'] });
});

after(async () => {
  await Promise.all([server.close(), open.close()]);
  assert.doesNotMatch(server.log() + open.log(), /ERROR/);
});

describe('cors', { concurrency: true }, () => {
  const preflight = { origin: ORIGIN, 'access-control-request-method': 'GET', 'access-control-request-headers': 'access_token' };
  const varies = (answer: Answer) =>
    String(answer.headers.vary ?? '')
      .split(', ')
      .sort();
  const corsNames = (answer: Answer) => Object.keys(answer.headers).filter((name) => name.startsWith('access-control-'));

  test('no origin is allowed by default', async () => {
    for (const path of ['/system', '/system/', '/snapshot', '/healthz', '/nope']) {
      const answer = await askAs(server, path, { headers: { origin: ORIGIN } });
      assert.deepEqual(corsNames(answer), [], path);
      assert.doesNotMatch(String(answer.headers.vary), /origin/i);
    }
    const asked = await ask(server.url, '/system', { method: 'OPTIONS', headers: preflight });
    assert.deepEqual(corsNames(asked), []);
    assert.equal(asked.status, 403);
  });

  for (const origin of [ORIGIN, 'http://10.3.141.1:8000']) {
    test(`a page of the listed origin ${origin} can read responses`, async () => {
      for (const path of ['/system', '/system/', '/clients/lo', '/snapshot']) {
        const answer = await askAs(open, path, { headers: { origin } });
        assert.equal(answer.status, 200);
        assert.equal(answer.headers['access-control-allow-origin'], origin, path);
        assert.match(String(answer.headers['access-control-expose-headers']), /\bSampled-At\b/, path);
        assert.equal(answer.headers['access-control-allow-credentials'], undefined);
        assert.deepEqual(varies(answer), ['Accept-Encoding', 'Origin'], path);
        const again = await askAs(open, path, { headers: { origin, 'if-none-match': '*' } });
        assert.equal(again.status, 304);
        assert.equal(again.headers['access-control-allow-origin'], origin, path);
        assert.deepEqual(varies(again), ['Accept-Encoding', 'Origin'], path);
      }
      // A page should be able to read why it was refused.
      const refused = await Promise.all([
        ask(open.url, '/system', { headers: { origin } }),
        ask(open.url, '/snapshot', { headers: { origin } }),
        askAs(open, '/nope', { headers: { origin } }),
        askAs(open, '/clients/nope', { headers: { origin } }),
        askAs(open, '/system', { method: 'DELETE', headers: { origin } }),
        askAs(open, '/snapshot/refresh', { method: 'POST', body: 'x', headers: { origin } }),
      ]);
      assert.deepEqual(
        refused.map((answer) => answer.status),
        [403, 403, 404, 404, 405, 415],
      );
      for (const answer of refused) assert.equal(answer.headers['access-control-allow-origin'], origin);
    });
  }

  test('a preflight request from a listed origin needs no key', async () => {
    for (const path of ['/system', '/clients/lo', '/snapshot', '/snapshot/refresh']) {
      const answer = await ask(open.url, path, { method: 'OPTIONS', headers: { ...preflight, 'access-control-request-method': 'POST' } });
      assert.equal(answer.status, 204);
      assert.equal(answer.headers['access-control-allow-origin'], ORIGIN);
      assert.match(String(answer.headers['access-control-allow-methods']), /\bGET\b.*\bPOST\b/);
      const headers = String(answer.headers['access-control-allow-headers']).split(', ');
      for (const name of ['access_token', 'authorization', 'x-api-key', 'content-type', 'if-none-match'])
        assert.ok(headers.includes(name), name);
      assert.deepEqual(varies(answer), ['Origin']);
    }
  });

  test('a page of another origin cannot read responses', async () => {
    for (const origin of ['https://evil.example', `${ORIGIN}.evil.example`, 'http://dashboard.example', 'null', `${ORIGIN}/`, '*']) {
      for (const path of ['/system', '/system/', '/snapshot']) {
        const answer = await askAs(open, path, { headers: { origin } });
        assert.equal(answer.status, 200);
        assert.deepEqual(corsNames(answer), [], `${origin} ${path}`);
        assert.deepEqual(varies(answer), ['Accept-Encoding', 'Origin']);
      }
      const asked = await ask(open.url, '/system', { method: 'OPTIONS', headers: { ...preflight, origin } });
      assert.equal(asked.status, 403);
      assert.deepEqual(corsNames(asked), []);
    }
  });

  test('a request without Origin gets no origin allowed', async () => {
    for (const path of ['/system', '/system/', '/snapshot']) {
      const answer = await askAs(open, path);
      assert.deepEqual(corsNames(answer), []);
      assert.deepEqual(varies(answer), ['Accept-Encoding', 'Origin'], path);
    }
  });
});
