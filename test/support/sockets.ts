/** Clients that behave badly, below HTTP; and what they leave behind in the service. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from './eventually.js';
import type { TestServer } from './server.js';

/** Where a service listens, in its own process or the test's. */
type Address = Pick<TestServer, 'url'>;
type Service = Pick<TestServer, 'url' | 'key'>;

export interface RawClient {
  readonly socket: Socket;
  /** What it has got so far. Of a client that starts paused, only the start. */
  got(): string;
  /** How many bytes it has got so far. */
  bytes(): number;
  /** Whether the connection is closed, by whomever. */
  isClosed(): boolean;
}

/** Minimum length of the start that is kept: it has the head. Keeping megabytes for many clients would delay others in the test's process. */
const MIN_START_BYTES = 1_000;

export interface ClientOptions {
  /** A loopback address of the client's own: 127.0.0.2. */
  readonly from?: string;
  /** What it writes at once. */
  readonly first?: string;
  /** True if it reads nothing until its socket is resumed. A client that pauses later may have read megabytes by then. */
  readonly isPaused?: boolean;
}

export async function connectTo({ url }: Address, { from, first = '', isPaused = false }: ClientOptions = {}): Promise<RawClient> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true, ...(from !== undefined && { localAddress: from }) });
  let got = '';
  let bytes = 0;
  let isClosed = false;
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    bytes += chunk.length;
    if (!isPaused || got.length < MIN_START_BYTES) got += chunk;
  });
  socket.on('error', () => {}); // a reset is one way to be closed
  // the other way; what the client still could send is of no use
  socket.on('end', () => {
    isClosed = true;
  });
  socket.on('close', () => {
    isClosed = true;
  });
  if (isPaused) socket.pause();
  if (first) socket.write(first);
  await once(socket, 'connect');
  return { socket, got: () => got, bytes: () => bytes, isClosed: () => isClosed };
}

/** Connects many at a time, and waits for all. */
export async function connectMany(server: Address, amount: number, options?: ClientOptions): Promise<RawClient[]> {
  const clients: RawClient[] = [];
  while (clients.length < amount) {
    const next = Math.min(200, amount - clients.length);
    clients.push(...(await Promise.all(Array.from({ length: next }, () => connectTo(server, options)))));
  }
  return clients;
}

export function closeAll(clients: readonly RawClient[]): void {
  for (const { socket } of clients) socket.destroy();
}

/** The head of a request; with the key. */
export function head({ key }: Pick<TestServer, 'key'>, path: string, more = '', method = 'GET'): string {
  return `${method} ${path} HTTP/1.1\r\nHost: x\r\naccess_token: ${key}\r\n${more}\r\n`;
}

/** Statuses of the answers in what a client got. */
export function statuses(got: string): number[] {
  return [...got.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
}

/** Asserts that all a client got is one problem document, and gives its head and the document. */
export function problemOf(got: string): { head: string; status: number; detail: string } {
  const [first = '', body = ''] = got.split('\r\n\r\n', 2);
  assert.match(first, /^Content-Type: application\/problem\+json$/im);
  assert.match(first, /^Connection: close$/im);
  const { status, detail } = JSON.parse(body) as { status: number; detail: string };
  assert.deepEqual(statuses(got), [status]);
  return { head: first, status, detail };
}

/** How many file descriptors the service has open. */
export function descriptorsOf({ process: { pid } }: TestServer): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** How many file descriptors the service keeps open: files that it reads and programs that it starts have theirs for a moment. */
export async function lastingDescriptorsOf(server: TestServer): Promise<number> {
  let fewest = descriptorsOf(server);
  for (let reading = 0; reading < 30; reading++) {
    await sleep(10);
    fewest = Math.min(fewest, descriptorsOf(server));
  }
  return fewest;
}

/** How much memory the service has, in MB. */
export function residentMb({ process: { pid } }: TestServer): number {
  return Number(/^VmRSS:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) / 1024;
}

/** Waits until the service has no more file descriptors than before, but for a few of the programs it starts. */
export function untilDescriptors(server: TestServer, before: number, withinMs = 15_000): Promise<void> {
  return eventually(() => {
    const now = descriptorsOf(server);
    assert.ok(now <= before + 6, `${now} file descriptors, ${before} before`);
  }, withinMs);
}

/** Does something while two other clients ask all the time, one on a new connection each time and one that keeps its own: each gets 200. */
export async function undisturbed<T>(server: Service, act: () => Promise<T>): Promise<T> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  let done = false;
  const asking = [agent, false as const].map(async (agent) => {
    for (let asked = 0; !done || asked < 3; asked++) {
      assert.equal(await statusOf(server, '/system', agent), 200);
      await sleep(20);
    }
  });
  try {
    // A client that is disturbed ends the test at once.
    return await Promise.race([act(), ...asking.map((one) => one.then(() => new Promise<never>(() => {})))]);
  } finally {
    done = true;
    await Promise.allSettled(asking);
    agent.destroy();
  }
}

function statusOf({ url, key }: Service, path: string, agent: Agent | false): Promise<number> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const asking = request({ hostname, port, path, agent, headers: { access_token: key }, timeout: 10_000 }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0));
    });
    asking.on('timeout', () => asking.destroy(new Error(`${path}: no answer in 10 s`)));
    asking.on('error', (error: NodeJS.ErrnoException) => {
      // The service may close a connection that is kept just when it is used again: so every client has to ask once more.
      if (asking.reusedSocket && error.code === 'ECONNRESET') resolve(statusOf({ url, key }, path, agent));
      else reject(error);
    });
    asking.end();
  });
}
