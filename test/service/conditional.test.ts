// Headers, ETag and compression of documents, pages and snapshots.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { encodeBody } from '../../src/encode/body.js';
import { freshStore, startApp, type TestApp } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { type Answer, ask, askAs, assertProblem } from '../support/http.js';

const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const hosts = Array.from({ length: 200 }, (_, n) => ({ hostname: `host-${n}` }));
/** Long enough to be compressed, with a page that isn't. */
const CLIENTS = [
  encodeBody(null, { active_clients_amount: 0, active_clients: [], inactive_clients: hosts }),
  encodeBody('lo', { active_clients_amount: 0, active_clients: [] }),
];

/** Returns the headers that describe the document. */
function documentHeaders({ headers }: Answer): Record<string, unknown> {
  const { date, connection, 'keep-alive': keepAlive, ...rest } = headers;
  return rest;
}

let server: TestApp;

before(async () => {
  server = await startApp({ store: freshStore({ clients: CLIENTS }) });
});

after(async () => {
  await server.close();
  assert.doesNotMatch(server.log(), /ERROR/);
});

describe('headers', { concurrency: true }, () => {
  const paths = ['/system', '/clients', '/clients/lo', '/system/', '/snapshot', '/snapshot?documents=system'];

  for (const path of paths) {
    test(`${path} has well-formed headers`, async () => {
      const askedMs = Date.now();
      const answer = await askAs(server, path);
      const { headers } = answer;
      assert.equal(answer.status, 200);
      assert.equal(headers['content-type'], 'application/json');
      assert.equal(headers['content-length'], String(answer.body.length));
      assert.match(headers.etag ?? '', /^"[\x21\x23-\x7e]+"$/);
      assert.equal(headers['sample-state'], 'fresh');
      assert.equal(headers['cache-control'], 'private, no-cache');
      assert.equal(headers.vary, 'Accept-Encoding');
      const modified = headers['last-modified'] ?? '';
      assert.equal(new Date(modified).toUTCString(), modified);
      const sampledAt = String(headers['sampled-at']);
      assert.match(sampledAt, RFC3339);
      // Every part is sampled at least twice a minute.
      assert.ok(Date.parse(sampledAt) > askedMs - 32_000 && Date.parse(sampledAt) < Date.now() + 1, sampledAt);
      assert.ok(Date.parse(modified) <= Date.parse(sampledAt), `${modified}, ${sampledAt}`);
    });

    test(`HEAD ${path} has the headers of GET and no body`, async () => {
      await eventually(async () => {
        const [get, head] = await Promise.all([askAs(server, path), askAs(server, path, { method: 'HEAD' })]);
        assert.equal(head.status, 200);
        assert.equal(head.body.length, 0);
        assert.deepEqual(documentHeaders(head), documentHeaders(get));
      });
    });
  }
});

