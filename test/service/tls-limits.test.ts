// The limits of connections where these are of TLS: in the handshake and after it, for listeners that do not read, and where there is no room.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect as connectPlain, createServer, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type TLSSocket } from 'node:tls';
import { pem, pemFile } from '../support/certificates.js';
import { eventually } from '../support/eventually.js';
import { ask } from '../support/http.js';
import { createRoot, type Root } from '../support/root.js';
import { startServer, type TestServer } from '../support/server.js';
import { closeAll, connectMany, connectTo, descriptorsOf, head, residentMb, statuses, untilDescriptors } from '../support/sockets.js';

const trusting = { ca: pem('authority.pem') };
const TLS = ['--tls-cert', pemFile('server.pem'), '--tls-key', pemFile('server.key.pem')];
/** Names in the list of blocked ones: more than sockets take without being read. */
const NAMES = 400_000;
const WHOLE_BYTES = NAMES * 20;

interface Client {
  readonly socket: TLSSocket;
  got(): string;
  isClosed(): boolean;
}

/** Connects, shakes hands, and takes down what comes. */
async function shakeHands({ url }: TestServer, raw?: Socket): Promise<Client> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), ...trusting, ...(raw && { socket: raw }) });
  let [got, isClosed] = ['', false];
  const close = () => {
    isClosed = true;
  };
  socket.on('error', close).on('close', close).on('end', close);
  await once(socket, 'secureConnect');
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    got += chunk;
  });
  return { socket, got: () => got, isClosed: () => isClosed };
}

const untilClosed = (clients: readonly { isClosed(): boolean }[]) =>
  eventually(() => assert.equal(clients.filter((client) => !client.isClosed()).length, 0, 'of them are still connected'));

async function untilReady({ url, key }: TestServer): Promise<void> {
  const tls = trusting;
  await eventually(async () => assert.equal((await ask(url, '/system', { headers: { access_token: key }, tls })).status, 200));
}

/** A port that nobody has, nor has had for a connection that is remembered. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** What a client says first. */
async function clientHello(): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' }).on('error', () => {});
  const [socket] = (await once(server, 'connection')) as [Socket];
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  client.destroy();
  socket.destroy();
  server.close();
  return bytes;
}

describe('time-outs over TLS', { concurrency: true }, () => {
  let root: Root;
  let server: TestServer;
  let descriptors: number;

  before(async () => {
    root = createRoot();
    root.write('/etc/raspap/adblock/domains.txt', Array.from({ length: NAMES }, (_, n) => `local=/ads-${n}.tracker.example/\n`).join(''));
    const impatient = ['--timeout.headers', '2', '--timeout.request', '4', '--timeout.idle', '3', '--timeout.send', '3'];
    server = await startServer({ args: [...TLS, ...impatient, '--path.rootfs', root.folder], env: { PATH: root.path } });
    await untilReady(server);
    await eventually(async () => {
      const { headers } = await ask(server.url, '/dns/domains', { method: 'HEAD', headers: { access_token: server.key }, tls: trusting });
      assert.ok(Number(headers['content-length']) > WHOLE_BYTES, headers['content-length']);
    });
    descriptors = descriptorsOf(server);
  });

  after(async () => {
    await untilDescriptors(server, descriptors);
    await server?.stop();
    root?.remove();
    assert.doesNotMatch(server.output(), /ERROR|WARNING|\bat .*\.js:\d+/);
  });

  test('limits over TLS/a handshake that does not come to its end', { timeout: 9_000 }, async () => {
    const hello = await clientHello();
    const silent = await connectTo(server);
    const slow = await connectMany(server, 20);
    let at = 0;
    const dripping = setInterval(() => {
      for (const { socket } of slow) if (socket.writable) socket.write(hello.subarray(at, at + 1));
      at++;
    }, 100);
    await untilClosed([silent, ...slow]);
    clearInterval(dripping);
    assert.ok(at < hello.length, 'the hello had not been said');
    closeAll([silent, ...slow]);
  });

  test('limits over TLS/who says nothing after it, or no end of headers, or nothing more', async () => {
    const [silent, dripping, idle] = [await shakeHands(server), await shakeHands(server), await shakeHands(server)];
    idle.socket.write(head(server, '/system'));
    dripping.socket.write('GET /system HTTP/1.1\r\n');
    const drip = setInterval(() => dripping.socket.writable && dripping.socket.write('X-A: b\r\n'), 200);
    await untilClosed([silent, dripping, idle]);
    clearInterval(drip);
    assert.equal(silent.got(), '');
    assert.deepEqual([statuses(dripping.got()), statuses(idle.got())], [[408], [200]]);
  });

  test('limits over TLS/listeners that do not read', async () => {
    const before = residentMb(server);
    const listeners = await Promise.all(Array.from({ length: 30 }, () => shakeHands(server)));
    for (const { socket } of listeners) {
      socket.pause();
      socket.write(head(server, '/events?documents=dns/domains'));
    }
    // One that does read gets all of it meanwhile.
    const reader = await shakeHands(server);
    reader.socket.write(head(server, '/events?documents=dns/domains'));
    let most = 0;
    await eventually(() => {
      most = Math.max(most, residentMb(server));
      assert.ok(reader.got().length > WHOLE_BYTES, `${reader.got().length} bytes`);
    });
    await eventually(() => {
      most = Math.max(most, residentMb(server));
      assert.equal(descriptorsOf(server) <= descriptors + 1, true, 'they are closed, but for the one that reads');
    });
    // Of each a piece, not the list: that would be 240 MB, and as much again for TLS.
    assert.ok(most - before < 200, `${before} MB before, ${most} MB with them`);
    for (const { socket } of listeners) socket.resume();
    await untilClosed(listeners);
    for (const { got } of listeners) assert.ok(got().length < WHOLE_BYTES, `${got().length} bytes`);
    assert.ok(!reader.isClosed(), 'who reads stays');
    reader.socket.destroy();
  });
});

