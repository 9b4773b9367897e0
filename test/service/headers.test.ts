// Security headers of every kind of response, allowed host names, and which pages are served.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { freshStore, startApp, type TestApp } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { ask, exchange } from '../support/http.js';
import { startServer, type TestServer } from '../support/server.js';

const EXPECTED: Readonly<Record<string, RegExp>> = {
  'x-content-type-options': /^nosniff$/,
  'referrer-policy': /^no-referrer$/,
  'x-frame-options': /^DENY$/,
  'content-security-policy': /^default-src 'none';.*frame-ancestors 'none'$/,
  'cross-origin-resource-policy': /^same-origin$/,
};
const ORIGIN = 'https://dashboard.example';

/** Of a head as it came. */
function assertSecure(head: string, what: string): void {
  const lines = head.split('\r\n').slice(1);
  for (const [name, value] of Object.entries(EXPECTED)) {
    const values = lines.filter((line) => line.toLowerCase().startsWith(`${name}: `)).map((line) => line.slice(name.length + 2));
    assert.equal(values.length, 1, `${what}: ${name} once, but ${JSON.stringify(head)}`);
    assert.match(values[0] ?? '', value, what);
  }
}

describe('security headers', { concurrency: true }, () => {
  let server: TestServer;
  let open: TestApp;
  before(async () => {
    server = await startServer();
    open = await startApp({ store: freshStore(), corsOrigins: [ORIGIN], allowedHosts: ['ap.example'] });
    await eventually(async () => assert.equal((await ask(server.url, '/readyz')).status, 200), 60_000);
  });
  after(() => Promise.all([server?.stop(), open.close()]));

  /** A request as a client sends it, of which no header is sent but these. */
  const send = async ({ url }: { readonly url: string }, line: string, headers: readonly string[] = [], body = '') =>
    exchange(
      url,
      [`${line} HTTP/1.1`, 'Host: 127.0.0.1', 'Connection: close', ...headers, '', body].join('\r\n'),
      line.includes('/events'),
    );

  const answers: readonly [name: string, status: number, line: string, headers?: (key: string) => string[], body?: string][] = [
    ['a document', 200, 'GET /system', (key) => [`access_token: ${key}`]],
    ['the same, compressed', 200, 'GET /networking', (key) => [`access_token: ${key}`, 'Accept-Encoding: gzip']],
    ['nothing new', 304, 'GET /system', (key) => [`access_token: ${key}`, 'If-None-Match: *']],
    ['HEAD', 200, 'HEAD /system', (key) => [`access_token: ${key}`]],
    ['by another path', 200, 'GET /system/', (key) => [`access_token: ${key}`]],
    ['a snapshot', 200, 'GET /snapshot', (key) => [`access_token: ${key}`]],
    ['history', 200, 'GET /history', (key) => [`access_token: ${key}`]],
    ['metrics', 200, 'GET /metrics', (key) => [`access_token: ${key}`]],
    ['collectors', 200, 'GET /collectors', (key) => [`access_token: ${key}`]],
    ['health', 200, 'GET /healthz'],
    ['the dashboard', 200, 'GET /'],
    ['the documentation', 200, 'GET /docs'],
    ['a redirection', 302, 'GET /docs/'],
    ['the specification', 200, 'GET /openapi.json'],
    ['no key', 403, 'GET /system'],
    ['no key, by another path', 403, 'GET /system/'],
    ['no key, HEAD', 403, 'HEAD /system'],
    ['an unknown path', 404, 'GET /nope', (key) => [`access_token: ${key}`]],
    ['a method that is not allowed', 405, 'DELETE /system', (key) => [`access_token: ${key}`]],
    ['a bad query', 400, 'GET /snapshot?documents=nope', (key) => [`access_token: ${key}`]],
    ['a URL that is not valid', 400, 'GET http://['],
    [
      'a body that is not JSON',
      415,
      'POST /snapshot/refresh',
      (key) => [`access_token: ${key}`, 'Content-Length: 1', 'Content-Type: text/plain'],
      'x',
    ],
    ['an unknown expectation', 200, 'GET /healthz', () => ['Expect: the-unexpected']],
    ['OPTIONS', 200, 'OPTIONS /healthz'],
  ];
  for (const [name, status, line, headers, body] of answers) {
    test(`security headers/${name}`, async () => {
      const [head = ''] = (await send(server, line, headers?.(server.key), body)).split('\r\n\r\n', 1);
      assert.match(head, new RegExp(`^HTTP/1\\.1 ${status} `), head);
      assertSecure(head, line);
    });
  }

  test('security headers/events', async () => {
    const { headers } = await ask(server.url, '/events', { headers: { access_token: server.key } });
    for (const [name, value] of Object.entries(EXPECTED)) assert.match(String(headers[name]), value, name);
  });

  const refused: readonly [name: string, status: number, bytes: string][] = [
    ['what is no HTTP', 400, 'nonsense\r\n\r\n'],
    ['no Host', 400, 'GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n'],
    ['headers without end', 431, `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`],
  ];
  for (const [name, status, bytes] of refused) {
    test(`security headers/${name}`, async () => {
      const [head = '', body = ''] = (await exchange(server.url, bytes)).split('\r\n\r\n', 2);
      assert.match(head, new RegExp(`^HTTP/1\\.1 ${status} `), head);
      assertSecure(head, name);
      assert.match(head, /^Cache-Control: no-store$/m);
      assert.equal((JSON.parse(body) as { status: number }).status, status);
    });
  }

  test('security headers/too many wrong keys', async () => {
    const own = await startApp({ authorize: () => ({ kind: 'too-many-wrong-keys', retryAfterSeconds: 7 }) });
    for (const path of ['/system', '/snapshot']) {
      const [head = ''] = (await send(own, `GET ${path}`, ['access_token: wrong'])).split('\r\n\r\n', 1);
      assert.match(head, /^HTTP\/1\.1 429 /);
      assertSecure(head, path);
    }
    await own.close();
  });

  test('security headers/pages have a policy of their own', async () => {
    for (const path of ['/', '/docs']) {
      const { headers } = await ask(server.url, path);
      assert.match(String(headers['content-security-policy']), /script-src 'self'/, path);
      // Browsers take it over TLS only.
      assert.equal(headers['cross-origin-opener-policy'], undefined, path);
    }
    assert.equal((await ask(server.url, '/healthz')).headers['content-security-policy'], "default-src 'none'; frame-ancestors 'none'");
  });

  test('security headers/next to those of CORS', async () => {
    const origin = [`Origin: ${ORIGIN}`];
    const preflight = [...origin, 'Access-Control-Request-Method: GET'];
    for (const [line, headers, status] of [
      ['GET /system', [...origin, `access_token: ${open.key}`], 200],
      ['GET /snapshot', [...origin, `access_token: ${open.key}`], 200],
      ['GET /system', origin, 403],
      ['OPTIONS /system', preflight, 204],
      ['GET /system', [...origin, 'Host: evil.example'], 421],
    ] as const) {
      const host = headers.some((header) => header.startsWith('Host: ')) ? [] : ['Host: ap.example'];
      const text = await exchange(open.url, [`${line} HTTP/1.1`, ...host, ...headers, 'Connection: close', '', ''].join('\r\n'));
      const [head = ''] = text.split('\r\n\r\n', 1);
      assert.match(head, new RegExp(`^HTTP/1\\.1 ${status} `), head);
      assertSecure(head, line);
      assert.match(head, new RegExp(`^access-control-allow-origin: ${ORIGIN}$`, 'im'), head);
      assert.doesNotMatch(head, /access-control-allow-credentials/i);
    }
  });
});

