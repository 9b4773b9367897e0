// The limits of connections over TLS: during the handshake and after it, for listeners that don't read, and when all are in use.
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
/** Blocked names: more than the buffers of a socket hold. */
const NAMES = 400_000;
const WHOLE_BYTES = NAMES * 20;

interface Client {
  readonly socket: TLSSocket;
  got(): string;
  isClosed(): boolean;
}

/** Connects, shakes hands, and records what it receives. */
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
  eventually(() => assert.equal(clients.filter((client) => !client.isClosed()).length, 0, 'clients are still connected'));

async function untilReady({ url, key }: TestServer): Promise<void> {
  const tls = trusting;
  await eventually(async () => assert.equal((await ask(url, '/system', { headers: { access_token: key }, tls })).status, 200));
}

/** Returns a port that is free, and that no remembered connection used. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Returns the first message of a client. */
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
    const impatient = ['--timeout.headers', '1', '--timeout.request', '2', '--timeout.idle', '1', '--timeout.send', '1', '--threads', '1'];
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

  test("a handshake that doesn't end in time", { timeout: 9_000 }, async () => {
    const hello = await clientHello();
    const silent = await connectTo(server);
    const slow = await connectMany(server, 20);
    let at = 0;
    const dripping = setInterval(() => {
      for (const { socket } of slow) if (socket.writable) socket.write(hello.subarray(at, at + 1));
      at++;
    }, 50);
    await untilClosed([silent, ...slow]);
    clearInterval(dripping);
    assert.ok(at < hello.length, 'the handshake had not ended');
    closeAll([silent, ...slow]);
  });

  test('clients that send nothing, no end of headers, or nothing more', async () => {
    const [silent, dripping, idle] = [await shakeHands(server), await shakeHands(server), await shakeHands(server)];
    idle.socket.write(head(server, '/system'));
    dripping.socket.write('GET /system HTTP/1.1\r\n');
    const drip = setInterval(() => dripping.socket.writable && dripping.socket.write('X-A: b\r\n'), 100);
    await untilClosed([silent, dripping, idle]);
    clearInterval(drip);
    assert.equal(silent.got(), '');
    assert.deepEqual([statuses(dripping.got()), statuses(idle.got())], [[408], [200]]);
  });

  test("listeners that don't read", async () => {
    const before = residentMb(server);
    const listeners = await Promise.all(Array.from({ length: 30 }, () => shakeHands(server)));
    for (const { socket } of listeners) {
      socket.pause();
      socket.write(head(server, '/events?documents=dns/domains'));
    }
    // A listener that reads gets the whole list meanwhile.
    const reader = await shakeHands(server);
    reader.socket.write(head(server, '/events?documents=dns/domains'));
    let most = 0;
    await eventually(() => {
      most = Math.max(most, residentMb(server));
      assert.ok(reader.got().length > WHOLE_BYTES, `${reader.got().length} bytes`);
    });
    await eventually(() => {
      most = Math.max(most, residentMb(server));
      assert.equal(descriptorsOf(server) <= descriptors + 1, true, 'all but the one that reads are closed');
    });
    // The list for each would take 240 MB, and as much again for TLS.
    assert.ok(most - before < 200, `${before} MB before, ${most} MB with them`);
    for (const { socket } of listeners) socket.resume();
    await untilClosed(listeners);
    for (const { got } of listeners) assert.ok(got().length < WHOLE_BYTES, `${got().length} bytes`);
    assert.ok(!reader.isClosed(), 'the one that reads stays');
    reader.socket.destroy();
  });
});

describe('room over TLS', () => {
  const MAX = 12;
  let server: TestServer;

  before(async () => {
    server = await startServer({ args: [...TLS, '--max-connections', String(MAX), '--threads', '1'] });
    await untilReady(server);
  });

  after(() => server?.stop());

  test('connections in a handshake make room before idle ones', async () => {
    const dashboard = await shakeHands(server);
    dashboard.socket.write(head(server, '/system'));
    await eventually(() => assert.deepEqual(statuses(dashboard.got()), [200]));
    const silent = await connectMany(server, 3 * MAX, { from: '127.0.0.2' });
    await eventually(() => assert.ok(silent.filter((client) => client.isClosed()).length > 2 * MAX));
    await untilReady(server);
    dashboard.socket.write(head(server, '/system'));
    await eventually(() => assert.deepEqual(statuses(dashboard.got()), [200, 200]));
    closeAll([...silent]);
    dashboard.socket.destroy();
  });

  test('listeners use every connection, and one that leaves makes room', async () => {
    const listeners = await Promise.all(Array.from({ length: MAX }, () => shakeHands(server)));
    for (const { socket } of listeners) socket.write(head(server, '/events?documents=system'));
    await eventually(() => assert.ok(listeners.every(({ got }) => got().includes('event: '))));
    await assert.rejects(shakeHands(server), 'a connection without TLS gets no response');
    assert.ok(!listeners.some((listener) => listener.isClosed()));
    listeners[0]?.socket.destroy();
    await untilReady(server);
    for (const { socket } of listeners) socket.destroy();
  });

  test('a connection from the port of one that was reset', async () => {
    const { hostname, port } = new URL(server.url);
    const plain = (localPort: number) => connectPlain({ host: hostname, port: Number(port), localPort }).on('error', () => {});
    for (let round = 0; round < 8; round++) {
      const localPort = await freePort();
      const first = plain(localPort);
      await once(first, 'connect');
      // Both events wait for the service when it continues.
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
