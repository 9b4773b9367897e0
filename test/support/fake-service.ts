/** A service with a made-up machine. The page and assets are real; /events and /history behave like the real ones. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import Koa from 'koa';
import { dashboard } from '../../src/http/routes/dashboard.js';
import type { Client, CollectorState, Documents, States } from '../../web/model.js';
import { exampleSwing } from './example-machine.js';

export interface FakeService {
  readonly port: number;
  readonly key: string;
  /** Requests so far, except for the page and its assets. */
  readonly requests: { readonly path: string; readonly headers: IncomingMessage['headers'] }[];
  /** Changes documents and sends them to all clients. */
  set(changes: Partial<Documents>): void;
  sendStates(states: States): void;
  sendCollectors(collectors: readonly CollectorState[]): void;
  send(event: 'client-joined' | 'client-left', client: Client): void;
  /** Ends all streams. New ones get 503 until `recover` is called. */
  fail(): void;
  recover(): void;
  /** Replaces the key and ends all streams. */
  changeKey(key: string): void;
  stop(): Promise<void>;
}

/** @param history returns the value of a series at a time in Unix seconds */
export async function startFakeService(
  documents: Documents,
  collectors: readonly CollectorState[],
  history: (series: string, second: number) => number | null,
): Promise<FakeService> {
  let key = 'a-key-of-32-characters-0123456789';
  let current = { ...documents };
  let currentCollectors = collectors;
  let states: States = {};
  let generation = 1;
  let isFailing = false;
  const streams = new Set<ServerResponse>();
  const requests: FakeService['requests'] = [];
  const app = new Koa();
  app.use(dashboard());
  const page = app.callback();

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://fake');
    if (url.pathname === '/' || url.pathname.startsWith('/assets/') || url.pathname === '/favicon.ico') {
      void page(request, response);
      return;
    }
    requests.push({ path: request.url ?? '', headers: request.headers });
    if (request.headers.access_token !== key) return problem(response, 403, '403: Unauthorized');
    if (isFailing) return problem(response, 503, 'overloaded on purpose', { 'Retry-After': '2' });
    if (url.pathname === '/events') return stream(response);
    if (url.pathname === '/history') return sendJson(response, 200, historyOf(url.searchParams));
    problem(response, 404, 'unknown path');
  });

  function stream(response: ServerResponse): void {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    streams.add(response);
    response.on('close', () => streams.delete(response));
    for (const [name, value] of Object.entries(current)) write(response, name, value);
    write(response, 'states', states);
    write(response, 'collectors', { collectors: currentCollectors });
  }

  function write(response: ServerResponse, name: string, value: unknown): void {
    response.write(`event: ${name}\nid: ${generation}\ndata: ${JSON.stringify(value)}\n\n`);
  }

  function broadcast(name: string, value: unknown): void {
    generation++;
    for (const response of streams) write(response, name, value);
  }

  function historyOf(query: URLSearchParams): unknown {
    const links = Object.keys(current.networking.interfaces);
    const series = ['cpu_busy_ratio', 'memory_used_ratio', 'temperature_celsius'].concat(
      links.flatMap((name) => [`rx_bytes_per_second:${name}`, `tx_bytes_per_second:${name}`]),
    );
    if (!query.has('series')) return { series };
    const step = Number(query.get('step') ?? 1);
    const now = Date.now() / 1000;
    const from = Math.ceil(Date.parse(query.get('since') ?? '') / 1000 / step) * step;
    const rows: Record<string, string | number | null>[] = [];
    for (let second = from; second <= now; second += step) {
      const row: Record<string, string | number | null> = { time: new Date(second * 1000).toISOString() };
      for (const name of (query.get('series') ?? '').split(',')) {
        const value = history(name, second);
        row[name] = value;
        const swing = exampleSwing(name, second);
        row[`${name}_min`] = value === null ? null : value * (1 - swing);
        row[`${name}_max`] = value === null ? null : value * (1 + swing);
      }
      rows.push(row);
    }
    return rows;
  }

  const beat = setInterval(() => {
    for (const response of streams) response.write(': \n\n');
  }, 15_000);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  return {
    port: (server.address() as AddressInfo).port,
    get key() {
      return key;
    },
    requests,
    set(changes) {
      current = { ...current, ...changes };
      for (const [name, value] of Object.entries(changes)) broadcast(name, value);
    },
    sendStates(next) {
      states = next;
      broadcast('states', states);
    },
    sendCollectors(next) {
      currentCollectors = next;
      broadcast('collectors', { collectors: next });
    },
    send: broadcast,
    fail() {
      isFailing = true;
      for (const response of streams) response.destroy();
    },
    recover() {
      isFailing = false;
    },
    changeKey(next) {
      key = next;
      for (const response of streams) response.destroy();
    },
    async stop() {
      clearInterval(beat);
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      });
    },
  };
}

function problem(response: ServerResponse, status: number, detail: string, headers: Record<string, string> = {}): void {
  sendJson(response, status, { type: 'about:blank', title: 'Problem', status, detail }, headers);
}

function sendJson(response: ServerResponse, status: number, value: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'Content-Type': 'application/json', ...headers });
  response.end(JSON.stringify(value));
}
