/**
 * `node pace.js URL PER_SECOND WARM_UP_SECONDS SECONDS` sends requests at an even rate, without waiting for earlier responses.
 * It measures the latency of each from the time it was due. The key is in the variable KEY.
 *
 * autocannon cannot do this: at a given rate it sends each second's requests at once, in the second's first milliseconds, and
 * it counts latency in whole milliseconds.
 */
import { connect, type Socket } from 'node:net';

export interface Paced {
  readonly requests: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

const CONNECTIONS = 16;
const TICK_MS = 1;

interface Connection {
  readonly socket: Socket;
  /** Time the current request was due. Undefined without one. */
  dueMs: number | undefined;
  received: Buffer;
}

const [address = '', ...numbers] = process.argv.slice(2);
const [perSecond = 0, warmUpSeconds = 0, seconds = 0] = numbers.map(Number);
const { hostname, port, pathname, host } = new URL(address);
const request = `GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\naccess_token: ${process.env.KEY}\r\n\r\n`;

const waiting: number[] = [];
const tookMs: number[] = [];
const connections = Array.from({ length: CONNECTIONS }, () => {
  const connection: Connection = { socket: connect(Number(port), hostname), dueMs: undefined, received: Buffer.alloc(0) };
  connection.socket.setNoDelay().on('data', (chunk: Buffer) => receive(connection, chunk));
  return connection;
});

function receive(connection: Connection, chunk: Buffer): void {
  const received = connection.received.length === 0 ? chunk : Buffer.concat([connection.received, chunk]);
  connection.received = received;
  const head = received.indexOf('\r\n\r\n');
  if (head < 0) return;
  const text = received.toString('latin1', 0, head);
  if (!text.startsWith('HTTP/1.1 200 ')) throw new Error(`${address}: ${text}`);
  if (received.length < head + 4 + Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1])) return;
  connection.received = Buffer.alloc(0);
  const now = performance.now();
  const dueMs = connection.dueMs ?? now;
  connection.dueMs = undefined;
  if (dueMs >= countFromMs) tookMs.push(now - dueMs);
  const next = waiting.shift();
  if (next !== undefined) send(connection, next);
}

function send(connection: Connection, dueMs: number): void {
  connection.dueMs = dueMs;
  connection.socket.write(request);
}

const startMs = performance.now();
const countFromMs = startMs + warmUpSeconds * 1000;
const endMs = countFromMs + seconds * 1000;
let sent = 0;
const timer = setInterval(() => {
  const now = performance.now();
  if (now >= endMs) {
    clearInterval(timer);
    setTimeout(finish, 500);
    return;
  }
  for (const target = ((now - startMs) / 1000) * perSecond; sent < target; sent++) {
    const idle = connections.find(({ dueMs }) => dueMs === undefined);
    if (idle) send(idle, now);
    else waiting.push(now);
  }
}, TICK_MS);

function finish(): void {
  tookMs.sort((a, b) => a - b);
  const at = (share: number) => tookMs[Math.min(tookMs.length - 1, Math.floor(tookMs.length * share))] ?? Number.NaN;
  const paced: Paced = { requests: tookMs.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
  process.stdout.write(`${JSON.stringify(paced)}\n`, () => process.exit(0));
}
