// Limits on what one client may use: slow, silent, endless and greedy clients over real sockets, while others are served.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import type { Limits } from '../../src/config/config.js';
import { MAX_HEADERS, MAX_PIPELINED } from '../../src/http/server/limits.js';
import { freshStore, startApp, type TestApp } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { type ForkedApp, forkApp } from '../support/forked-app.js';
import { ask } from '../support/http.js';
import {
  type ClientOptions,
  closeAll,
  connectMany,
  connectTo,
  head,
  problemOf,
  type RawClient,
  statuses,
  undisturbed,
} from '../support/sockets.js';

/** Another client's address: all of 127.0.0.0/8 is the loopback interface. */
const ELSEWHERE = '127.0.0.2';
/** Size of a document: more than sockets take without being read. */
const LARGE_BYTES = 12_000_000;

const IMPATIENT = { headersMs: 1_000, requestMs: 1_500, idleMs: 1_000, checkEveryMs: 100 };

function askSystem({ url, key }: TestApp) {
  return ask(url, '/system', { headers: { access_token: key } });
}

const untilClosed = (clients: readonly RawClient[]) =>
  eventually(() => assert.equal(clients.filter((client) => !client.isClosed()).length, 0, 'of the clients are still connected'));

/** Writes some bytes at a time, until the service closes the connections. */
async function drip(clients: readonly RawClient[], text: string, bytes = 1): Promise<void> {
  let at = 0;
  const dripping = setInterval(() => {
    for (const { socket } of clients) if (socket.writable) socket.write(text.slice(at, at + bytes));
    at += bytes;
  }, 20);
  await untilClosed(clients).finally(() => clearInterval(dripping));
}

/** Makes a client pause for a moment after each megabyte that it has read. */
function pauseOften({ socket }: RawClient): void {
  let left = 1 << 20;
  socket.on('data', (chunk: string) => {
    left -= chunk.length;
    if (left > 0) return;
    left = 1 << 20;
    socket.pause();
    setTimeout(() => socket.resume(), 10);
  });
}

/** Sets up a service in a process of its own, and clients of it. At the end, the service must have closed all connections. */
function setUpService(limits: Partial<Limits>) {
  const server = {} as ForkedApp;
  const clients: RawClient[] = [];

  before(async () => {
    Object.assign(server, await forkApp(limits, LARGE_BYTES));
    // Loading Koa and the parser of bodies delays others for longer than the limits on a busy machine.
    const headers = { access_token: server.key, 'content-type': 'application/json' };
    assert.equal((await ask(server.url, '/snapshot/refresh', { method: 'POST', headers, body: '{}' })).status, 200);
  });

  after(async () => {
    try {
      await eventually(async () => assert.deepEqual((await server.inspect()).peers, []));
      assert.doesNotMatch((await server.inspect()).log, /ERROR|WARNING|\bat .*\.js:\d+/);
    } finally {
      closeAll(clients);
      server.close();
    }
  });

  async function connectAll(amount: number, options?: ClientOptions): Promise<RawClient[]> {
    const more = await connectMany(server, amount, options);
    clients.push(...more);
    return more;
  }

  /** Waits until the service has accepted connections and closed them, which clients that don't read can't see. */
  async function untilClosedThere(closing: readonly RawClient[]): Promise<void> {
    const ports = new Set(closing.map(({ socket }) => socket.localPort));
    const openPorts = async () => (await server.inspect()).peers.filter((port) => ports.has(port));
    await eventually(async () => assert.equal((await openPorts()).length, ports.size));
    await eventually(async () => assert.deepEqual(await openPorts(), []), 30_000);
  }

  return { server, connectAll, untilClosedThere };
}

