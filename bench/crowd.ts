/**
 * `node crowd.js URL CONNECTIONS LISTENERS SECONDS` requests every endpoint in turn on CONNECTIONS open connections, each as soon as
 * it received its response, while LISTENERS clients listen to events. It prints the results. The key is in the variable KEY.
 *
 * All clients connect before the first request, because Node accepts one connection between two rounds of responses, and late clients
 * would wait long. autocannon can neither do that nor report which request took how long.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A request, and the statuses besides 200 that it may get. */
interface Asked {
  readonly method: string;
  readonly path: string;
  /** 403 if the page is a secret, 503 with Retry-After if the queue is full. */
  readonly may: readonly number[];
}

export interface Crowd {
  readonly requests: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** The slowest request. */
  readonly slowest: string;
  /** Responses with 503 and Retry-After. */
  readonly busy: number;
  /** Number of errors by description. */
  readonly errors: Readonly<Record<string, number>>;
  /** Minimum events per listener. */
  readonly minEvents: number;
}

/** Maximum latency. A later response counts as an error. */
const MAX_LATENCY_MS = 30_000;

const [address = '', ...numbers] = process.argv.slice(2);
const [connections = 0, listeners = 0, seconds = 0] = numbers.map(Number);
const { hostname, port, host } = new URL(address);
const headers = { access_token: process.env.KEY ?? '' };

const errors: Record<string, number> = {};
const count = (what: string) => {
  errors[what] = (errors[what] ?? 0) + 1;
};

const asked = await endpoints();
const tookMs: number[] = [];
let slowest: readonly [ms: number, what: string] = [0, ''];
let busy = 0;
let ended = false;

const heard = Array.from({ length: listeners }, listen);
const sockets = await Promise.all(Array.from({ length: connections }, connected));
const endMs = performance.now() + seconds * 1000;
await Promise.all(sockets.map(askInTurn));
ended = true;
tookMs.sort((a, b) => a - b);
const at = (share: number) => Math.round(tookMs[Math.min(tookMs.length - 1, Math.floor(tookMs.length * share))] ?? Number.NaN);
const crowd: Crowd = {
  requests: tookMs.length,
  p50Ms: at(0.5),
  p99Ms: at(0.99),
  maxMs: at(1),
  slowest: slowest[1],
  busy,
  errors,
  minEvents: Math.min(...heard.map(({ events }) => events)),
};
process.stdout.write(`${JSON.stringify(crowd)}\n`, () => process.exit(0));

/** Connects and waits for a first response, so that the service has accepted the connection. */
async function connected(): Promise<Socket> {
  const socket = connect(Number(port), hostname).setNoDelay();
  socket.on('error', () => {}); // followed by "close"
  socket.write(requestOf({ method: 'GET', path: '/healthz', may: [] }));
  await Promise.race([once(socket, 'data'), once(socket, 'close')]);
  return socket;
}

