// Errors: what clients get for paths, methods, keys and requests that aren't valid.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { encodeBody } from '../../src/encode/body.js';
import { freshStore, startApp, type TestApp } from '../support/app.js';
import { ask, askAs, assertProblem, exchange } from '../support/http.js';

let server: TestApp;

before(async () => {
  const page = encodeBody('lo', { active_clients_amount: 0, active_clients: [] });
  server = await startApp({ store: freshStore({ clients: [encodeBody(null, {}), page] }) });
});

after(async () => {
  await server.close();
  assert.doesNotMatch(server.log(), /ERROR/);
});

describe('errors', { concurrency: true }, () => {
  test('an unknown path gets 404', async () => {
    for (const path of ['/nope', '/system.json', '/healthz/x', '/.env', '/%', '/\\', `/${'x'.repeat(8_000)}`]) {
      for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'PROPFIND', 'TRACE', 'OPTIONS', 'MKCOL']) {
        const answer = await askAs(server, path, { method });
        assertProblem(answer, 404, /./);
        assert.equal(answer.headers.allow, undefined);
      }
    }
    for (const path of ['/docs/nope', '/docs/..%2f..%2fpackage.json']) assertProblem(await ask(server.url, path), 404, /./);
    assert.equal((await askAs(server, '/nope', { method: 'HEAD' })).status, 404);
  });

  const allowed: readonly [string, RegExp, readonly string[]][] = [
    ['/system', /^(?=.*\bGET\b)(?=.*\bHEAD\b)(?!.*POST)/, ['POST', 'PUT', 'DELETE', 'PATCH', 'PROPFIND', 'TRACE', 'MKCOL']],
    ['/clients', /^(?=.*\bGET\b)(?=.*\bHEAD\b)(?!.*POST)/, ['POST', 'PUT', 'DELETE', 'PROPFIND']],
    ['/clients/lo', /^(?=.*\bGET\b)(?=.*\bHEAD\b)(?!.*POST)/, ['POST', 'DELETE', 'PROPFIND']],
    ['/snapshot', /^(?=.*\bGET\b)(?=.*\bHEAD\b)(?!.*POST)/, ['POST', 'DELETE', 'PROPFIND']],
    ['/snapshot/refresh', /^POST$/, ['GET', 'HEAD', 'PUT', 'DELETE', 'PROPFIND']],
    ['/healthz', /^(?=.*\bGET\b)(?=.*\bHEAD\b)(?!.*POST)/, ['POST', 'DELETE', 'PROPFIND']],
    ['/readyz', /^(?=.*\bGET\b)(?=.*\bHEAD\b)(?!.*POST)/, ['POST', 'DELETE']],
    ['/docs', /^(?=.*\bGET\b)(?=.*\bHEAD\b)(?!.*POST)/, ['POST', 'DELETE']],
    ['/openapi.json', /^(?=.*\bGET\b)(?=.*\bHEAD\b)(?!.*POST)/, ['POST', 'DELETE']],
  ];
  for (const [path, allow, methods] of allowed) {
    test(`an unsupported method of ${path} gets 405 with Allow`, async () => {
      for (const method of methods) {
        const answer = await askAs(server, path, { method });
        assert.equal(answer.status, 405, `${method}: ${answer.text}`);
        assert.match(answer.headers.allow ?? '', allow);
        if (method !== 'HEAD') assertProblem(answer, 405, new RegExp(`^${method} is not allowed here`));
      }
      const options = await askAs(server, path, { method: 'OPTIONS' });
      assert.ok(options.status < 300);
      assert.match(options.headers.allow ?? '', allow);
    });
  }

  test('a missing or wrong key gets 403', async () => {
    for (const path of [
      '/system',
      '/clients',
      '/clients/lo',
      '/clients/nope',
      '/snapshot',
      '/snapshot?documents=nope',
      '/nope',
      '/system/',
    ]) {
      const answer = await ask(server.url, path);
      assertProblem(answer, 403, /^403: Unauthorized$/);
      const head = await ask(server.url, path, { method: 'HEAD' });
      assert.equal(head.status, 403);
      assert.equal(head.body.length, 0);
    }
    for (const method of ['POST', 'DELETE', 'PROPFIND', 'OPTIONS']) {
      assertProblem(await ask(server.url, '/system', { method }), 403, /^403: Unauthorized$/);
    }
  });

  /** What came back on a bare connection, which the server has closed. */
  async function assertRefused(request: string | Buffer, status: number, finish = false): Promise<void> {
    const [head = '', body = ''] = (await exchange(server.url, request, finish)).split('\r\n\r\n', 2);
    assert.match(head, new RegExp(`^HTTP/1\\.1 ${status} `));
    assert.match(head, /^Content-Type: application\/problem\+json$/im);
    assert.match(head, /^Connection: close$/im);
    assert.match(head, new RegExp(`^Content-Length: ${body.length}$`, 'im'));
    const problem = JSON.parse(body) as Record<string, unknown>;
    assert.deepEqual([problem.type, problem.status], ['about:blank', status]);
    assert.equal(typeof problem.title, 'string');
    assert.equal(typeof problem.detail, 'string');
  }

  test('headers that are too long get 431', async () => {
    await assertRefused(`GET /system HTTP/1.1\r\nHost: x\r\naccess_token: ${'k'.repeat(20_000)}\r\n\r\n`, 431);
    await assertRefused(`GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 431);
    await assertRefused(
      `GET /system HTTP/1.1\r\nHost: x\r\n${Array.from({ length: 3_000 }, (_, n) => `x-${n}: ${n}\r\n`).join('')}\r\n`,
      431,
    );
  });

  const malformed: Readonly<Record<string, string | Buffer>> = {
    words: 'What is your name?\r\n\r\n',
    version: 'GET /system HTTP/9.9\r\nHost: x\r\n\r\n',
    tls: Buffer.from('1603010200010001fc0303', 'hex'),
    zeros: Buffer.alloc(100),
    'header-without-a-colon': 'GET /system HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n',
    'control-character': 'GET /sys\x01tem HTTP/1.1\r\nHost: x\r\n\r\n',
    'two-lengths': 'POST /snapshot/refresh HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}',
    'length-and-chunks': 'POST /snapshot/refresh HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  };
  for (const [name, request] of Object.entries(malformed)) {
    test(`a malformed request gets 400: ${name}`, () => assertRefused(request, 400));
  }

  test('an invalid request URL gets 400', async () => {
    for (const path of ['http://[', 'http://[::']) {
      const head = `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n`;
      await assertRefused(`${head}\r\n`, 400);
      await assertRefused(`${head}access_token: ${server.key}\r\n\r\n`, 400);
    }
  });

  test('a request that ends too early gets 400', () => assertRefused('GET /system HT', 400, true));

  test('HTTP/1.0 is served', async () => {
    const answer = await exchange(server.url, `GET /clients/lo HTTP/1.0\r\naccess_token: ${server.key}\r\n\r\n`);
    assert.match(answer, /^HTTP\/1\.1 200 OK\r\n[\s\S]*\{"active_clients_amount":0,"active_clients":\[\]\}$/);
  });

  test('pipelined requests are answered in order', async () => {
    const one = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: x\r\naccess_token: ${server.key}\r\n${more}\r\n`;
    const answers = await exchange(
      server.url,
      one('/clients/lo') + one('/nope') + one('/snapshot') + one('/healthz', 'Connection: close\r\n'),
    );
    assert.deepEqual(
      [...answers.matchAll(/HTTP\/1\.1 (\d+) /g)].map((match) => match[1]),
      ['200', '404', '200', '200'],
    );
  });
});