describe('etag', { concurrency: true }, () => {
  /** Takes a tag and asks with it again; what moves meanwhile is tried once more. */
  async function matches(
    each: TestApp,
    path: string,
    ifNoneMatch: (etag: string) => string,
    headers = {},
    method = 'GET',
  ): Promise<Answer> {
    const { headers: first } = await askAs(each, path, { headers });
    return askAs(each, path, { method, headers: { ...headers, 'if-none-match': ifNoneMatch(first.etag ?? '') } });
  }
  const same: Readonly<Record<string, (etag: string) => string>> = {
    exact: (etag) => etag,
    weak: (etag) => `W/${etag}`,
    list: (etag) => `"one", ${etag},"three"`,
    'weak-list': (etag) => `W/"one",W/${etag}`,
    any: () => '*',
  };

  for (const path of ['/system', '/clients', '/clients/lo', '/clients/', '/snapshot', '/snapshot?documents=clients,system']) {
    for (const [name, header] of Object.entries(same)) {
      test(`${path} responds to If-None-Match: ${name}`, async () => {
        for (const method of ['GET', 'HEAD']) {
          const answer = await eventually(async () => {
            const tried = await matches(server, path, header, {}, method);
            assert.equal(tried.status, 304);
            return tried;
          }, 3_000);
          assert.equal(answer.body.length, 0);
          const { 'content-type': type, 'content-length': length, 'content-encoding': encoding, ...headers } = answer.headers;
          assert.deepEqual([type, length, encoding], [undefined, undefined, undefined]);
          for (const kept of ['etag', 'last-modified', 'sampled-at', 'sample-state', 'cache-control', 'vary'])
            assert.ok(headers[kept], kept);
        }
      });
    }
  }

  test('another ETag gets the whole response', async () => {
    for (const header of [
      () => '"other"',
      () => '""',
      (etag: string) => etag.slice(1, -1),
      (etag: string) => `"x${etag.slice(1)}`,
      () => '',
    ]) {
      assert.equal((await matches(server, '/clients/lo', header)).status, 200);
    }
  });

  test('each encoding has its own ETag', async () => {
    const gzip = { 'accept-encoding': 'gzip' };
    const [plain, packed] = await Promise.all([askAs(server, '/clients'), askAs(server, '/clients', { headers: gzip })]);
    assert.notEqual(plain.headers.etag, packed.headers.etag);
    assert.equal((await matches(server, '/clients', (etag) => etag, gzip)).status, 304);
    assert.equal((await askAs(server, '/clients', { headers: { ...gzip, 'if-none-match': plain.headers.etag } })).status, 200);
    assert.equal((await askAs(server, '/clients', { headers: { 'if-none-match': packed.headers.etag } })).status, 200);
    const both = `${plain.headers.etag}, ${packed.headers.etag}`;
    assert.equal((await askAs(server, '/clients', { headers: { 'if-none-match': both } })).status, 304);
  });

  test('an ETag does not replace the key', async () => {
    const answer = await ask(server.url, '/clients/lo', { headers: { 'if-none-match': '*' } });
    assertProblem(answer, 403, /^403: Unauthorized$/);
  });
});

describe('gzip', { concurrency: true }, () => {
  const wanted = [
    'gzip',
    'GZIP',
    'x-gzip',
    'gzip, deflate, br',
    'deflate, gzip;q=0.5',
    'br;q=1.0, gzip;q=0.8, *;q=0.1',
    '*',
    'br, *;q=0.1',
    'gzip ; q=1',
    'gzip;q=0.001',
  ];
  const unwanted = [
    undefined,
    '',
    'identity',
    'br',
    'gzip;q=0',
    'gzip;q=0.0',
    'gzip; q=0, *',
    '*;q=0',
    'gzip;Q=0',
    'deflate, gzip;q=0, identity',
    'gzipped',
    'gzip;q=x',
  ];

  for (const [headers, packed] of [
    ...wanted.map((header) => [header, true] as const),
    ...unwanted.map((header) => [header, false] as const),
  ]) {
    test(`Accept-Encoding decides about gzip: ${headers ?? 'not sent'}`, async () => {
      for (const path of ['/clients', '/clients/', '/snapshot?documents=clients']) {
        const answer = await askAs(server, path, { headers: headers === undefined ? {} : { 'accept-encoding': headers } });
        assert.equal(answer.headers['content-encoding'], packed ? 'gzip' : undefined, path);
        assert.equal(answer.headers.vary, 'Accept-Encoding');
        assert.equal(answer.headers['content-length'], String(answer.body.length));
        const body = packed ? gunzipSync(answer.body) : answer.body;
        assert.match(body.toString('utf8'), /"host-199"/);
      }
    });
  }

  test('a small body is not compressed', async () => {
    const answer = await askAs(server, '/clients/lo', { headers: { 'accept-encoding': 'gzip' } });
    assert.equal(answer.headers['content-encoding'], undefined);
    assert.equal(answer.headers.vary, 'Accept-Encoding');
  });

  test('HEAD reports the length of the compressed body', async () => {
    const headers = { 'accept-encoding': 'gzip' };
    const [get, head] = await Promise.all([askAs(server, '/clients', { headers }), askAs(server, '/clients', { method: 'HEAD', headers })]);
    assert.equal(head.headers['content-encoding'], 'gzip');
    assert.equal(head.headers['content-length'], String(get.body.length));
    assert.equal(head.body.length, 0);
  });
});