describe('room over TLS', () => {
  const MOST = 12;
  let server: TestServer;

  before(async () => {
    server = await startServer({ args: [...TLS, '--max-connections', String(MOST)] });
    await untilReady(server);
  });

  after(() => server?.stop());

  test('limits over TLS/those in the handshake make room before those that are idle', async () => {
    const dashboard = await shakeHands(server);
    dashboard.socket.write(head(server, '/system'));
    await eventually(() => assert.deepEqual(statuses(dashboard.got()), [200]));
    const silent = await connectMany(server, 3 * MOST, '127.0.0.2');
    await eventually(() => assert.ok(silent.filter((client) => client.isClosed()).length > 2 * MOST));
    await untilReady(server);
    dashboard.socket.write(head(server, '/system'));
    await eventually(() => assert.deepEqual(statuses(dashboard.got()), [200, 200]));
    closeAll([...silent]);
    dashboard.socket.destroy();
  });

  test('limits over TLS/listeners fill it, and one that leaves makes room', async () => {
    const listeners = await Promise.all(Array.from({ length: MOST }, () => shakeHands(server)));
    for (const { socket } of listeners) socket.write(head(server, '/events?documents=system'));
    await eventually(() => assert.ok(listeners.every(({ got }) => got().includes('event: '))));
    await assert.rejects(shakeHands(server), 'what is not encrypted yet cannot be told anything');
    assert.ok(!listeners.some((listener) => listener.isClosed()));
    listeners[0]?.socket.destroy();
    await untilReady(server);
    for (const { socket } of listeners) socket.destroy();
  });

  test('limits over TLS/one that was reset, and the next one from the same port', async () => {
    const { hostname, port } = new URL(server.url);
    const plain = (localPort: number) => connectPlain({ host: hostname, port: Number(port), localPort }).on('error', () => {});
    for (let round = 0; round < 20; round++) {
      const localPort = await freePort();
      const first = plain(localPort);
      await once(first, 'connect');
      // Both are there to be told of when it goes on.
      server.process.kill('SIGSTOP');
      first.resetAndDestroy();
      await once(first, 'close');
      const raw = plain(localPort);
      await once(raw, 'connect');
      server.process.kill('SIGCONT');
      const next = await shakeHands(server, raw);
      next.socket.write(head(server, '/healthz'));
      await eventually(() => assert.deepEqual(statuses(next.got()), [200]), 5_000);
      next.socket.destroy();
      await sleep(5);
    }
  });
});
