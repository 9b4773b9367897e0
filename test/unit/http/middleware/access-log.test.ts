import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { describe, type TestContext, test } from 'node:test';
import type { AccessLogMode } from '../../../../src/config/config.js';
import { createAccessLog } from '../../../../src/http/middleware/access-log.js';

interface Asked {
  readonly address?: string;
  readonly port?: number;
  readonly method?: string;
  readonly url?: string;
}

/** A request as the log sees it; one socket for each address and port. */
function createRequests(): (asked?: Asked) => IncomingMessage {
  const sockets = new Map<string, object>();
  return ({ address = '192.168.0.102', port = 58_844, method = 'GET', url = '/clients/wlan0' } = {}) => {
    const socket = sockets.get(`${address} ${port}`) ?? { remoteAddress: address, remotePort: port };
    sockets.set(`${address} ${port}`, socket);
    return { method, url, httpVersion: '1.1', socket } as unknown as IncomingMessage;
  };
}

/** Creates a log whose clock the test controls. */
function createLog({ mock }: TestContext, mode: AccessLogMode) {
  mock.timers.enable({ apis: ['setInterval'] });
  let nowMs = 0;
  mock.method(performance, 'now', () => nowMs);
  const written: string[] = [];
  const log = createAccessLog(mode, (text) => written.push(text));
  const request = createRequests();
  return {
    record: (status: number, asked?: Asked) => log.record(request(asked), status),
    wait(seconds: number) {
      nowMs += seconds * 1000;
      mock.timers.tick(seconds * 1000);
    },
    close: () => log.close(),
    /** The lines written since the last call. */
    lines() {
      const text = written.splice(0).join('');
      assert.match(text, /^(?:[^\n]+\n)*$/, 'whole lines');
      return text.split('\n').slice(0, -1);
    },
  };
}

