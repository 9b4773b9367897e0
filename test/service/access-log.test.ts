// The access log: what is written of whom, how often, and what never is.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { encodeBody } from '../../src/encode/body.js';
import { freshStore, startApp } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { ask, exchange } from '../support/http.js';
import { startServer, type TestServer } from '../support/server.js';

const LINE =
  /^INFO: (?:\d+\.\d+\.\d+\.\d+|\[[0-9a-f:]+\]):\d+ - "[A-Z]+ [\x21\x23-\x7e…]+ HTTP\/1\.[01]" \d{3} [A-Za-z' -]+(?:, [1-9]\d* more in \d+ s)?$/;

describe('server', { concurrency: true }, () => {
  let server: TestServer;
  before(async () => {
    server = await startServer();
    await eventually(async () => assert.equal((await ask(server.url, '/readyz')).status, 200));
  });
  after(() => server?.stop());

  const linesOf = ({ output }: TestServer) =>
    output()
      .split('\n')
      .filter((line) => / - "/.test(line));

  test('a request is logged at once, and repeats are counted', async () => {
    const headers = { access_token: server.key };
    for (let n = 0; n < 5; n++) {
      for (const path of ['/system', '/system?poll', '/clients/lo', '/snapshot', '/snapshot?documents=system'])
        await ask(server.url, path, { headers });
      await ask(server.url, '/nope', { headers });
      await ask(server.url, '/system');
      await ask(server.url, '/clients', { method: 'HEAD', headers });
      await ask(server.url, '/clients/lo', { headers: { ...headers, 'if-none-match': '*' } });
    }
    await eventually(() => {
      const found = linesOf(server).map((line) => line.replace(/^INFO: 127\.0\.0\.1:[1-9]\d* - /, ''));
      for (const expected of [
        '"GET /system HTTP/1.1" 200 OK',
        '"GET /clients/lo HTTP/1.1" 200 OK',
        '"GET /snapshot HTTP/1.1" 200 OK',
        '"GET /nope HTTP/1.1" 404 Not Found',
        '"GET /system HTTP/1.1" 403 Forbidden',
        '"HEAD /clients HTTP/1.1" 200 OK',
        '"GET /clients/lo HTTP/1.1" 304 Not Modified',
      ]) {
        assert.equal(found.filter((line) => line === expected).length, 1, `${expected} in ${found.join('\n')}`);
      }
    });
  });

  test('no request can forge a line', async () => {
    const raw = (path: string | Buffer) =>
      Buffer.concat([Buffer.from('GET '), Buffer.from(path), Buffer.from(' HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')]);
    for (const path of [
      '/forged"',
      '/forged"%20200%20OK%0AINFO:',
      '/forged%0d%0aINFO:%20x',
      '/forged\x1b[2J',
      '/forged\x7f',
      '/forged\tx',
      Buffer.from('/forged\u009b\u2028', 'utf8'),
      Buffer.from([0x2f, 0x66, 0x6f, 0x72, 0x67, 0x65, 0x64, 0xff, 0x85]),
      'forged',
      '*',
    ]) {
      await exchange(server.url, raw(path));
    }
    await eventually(() => assert.ok(linesOf(server).some((line) => line.includes('/forged%22 '))));
    for (const line of linesOf(server)) assert.match(line, LINE);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none of these may be there
    assert.doesNotMatch(server.output(), /[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028]/);
  });

  test('no key, header or query is logged', async () => {
    const { url, key } = server;
    const basic = `Basic ${Buffer.from(`admin:${key}`).toString('base64')}`;
    for (const headers of [
      { access_token: key },
      { 'x-api-key': key },
      { authorization: `Bearer ${key}` },
      { authorization: basic },
      { authorization: key },
    ]) {
      for (const path of ['/system', '/snapshot', '/nope', `/system?access_token=${key}`, `/nope?${key}`])
        await ask(url, path, { headers });
    }
    const json = { access_token: key, 'content-type': 'application/json' };
    await ask(url, '/snapshot/refresh', { method: 'POST', headers: json, body: `{"documents":["${key}"]}` });
    await ask(url, '/snapshot/refresh', { method: 'POST', headers: json, body: `{${key}` });
    await exchange(url, `GET / ${key}\r\n\r\n`);
    await eventually(() => assert.ok(linesOf(server).some((line) => line.includes('POST /snapshot/refresh'))));
    assert.ok(!server.output().includes(key));
    assert.ok(!server.output().includes(basic.slice(6)));
    assert.doesNotMatch(server.output(), /\?|access_token=/);
  });

  test('each mode logs what it names', async () => {
    const modes = ['all', 'errors', 'off'] as const;
    const expected = { all: ['200', '200', '404', '403'], errors: ['404', '403'], off: ['403'] };
    await Promise.all(
      modes.map(async (mode) => {
        const quiet = await startApp({ store: freshStore({ clients: [encodeBody(null, {}), encodeBody('lo', {})] }), accessLog: mode });
        for (const path of ['/clients/lo', '/clients/lo', '/nope']) await ask(quiet.url, path, { headers: { access_token: quiet.key } });
        await ask(quiet.url, '/clients/lo');
        await eventually(() => {
          const statuses = [...quiet.log().matchAll(/" (\d+) /g)].map(([, status]) => status);
          assert.deepEqual(statuses, expected[mode], mode);
        });
        await quiet.close();
      }),
    );
  });
});