describe('time-outs', { concurrency: true }, () => {
  const { server, connectAll } = setUpService(IMPATIENT);

  test('a client that sends its headers a byte at a time gets 408', async () => {
    await undisturbed(server, async () => {
      const clients = await connectAll(200, { first: 'GET /sys' });
      const text = head(server, '/system', `X-Slow: ${'x'.repeat(1_000)}\r\n`);
      await drip(clients, text.slice(8));
      for (const client of clients) {
        const { head, status, detail } = problemOf(client.got());
        assert.match(head, /^HTTP\/1\.1 408 Request Timeout\r\n/);
        assert.deepEqual([status, detail], [408, 'the request was not complete in time']);
      }
    });
  });

  test('a silent connection is closed without a response', async () => {
    await undisturbed(server, async () => {
      const clients = await connectAll(200);
      await untilClosed(clients);
      for (const { got } of clients) assert.equal(got(), '');
    });
  });

  test('a connection that stays idle after a response is closed', async () => {
    const clients = await connectAll(50);
    for (const { socket } of clients) socket.write(head(server, '/system'));
    await eventually(() => assert.ok(clients.every(({ got }) => statuses(got()).length === 1)));
    for (const { got } of clients) assert.match(got(), /^Connection: keep-alive\r$/im);
    await untilClosed(clients);
    for (const { got } of clients) assert.deepEqual(statuses(got()), [200]);
  });

  test('a second request that comes a byte at a time gets 408', async () => {
    const [client] = (await connectAll(1)) as [RawClient];
    client.socket.write(head(server, '/system'));
    await eventually(() => assert.equal(statuses(client.got()).length, 1));
    await drip([client], head(server, '/system', `X-Slow: ${'x'.repeat(1_000)}\r\n`));
    assert.deepEqual(statuses(client.got()), [200, 408]);
  });

  for (const [title, more, chunk] of [
    ['of a length', 'Content-Length: 60000\r\n', 'x'],
    ['in chunks', 'Transfer-Encoding: chunked\r\n', '1\r\nx\r\n'],
  ] as const) {
    test(`a body ${title} that comes a byte at a time gets 408`, async () => {
      await undisturbed(server, async () => {
        const first = head(server, '/snapshot/refresh', `Content-Type: application/json\r\n${more}`, 'POST');
        const clients = await connectAll(20, { first });
        await drip(clients, chunk.repeat(1_000), chunk.length);
        for (const { got } of clients) assert.equal(problemOf(got()).status, 408);
      });
    });
  }

  for (const [title, method, path, withKey, status] of [
    ['of the right type', 'POST', '/snapshot/refresh', true, 413],
    ['without the key', 'POST', '/snapshot/refresh', false, 403],
    ['of a GET request', 'GET', '/system', true, 200],
    ['to nowhere', 'PUT', '/nowhere', true, 404],
  ] as const) {
    test(`an endless body ${title} is cut off`, async () => {
      await undisturbed(server, async () => {
        const [client] = (await connectAll(1)) as [RawClient];
        const more = 'Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n';
        client.socket.write(head(withKey ? server : { ...server, key: 'none' }, path, more, method));
        const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`;
        let sent = 0;
        const flooding = setInterval(() => {
          while (client.socket.writable && !client.socket.writableNeedDrain && sent < 1 << 30) {
            client.socket.write(chunk);
            sent += chunk.length;
          }
        }, 5);
        await untilClosed([client]).finally(() => clearInterval(flooding));
        assert.deepEqual(statuses(client.got()), [status]);
        assert.ok(sent > 65_536);
      });
    });
  }

  test('clients that close their end after a request get the response', async () => {
    await undisturbed(server, async () => {
      const [silent, half, whole, after] = (await connectAll(4)) as [RawClient, RawClient, RawClient, RawClient];
      silent.socket.end();
      half.socket.end('GET /system HTTP/1.1\r\nHo');
      whole.socket.end(head(server, '/system'));
      after.socket.write(head(server, '/system'));
      await eventually(() => assert.equal(statuses(after.got()).length, 1));
      after.socket.end();
      await untilClosed([silent, half, whole, after]);
      assert.equal(silent.got(), '');
      assert.equal(problemOf(half.got()).status, 400);
      assert.deepEqual([statuses(whole.got()), statuses(after.got())], [[200], [200]]);
    });
  });
});

// They have a service of their own. On a busy machine, it copies megabytes to them for longer than the limits of the tests above.
describe('clients that do not read', { concurrency: true }, () => {
  const { server, connectAll, untilClosedThere } = setUpService({ sendMs: 4_000 });

  for (const path of ['/dns/domains', '/snapshot?documents=dns/domains', '/events?documents=dns/domains']) {
    test(`a client that does not read ${path} is disconnected`, async () => {
      const clients = await connectAll(20, { first: head(server, path), isPaused: true });
      await undisturbed(server, async () => {
        // A client that reads slowly gets all of it meanwhile.
        const [slow] = (await connectAll(1)) as [RawClient];
        slow.socket.write(head(server, path, 'Connection: close\r\n'));
        pauseOften(slow);
        await untilClosedThere(clients);
        await eventually(() => assert.ok(slow.bytes() > LARGE_BYTES));
        slow.socket.destroy();
      });
      for (const { socket } of clients) socket.resume();
      await untilClosed(clients);
      for (const { got, bytes } of clients) {
        assert.deepEqual(statuses(got()), [200]);
        assert.ok(bytes() < LARGE_BYTES, `${bytes()} bytes were sent to a client that reads nothing`);
      }
    });
  }
});

describe('sizes', () => {
  let server: TestApp;

  before(async () => {
    server = await startApp({ store: freshStore() });
  });

  after(() => server.close());

  test('too many or too long headers get 431', async () => {
    const many = (amount: number) => Object.fromEntries(Array.from({ length: amount }, (_, n) => [`x-${n}`, String(n)]));
    // The client itself sends three: the key, Host and Connection.
    const askWith = (amount: number) => ask(server.url, '/system', { headers: { access_token: server.key, ...many(amount - 3) } });
    assert.equal((await askWith(MAX_HEADERS)).status, 200);
    const refused = await askWith(MAX_HEADERS + 1);
    assert.deepEqual(
      [refused.status, refused.headers['content-type'], refused.headers.connection],
      [431, 'application/problem+json', 'close'],
    );
    assert.equal(refused.json().detail, 'the request has more than 100 headers');
    await undisturbed(server, async () => {
      const clients = await connectMany(server, 100);
      for (const { socket } of clients) socket.write(`GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(1 << 20)}`);
      await untilClosed(clients);
      // A client that is still sending may lose the response.
      for (const { got } of clients) if (got()) assert.equal(problemOf(got()).status, 431);
    });
  });

  test('a connection with too many pipelined requests is closed', async () => {
    const [just, over, flood] = (await connectMany(server, 3)) as [RawClient, RawClient, RawClient];
    const paths = Array.from({ length: MAX_PIPELINED }, (_, n) => ['/system', '/healthz', '/nowhere'][n % 3] ?? '');
    just.socket.write(paths.map((path) => head(server, path)).join(''));
    await eventually(() => assert.equal(statuses(just.got()).length, MAX_PIPELINED));
    assert.deepEqual(
      statuses(just.got()),
      paths.map((path) => (path === '/nowhere' ? 404 : 200)),
    );
    // After the responses, the client may send as many again.
    just.socket.write(head(server, '/system').repeat(MAX_PIPELINED));
    await eventually(() => assert.equal(statuses(just.got()).length, 2 * MAX_PIPELINED));
    assert.ok(!just.isClosed());
    closeAll([just]);

    over.socket.write(head(server, '/system').repeat(MAX_PIPELINED + 1));
    await untilClosed([over]);
    assert.ok(statuses(over.got()).length <= MAX_PIPELINED);
    await undisturbed(server, async () => {
      flood.socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(50_000));
      await untilClosed([flood]);
    });
  });

  test('a rejected connection that the client never closes is closed', async () => {
    const connections = promisify(server.server.getConnections.bind(server.server));
    const before = await connections();
    const clients = await connectMany(server, 100, { first: 'nonsense\r\n\r\n' });
    await untilClosed(clients);
    await eventually(async () => assert.ok((await connections()) <= before));
    for (const { got } of clients) assert.equal(problemOf(got()).status, 400);
  });

  test('an error does not break into a response under way', async () => {
    const client = await connectTo(server);
    client.socket.write(head(server, '/events?documents=system'));
    await eventually(() => assert.match(client.got(), /event: system/));
    client.socket.write('nonsense\r\n\r\n');
    await untilClosed([client]);
    assert.deepEqual(statuses(client.got()), [200]);
  });
});

describe('room', () => {
  const MAX = 12;
  let server: TestApp;

  before(async () => {
    server = await startApp({ store: freshStore(), limits: { maxConnections: MAX, lingerMs: 200 } });
  });

  after(() => server.close());

  async function listenAll(amount: number): Promise<RawClient[]> {
    const listeners = await connectMany(server, amount);
    for (const { socket } of listeners) socket.write(head(server, '/events?documents=system'));
    await eventually(() => assert.ok(listeners.every(({ got }) => got().includes('event: '))));
    return listeners;
  }

  test('at the limit, waiting connections of the largest address are evicted: silent before idle, oldest first', async () => {
    const dashboard = await connectTo(server);
    dashboard.socket.write(head(server, '/system'));
    const clients = await connectMany(server, 6, { from: ELSEWHERE });
    for (const { socket } of clients.slice(0, 3)) socket.write(head(server, '/healthz'));
    await eventually(() => assert.equal([dashboard, ...clients].filter(({ got }) => statuses(got()).length === 1).length, 4));
    const more = await connectMany(server, MAX - 7 + 4, { from: ELSEWHERE });
    await untilClosed([...clients.slice(3), more[0] as RawClient]);
    assert.deepEqual(
      clients.map((client) => client.isClosed()),
      [false, false, false, true, true, true],
    );
    assert.deepEqual(
      more.map((client) => client.isClosed()),
      more.map((_, index) => index === 0),
    );
    assert.equal((await askSystem(server)).status, 200);
    dashboard.socket.write(head(server, '/system'));
    await eventually(() => assert.deepEqual(statuses(dashboard.got()), [200, 200]));
    closeAll([dashboard, ...clients, ...more]);
    assert.match(server.log(), /^WARNING: 12 connections are open, the limit \(--max-connections\)/m);
  });

  test('if no connection waits, the next one gets 503', async () => {
    const listeners = await listenAll(MAX);
    for (const { socket } of listeners) assert.ok(!socket.destroyed);
    const refused = await connectTo(server);
    refused.socket.write(head(server, '/system'));
    await untilClosed([refused]);
    const { head: first, status, detail } = problemOf(refused.got());
    assert.match(first, /^Retry-After: 5$/m);
    assert.equal(status, 503);
    assert.match(detail, /^12 connections are busy, the limit/);
    const crowd = await connectMany(server, 200);
    await untilClosed(crowd);
    assert.ok(
      crowd.every(({ got }) => got() === '' || problemOf(got()).status === 503),
      'clients that sent no request get the same, or nothing',
    );
    assert.ok(!listeners.some((listener) => listener.isClosed()));
    listeners[0]?.socket.destroy();
    await eventually(async () => assert.equal((await askSystem(server)).status, 200));
    closeAll([...listeners, refused, ...crowd]);
  });

  test('a client that does not read its response makes room for others', async () => {
    const { text } = await ask(server.url, '/docs');
    const script = /docs\/[\d.]+\/swagger-ui-bundle\.js/.exec(text)?.[0];
    assert.ok(script);
    const readers = await connectMany(server, MAX, { from: ELSEWHERE });
    for (const { socket } of readers) {
      socket.pause();
      socket.write(head(server, `/${script}`).repeat(MAX_PIPELINED));
    }
    await eventually(async () => assert.equal((await askSystem(server)).status, 200));
    closeAll(readers);
  });
});