describe('mode summary', () => {
  test('the first request is logged at once, and repeats are counted once a minute', (context) => {
    const log = createLog(context, 'summary');
    log.record(200);
    assert.deepEqual(log.lines(), ['INFO: 192.168.0.102:58844 - "GET /clients/wlan0 HTTP/1.1" 200 OK']);
    for (let n = 0; n < 59; n++) log.record(200);
    assert.deepEqual(log.lines(), []);
    log.wait(60);
    assert.deepEqual(log.lines(), ['INFO: 192.168.0.102:58844 - "GET /clients/wlan0 HTTP/1.1" 200 OK, 59 more in 60 s']);
    for (let n = 0; n < 60; n++) log.record(200);
    assert.deepEqual(log.lines(), [], 'repeats are logged once a minute');
    log.wait(60);
    assert.deepEqual(log.lines(), ['INFO: 192.168.0.102:58844 - "GET /clients/wlan0 HTTP/1.1" 200 OK, 60 more in 60 s']);
    log.wait(60);
    assert.deepEqual(log.lines(), [], 'a minute without requests is no line');
    log.wait(60);
    log.record(200);
    assert.equal(log.lines().length, 1, 'a client that comes back is logged at once');
  });

  test('requests that differ only in port or query are counted as repeats', (context) => {
    const log = createLog(context, 'summary');
    log.record(200);
    log.record(200, { port: 58_845 });
    log.record(200, { url: '/clients/wlan0?x=1' });
    log.record(200, { url: '/clients/wlan0?y=2', port: 1 });
    assert.equal(log.lines().length, 1, 'another port or query is no other request');
    log.wait(60);
    assert.deepEqual(log.lines(), ['INFO: 192.168.0.102:1 - "GET /clients/wlan0 HTTP/1.1" 200 OK, 3 more in 60 s']);
  });

  test('requests with another status, address, path or method are logged and counted separately', (context) => {
    const log = createLog(context, 'summary');
    log.record(200);
    log.record(304);
    log.record(403);
    log.record(200, { address: '192.168.0.103' });
    log.record(200, { url: '/system' });
    log.record(200, { method: 'HEAD' });
    assert.equal(log.lines().length, 6);
    for (let n = 0; n < 3; n++) for (const status of [200, 304]) log.record(status);
    assert.deepEqual(log.lines(), []);
    log.wait(60);
    const counts = log.lines().map((line) => /" (\d+) .*, (\d+) more/.exec(line)?.slice(1));
    assert.deepEqual(counts, [
      ['200', '3'],
      ['304', '3'],
    ]);
  });

  test('closing the log writes the pending count', (context) => {
    const log = createLog(context, 'summary');
    for (let n = 0; n < 5; n++) log.record(200);
    log.wait(7);
    log.close();
    assert.match(log.lines().at(-1) ?? '', /, 4 more in 7 s$/);
    log.wait(60);
    assert.deepEqual(log.lines(), []);
  });

  test('requests beyond 1000 lines a minute are logged as one total', (context) => {
    const log = createLog(context, 'summary');
    for (let n = 0; n < 20_000; n++) log.record(404, { url: `/${n}`, address: `10.0.${n >> 8}.${n & 255}`, port: n });
    const first = log.lines();
    assert.ok(first.length <= 1_000, `${first.length} lines`);
    log.wait(60);
    assert.deepEqual(log.lines(), ['INFO: 19000 more responses to other addresses and paths in 60 s']);
    log.record(200);
    assert.equal(log.lines().length, 1, 'there is room again');
  });

  test('many long paths do not fill the memory', (context) => {
    const log = createLog(context, 'summary');
    const long = 'x'.repeat(10_000);
    globalThis.gc?.();
    const before = process.memoryUsage().heapUsed;
    for (let minute = 0; minute < 20; minute++) {
      for (let n = 0; n < 2_000; n++) log.record(404, { url: `/${minute}-${n}-${long}` });
      log.wait(60);
      log.lines();
    }
    const grown = process.memoryUsage().heapUsed - before;
    assert.ok(grown < 100_000_000, `${Math.round(grown / 1e6)} MB more after 400 MB of paths`);
  });
});

describe('other modes', () => {
  test('mode all logs every response at once, and no summary', (context) => {
    const log = createLog(context, 'all');
    for (const status of [200, 200, 304, 403, 503]) log.record(status);
    assert.deepEqual(
      log.lines().map((line) => line.slice(line.lastIndexOf('"') + 2)),
      ['200 OK', '200 OK', '304 Not Modified', '403 Forbidden', '503 Service Unavailable'],
    );
    log.wait(60);
    log.close();
    assert.deepEqual(log.lines(), []);
  });

  test('mode errors logs only responses with status 400 and higher', (context) => {
    const log = createLog(context, 'errors');
    for (const status of [200, 204, 302, 304, 400, 403, 404, 404, 500, 503]) log.record(status);
    assert.deepEqual(
      log.lines().map((line) => /" (\d+) /.exec(line)?.[1]),
      ['400', '403', '404', '404', '500', '503'],
    );
    log.wait(60);
    assert.deepEqual(log.lines(), []);
  });

  test('mode off logs only rejected keys, and counts their repeats', (context) => {
    const log = createLog(context, 'off');
    for (const status of [200, 304, 404, 500, 503]) log.record(status);
    assert.deepEqual(log.lines(), []);
    for (let n = 0; n < 100; n++) log.record(403);
    assert.deepEqual(log.lines(), ['INFO: 192.168.0.102:58844 - "GET /clients/wlan0 HTTP/1.1" 403 Forbidden'], 'a rejected key is logged');
    log.wait(60);
    assert.match(log.lines().join(), /403 Forbidden, 99 more in 60 s$/);
  });
});

describe('a log line', () => {
  const lines: readonly [string, Asked, string][] = [
    ['ipv4', { address: '10.3.141.50', port: 1 }, 'INFO: 10.3.141.50:1 - "GET /clients/wlan0 HTTP/1.1" 200 OK'],
    ['ipv4-mapped', { address: '::ffff:10.3.141.50', port: 1 }, 'INFO: 10.3.141.50:1 - "GET /clients/wlan0 HTTP/1.1" 200 OK'],
    ['ipv6', { address: 'fd00::1', port: 443 }, 'INFO: [fd00::1]:443 - "GET /clients/wlan0 HTTP/1.1" 200 OK'],
    ['post', { method: 'POST', url: '/snapshot/refresh' }, 'INFO: 192.168.0.102:58844 - "POST /snapshot/refresh HTTP/1.1" 200 OK'],
    ['query', { url: '/system?access_token=secret&x=1' }, 'INFO: 192.168.0.102:58844 - "GET /system HTTP/1.1" 200 OK'],
    ['two-queries', { url: '/system?a?access_token=secret' }, 'INFO: 192.168.0.102:58844 - "GET /system HTTP/1.1" 200 OK'],
    ['new-line', { url: '/a\nINFO: forged' }, 'INFO: 192.168.0.102:58844 - "GET /a%0AINFO:%20forged HTTP/1.1" 200 OK'],
    ['controls', { url: '/\r\t\0\x1b[2J\x7f' }, 'INFO: 192.168.0.102:58844 - "GET /%0D%09%00%1B[2J%7F HTTP/1.1" 200 OK'],
    ['quote', { url: '/a" 200 OK "' }, 'INFO: 192.168.0.102:58844 - "GET /a%22%20200%20OK%20%22 HTTP/1.1" 200 OK'],
    ['c1-and-latin', { url: '/\x85\x9b\u00e9' }, 'INFO: 192.168.0.102:58844 - "GET /%85%9B%E9 HTTP/1.1" 200 OK'],
    ['empty', { url: '' }, 'INFO: 192.168.0.102:58844 - "GET  HTTP/1.1" 200 OK'],
  ];
  for (const [name, asked, expected] of lines) {
    test(`has the address, the method, the escaped path without its query, and the status: ${name}`, (context) => {
      for (const mode of ['all', 'summary'] as const) {
        const log = createLog(context, mode);
        log.record(200, asked);
        assert.deepEqual(log.lines(), [expected]);
        context.mock.reset();
      }
    });
  }

  test('a long path is shortened', (context) => {
    const log = createLog(context, 'all');
    log.record(404, { url: `/${'x'.repeat(10_000)}` });
    const [line = ''] = log.lines();
    assert.ok(line.length < 300, String(line.length));
    assert.match(line, /x…/);
  });
});