/** Requests one endpoint after the other until the time is over. Each connection starts with a different one. */
function askInTurn(socket: Socket, index: number): Promise<void> {
  let next = index;
  let received: Buffer[] = [];
  let bytes = 0;
  let expected: { status: number; isRetry: boolean; bytes: number } | undefined;
  let startMs = 0;

  const current = () => asked[next % asked.length] as Asked;
  const describe = ({ method, path }: Asked) => `${method} ${path}`;

  return new Promise((resolve) => {
    const timer = setTimeout(() => fail('no response within 30 s'), MAX_LATENCY_MS);

    function fail(why: string): void {
      clearTimeout(timer);
      if (!ended && socket.listenerCount('data') > 0) count(`${describe(current())}: ${why}`);
      socket.removeAllListeners('data');
      socket.destroy();
      resolve();
    }

    function send(): void {
      received = [];
      bytes = 0;
      expected = undefined;
      startMs = performance.now();
      timer.refresh();
      socket.write(requestOf(current()));
    }

    function finish({ status, isRetry }: { status: number; isRetry: boolean }): void {
      const ms = performance.now() - startMs;
      tookMs.push(ms);
      if (ms > slowest[0]) slowest = [ms, describe(current())];
      const { may } = current();
      if (status === 503 && may.includes(503) && isRetry) busy++;
      else if (status !== 200 && (status === 503 || !may.includes(status))) count(`${describe(current())}: ${status}`);
      next++;
      if (performance.now() < endMs) send();
      else {
        clearTimeout(timer);
        socket.removeAllListeners('data');
        socket.destroy();
        resolve();
      }
    }

    socket.on('close', () => fail('connection lost'));
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (!expected) {
        received.push(chunk);
        const text = Buffer.concat(received).toString('latin1');
        const end = text.indexOf('\r\n\r\n');
        if (end < 0) return;
        const length = /\r\ncontent-length: (\d+)\r\n/i.exec(text.slice(0, end + 2))?.[1];
        if (length === undefined) return fail('no Content-Length');
        expected = {
          status: Number(text.slice(9, 12)),
          isRetry: /\r\nretry-after: \d/i.test(text.slice(0, end)),
          bytes: end + 4 + Number(length),
        };
      }
      if (bytes >= expected.bytes) finish(expected);
    });
    if (socket.destroyed) fail('not connected');
    else send();
  });
}

function requestOf({ method, path }: Asked): string {
  const body = method === 'POST' ? 'Content-Length: 0\r\n' : '';
  return `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\naccess_token: ${headers.access_token}\r\n${body}\r\n`;
}

/** Lists every operation of the service's OpenAPI document, with the first existing name in its path, and an unknown path. */
async function endpoints(): Promise<Asked[]> {
  const get = async <T>(path: string) => (await (await fetch(`${address}${path}`, { headers })).json()) as T;
  const { paths } = await get<{ paths: Record<string, Record<string, unknown>> }>('/openapi.json');
  const names: Readonly<Record<string, string>> = {
    '/clients/{interface}': 'wlan0',
    '/openvpn/{config}': await firstConfig('/openvpn'),
    '/wireguard/{config}': await firstConfig('/wireguard'),
  };
  async function firstConfig(path: string): Promise<string> {
    const { client_config_names: all } = await get<{ client_config_names: { config: string }[] }>(path);
    return all[0]?.config ?? 'none';
  }
  const known = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method): Asked => {
      const [pattern = ''] = /\{\w+\}/.exec(path) ?? [];
      const asked = pattern ? path.replace(pattern, encodeURIComponent(names[path] ?? 'none')) : path;
      const isPage = pattern !== '' && path !== '/clients/{interface}';
      return { method: method.toUpperCase(), path: asked, may: isPage ? [403, 404] : mayBeBusy(path) ? [503] : [] };
    }),
  );
  const more = ['/', '/docs', '/openapi.json', '/snapshot?documents=system,clients', '/dns/logs?limit=10', '/dns/domains?contains=ads'];
  return [
    ...known.filter(({ path }) => path !== '/events'),
    ...more.map((path): Asked => ({ method: 'GET', path, may: mayBeBusy(path) ? [503] : [] })),
    { method: 'GET', path: '/nowhere', may: [404] },
  ];
}

/** Returns true for requests that a worker answers, whose queue is limited, and for `/readyz`, which reports late samples. */
function mayBeBusy(path: string): boolean {
  return path === '/readyz' || path === '/history' || path.includes('?');
}

/** Counts events on a bare socket. The stream must not end early. */
function listen(): { readonly events: number } {
  const socket = connect(Number(port), hostname);
  const listener = { events: 0 };
  socket.write(`GET /events HTTP/1.1\r\nHost: ${host}\r\naccess_token: ${headers.access_token}\r\n\r\n`);
  socket.on('data', (chunk: Buffer) => {
    for (let at = chunk.indexOf('\nid: '); at >= 0; at = chunk.indexOf('\nid: ', at + 1)) listener.events++;
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    if (!ended) count('listener lost');
  });
  return listener;
}
