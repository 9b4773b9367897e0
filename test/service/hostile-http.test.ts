// Malformed HTTP on the service's socket: the service says what is wrong or closes the connection, and keeps serving other clients.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { ask, exchange } from '../support/http.js';
import { createAccessPoint, type Root } from '../support/root.js';
import { startServer, type TestServer } from '../support/server.js';

const HOST = 'Host: 127.0.0.1\r\n';

/** What is written, and which status is answered; `closed`: none, the connection ends. */
type Case = readonly [title: string, bytes: string | Buffer, ...expected: (number | 'closed')[]];

const get = (target: string, headers = '') => `GET ${target} HTTP/1.1\r\n${HOST}Connection: close\r\n${headers}\r\n`;
const post = (headers: string, body: string) =>
  `POST /snapshot/refresh HTTP/1.1\r\n${HOST}Connection: close\r\naccess_token: KEY\r\nContent-Type: application/json\r\n${headers}\r\n${body}`;

const requestLines: readonly Case[] = [
  ['nothing', '', 'closed'],
  ['empty lines', '\r\n\r\n\r\n', 400, 'closed'],
  ['no HTTP', 'hello\r\n\r\n', 400],
  ['a TLS hello', Buffer.from('16030100a5010000a10303', 'hex'), 400],
  ['the start of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
  ['HTTP/0.9', 'GET /\r\n', 400],
  // Node takes it for HTTP/0.9.
  ['no version', `GET /system\r\n${HOST}\r\n`, 400, 403],
  ['version 9.9', `GET /system HTTP/9.9\r\n${HOST}\r\n`, 400],
  ['version 1', `GET /system HTTP/1\r\n${HOST}\r\n`, 400],
  ['version 1.1 in lower case', `GET /system http/1.1\r\n${HOST}\r\n`, 400],
  ['a blank too many', `GET  /system  HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`, 400, 403],
  ['a blank in the target', get('/sys tem'), 400],
  ['an unknown method', `G@T /system HTTP/1.1\r\n${HOST}\r\n`, 400],
  ['a method in lower case', `get /system HTTP/1.1\r\n${HOST}\r\n`, 400],
  ['a method without end', `${'A'.repeat(1 << 20)}`, 400],
  ['a target without end', get(`/${'a'.repeat(1 << 20)}`), 431],
  ['NUL in the target', get('/sys\0tem'), 400],
  ['a line feed in the target', get('/sys\ntem'), 400],
  ['a carriage return in the target', get('/sys\rtem'), 400],
  ['bytes beyond ASCII in the target', get('/sÿstem-ü'), 400, 403],
  ['no target', `GET HTTP/1.1\r\n${HOST}\r\n`, 400],
  ['a target that does not start with a slash', get('system'), 400, 403],
  ['absolute form', get('http://127.0.0.1/system'), 403],
  ['absolute form of elsewhere', get('http://192.0.2.1/system'), 403],
  ['a malformed absolute form', get('http://['), 400],
  ['absolute form without a host', get('http:///system'), 400, 403],
  ['authority form', get('127.0.0.1:80'), 400, 403],
  ['an asterisk', get('*'), 400, 403, 404],
  ['OPTIONS *', `OPTIONS * HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`, 400, 403, 404, 405],
  ['CONNECT', `CONNECT 192.0.2.1:443 HTTP/1.1\r\n${HOST}\r\n`, 'closed', 400, 405],
  ['TRACE', `TRACE /system HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`, 400, 403, 405],
  ['a percent sign alone', get('/%'), 400, 403, 404],
  ['a malformed escape', get('/clients/%zz'), 400, 403, 404],
  ['an escape of no character', get('/clients/%ff%fe'), 400, 403, 404],
  ['an escaped NUL', get('/clients/%00'), 400, 403, 404],
  ['an escaped slash', get('/..%2f..%2fetc/passwd'), 403, 404],
  ['dots', get('/assets/../../../etc/passwd'), 403, 404],
  ['a fragment', get('/system#a'), 400, 403],
];

const headers: readonly Case[] = [
  ['no Host', 'GET /system HTTP/1.1\r\n\r\n', 400],
  ['two Hosts', get('/system', 'Host: example.org\r\n'), 400, 403],
  ['a header without a colon', get('/system', 'nonsense\r\n'), 400],
  ['a header without a name', get('/system', ': a\r\n'), 400],
  ['a blank before the colon', get('/system', 'access_token : a\r\n'), 400],
  ['a name beyond ASCII', get('/system', 'Schlüssel: a\r\n'), 400],
  ['NUL in a name', get('/system', 'a\0b: c\r\n'), 400],
  ['NUL in a value', get('/system', 'access_token: a\0b\r\n'), 400],
  ['a control character in a value', get('/system', 'access_token: a\u0007b\r\n'), 400, 403],
  ['a carriage return alone', get('/system', 'a: b\rc: d\r\n'), 400],
  ['a folded header', get('/system', 'access_token: a\r\n b\r\n'), 400, 403],
  ['a first header that is folded', `GET /system HTTP/1.1\r\n folded\r\n${HOST}\r\n`, 400],
  ['a megabyte of one header', get('/system', `a: ${'x'.repeat(1 << 20)}\r\n`), 431],
  ['a megabyte of headers', get('/system', 'a: b\r\n'.repeat(1 << 17)), 431],
  ['a key of many bytes', get('/system', `access_token: ${'x'.repeat(10_000)}\r\n`), 403],
  ['a key beyond ASCII', get('/system', 'access_token: ключ-日本\r\n'), 403],
  ['two keys', get('/system', 'access_token: a\r\naccess_token: b\r\n'), 403],
  ['credentials that are no base64', get('/system', 'Authorization: Basic ====%%\r\n'), 403],
  ['a scheme alone', get('/system', 'Authorization: Bearer\r\n'), 403],
  ['an upgrade to WebSocket', `GET /system HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`, 400, 403, 426],
  [
    'an upgrade to HTTP/2',
    `GET /system HTTP/1.1\r\n${HOST}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n`,
    400,
    403,
  ],
  ['an unknown expectation, without a key', get('/system', 'Expect: 200-maybe\r\n'), 403],
];

const bodies: readonly Case[] = [
  ['two lengths', post('Content-Length: 2\r\nContent-Length: 3\r\n', '{}'), 400],
  ['a length twice', post('Content-Length: 2\r\nContent-Length: 2\r\n', '{}'), 400],
  ['a list of lengths', post('Content-Length: 2, 2\r\n', '{}'), 400],
  ['a length that is not a number', post('Content-Length: two\r\n', '{}'), 400],
  ['a negative length', post('Content-Length: -2\r\n', '{}'), 400],
  ['a length with a sign', post('Content-Length: +2\r\n', '{}'), 400],
  ['a hexadecimal length', post('Content-Length: 0x2\r\n', '{}'), 400],
  ['a length beyond all numbers', post(`Content-Length: ${'9'.repeat(30)}\r\n`, '{}'), 400],
  ['a length of many gigabytes', post('Content-Length: 99999999999\r\n', '{}'), 400, 413],
  ['less than it says', post('Content-Length: 20\r\n', '{}'), 400, 'closed'],
  ['chunked and a length', post('Transfer-Encoding: chunked\r\nContent-Length: 4\r\n', '0\r\n\r\n'), 400],
  ['a length and chunked', post('Content-Length: 4\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\nGET /system HTTP/1.1\r\n\r\n'), 400],
  ['a coding that is not the last', post('Transfer-Encoding: chunked, identity\r\n', '0\r\n\r\n'), 400],
  ['an unknown coding', post('Transfer-Encoding: gzip\r\n', '{}'), 400],
  ['a coding behind a tab', post('Transfer-Encoding:\tchunked\r\n', 'zz\r\n'), 400],
  ['a coding behind a vertical tab', post('Transfer-Encoding: \u000bchunked\r\n', '0\r\n\r\n'), 400],
  ['two codings', post('Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n', '{}'), 400],
  ['a chunk whose length is not a number', post('Transfer-Encoding: chunked\r\n', 'xyz\r\n'), 400],
  ['a chunk whose length is negative', post('Transfer-Encoding: chunked\r\n', '-2\r\n{}\r\n0\r\n\r\n'), 400],
  ['a chunk longer than it says', post('Transfer-Encoding: chunked\r\n', '1\r\n{}\r\n0\r\n\r\n'), 400],
  ['a chunk without its end', post('Transfer-Encoding: chunked\r\n', '2\r\n{}'), 400, 'closed'],
  ['chunks that end in line feeds', post('Transfer-Encoding: chunked\r\n', '2\n{}\n0\n\n'), 400],
  [
    'a chunk with a megabyte of extensions',
    post('Transfer-Encoding: chunked\r\n', `2;${'a'.repeat(1 << 20)}\r\n{}\r\n0\r\n\r\n`),
    400,
    413,
  ],
  [
    'a megabyte behind the last chunk',
    post('Transfer-Encoding: chunked\r\n', `2\r\n{}\r\n0\r\na: ${'x'.repeat(1 << 20)}\r\n\r\n`),
    400,
    413,
    431,
    200,
  ],
  ['gigabytes in one chunk', post('Transfer-Encoding: chunked\r\n', `ffffffffffffffffff\r\n{}`), 400, 413],
  [
    'a body without a type',
    `POST /snapshot/refresh HTTP/1.1\r\n${HOST}Connection: close\r\naccess_token: KEY\r\nContent-Length: 2\r\n\r\n{}`,
    415,
  ],
];

describe('hostile HTTP', () => {
  let root: Root;
  let server: TestServer;

  before(async () => {
    root = createAccessPoint();
    server = await startServer({ args: ['--path.rootfs', root.folder, '--access-log', 'off'], env: { PATH: root.path } });
  });
  after(async () => {
    await server?.stop();
    root.remove();
  });

  /** Statuses of all answers that were given on the connection. */
  async function statuses(bytes: string | Buffer): Promise<{ codes: number[]; text: string }> {
    const written =
      typeof bytes === 'string' ? Buffer.from(bytes.replace('access_token: KEY', `access_token: ${server.key}`), 'utf8') : bytes;
    let text: string;
    try {
      text = await exchange(server.url, written, true);
    } catch (error) {
      // It does not read a megabyte to its end that it has refused: what it said may be lost with the connection.
      if (!/^(?:ECONNRESET|EPIPE)$/.test((error as NodeJS.ErrnoException).code ?? '')) throw error;
      text = '';
    }
    return { codes: [...text.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map((match) => Number(match[1])), text };
  }

  for (const [part, cases] of Object.entries({ 'request line': requestLines, headers, body: bodies })) {
    for (const [title, bytes, ...expected] of cases) {
      test(`${part}: ${title}`, async () => {
        const { codes, text } = await statuses(bytes);
        if (codes.length === 0) {
          const isReset = Buffer.byteLength(bytes) > 100_000;
          assert.ok(expected.includes('closed') || isReset, `nothing was answered: expected ${expected.join(' or ')}`);
        } else {
          assert.equal(codes.length, 1, `one answer: ${text}`);
          assert.ok(expected.includes(codes[0] ?? 0), `${text}\nexpected ${expected.join(' or ')}`);
          if ((codes[0] ?? 0) >= 400) assert.match(text, /"detail":"[^"]+/, 'it says why');
        }
        assert.equal((await ask(server.url, '/healthz')).status, 200, 'others are answered');
      });
    }
  }

  test('a request after a rejected one on the same connection gets no response', async () => {
    const { codes } = await statuses(`${post('Content-Length: 2\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n')}${get('/healthz')}`);
    assert.deepEqual(codes, [400]);
  });

  test('random bytes get an error or a closed connection', async () => {
    // The same each time: a failure can be looked at again.
    let state = 42;
    const next = (below: number) => {
      state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
      return Math.floor((state / 2 ** 31) * below);
    };
    const good = [get('/system'), get('/clients/wlan0?a=b', 'Authorization: Basic YTpi\r\n'), post('Content-Length: 2\r\n', '{}')];
    const nasty = ['\0', '\r', '\n', '\r\n\r\n', ' ', ':', '%', '\t', ';', 'chunked', '0', '\u00ff', '\u20ac', '?', '#', '..', ','];
    const written = Array.from({ length: 150 }, () => {
      let text = good[next(good.length)] ?? '';
      for (let edits = 1 + next(3); edits > 0; edits--) {
        const at = next(text.length);
        text = text.slice(0, at) + (next(2) === 0 ? '' : nasty[next(nasty.length)]) + text.slice(at + next(3));
      }
      return text;
    });
    for (let at = 0; at < written.length; at += 25) {
      const answers = await Promise.all(written.slice(at, at + 25).map(statuses));
      for (const [index, { codes, text }] of answers.entries()) {
        for (const code of codes) assert.ok(code < 500 || code === 505, `${JSON.stringify(written[at + index])}: ${text}`);
      }
    }
    assert.equal((await ask(server.url, '/healthz')).status, 200);
  });

  test('clients that disconnect in the middle affect no other client', async () => {
    const { hostname, port } = new URL(server.url);
    await Promise.all(
      [get('/system').slice(0, 30), post('Content-Length: 20\r\n', '{'), get('/docs'), get('/'), get('/openapi.json')].map(
        (bytes) =>
          new Promise<void>((resolve) => {
            const socket = connect(Number(port), hostname, () => socket.write(bytes, () => socket.resetAndDestroy()));
            socket.on('error', () => {}).once('close', () => resolve());
          }),
      ),
    );
    assert.equal((await ask(server.url, '/healthz')).status, 200);
  });

  test('hostile requests log no internal error', () => {
    assert.doesNotMatch(server.output(), /request failed|defect|Error|ERROR/);
  });
});