describe('host', { concurrency: true }, () => {
  test('every host name is served by default', async () => {
    const server = await startApp();
    assert.equal((await ask(server.url, '/healthz', { headers: { host: 'whatever.example' } })).status, 200);
    await server.close();
  });

  test('only listed host names are served', async () => {
    const server = await startApp({ store: freshStore(), allowedHosts: ['ap.example', 'other.example'] });
    try {
      const asking = (host: string, path: string) => ask(server.url, path, { headers: { host, access_token: server.key } });
      for (const path of ['/system', '/snapshot', '/', '/docs', '/healthz']) {
        for (const host of [
          'ap.example',
          'ap.example:8081',
          'AP.EXAMPLE.',
          'other.example',
          '192.0.2.1:8081',
          '[::1]:8081',
          'localhost:8081',
        ]) {
          assert.equal((await asking(host, path)).status, 200, `${host} ${path}`);
        }
        for (const host of ['evil.example', 'ap.example.evil.example', 'xap.example', 'ap.example:8081:1', '127.0.0.1.evil.example']) {
          const answer = await asking(host, path);
          assert.equal(answer.status, 421, `${host} ${path}`);
          assert.equal(answer.headers['content-type'], 'application/problem+json');
          assert.deepEqual([answer.json().title, answer.json().status], ['Misdirected Request', 421]);
        }
      }
      assert.match(server.log(), /"GET \/system HTTP\/1\.1" 421 Misdirected Request\n/);
      // Browsers don't send HTTP/1.0.
      assert.match(await exchange(server.url, 'GET /healthz HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 200 /);
    } finally {
      await server.close();
    }
  });
});

describe('pages', { concurrency: true }, () => {
  test('--no-dashboard and --no-docs turn both off', async () => {
    const server = await startApp({ pages: { dashboard: false, docs: false } });
    try {
      const headers = { access_token: server.key };
      for (const path of ['/', '/assets/x/main.js', '/docs', '/docs/', '/openapi.json']) {
        assert.equal((await ask(server.url, path)).status, 403, path);
        const answer = await ask(server.url, path, { headers });
        assert.deepEqual([answer.status, answer.json().detail], [404, 'no such path'], path);
      }
      assert.equal((await ask(server.url, '/healthz')).status, 200);
    } finally {
      await server.close();
    }
  });

  test('--no-docs turns only the documentation off', async () => {
    const server = await startApp({ pages: { dashboard: true, docs: false } });
    try {
      const { status, text } = await ask(server.url, '/');
      assert.equal(status, 200);
      assert.doesNotMatch(text, /href="docs"/, 'nothing leads to what is not there');
      assert.equal((await ask(server.url, '/docs')).status, 403);
    } finally {
      await server.close();
    }
  });
});
