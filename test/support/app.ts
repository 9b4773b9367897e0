/** The HTTP application in the test's own process: real sockets, but no workers, no sampling and no start-up time. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { collectors } from '../../src/collectors/index.js';
import type { AccessLogMode, Limits } from '../../src/config/config.js';
import { documents } from '../../src/documents/index.js';
import { type Body, encodeBody } from '../../src/encode/body.js';
import { createHistory } from '../../src/engine/history.js';
import { Store } from '../../src/engine/store.js';
import { type AppOptions, createApp } from '../../src/http/app.js';
import { EventStreams } from '../../src/http/events/streams.js';
import { createAccessLog } from '../../src/http/middleware/access-log.js';
import { createHostCheck } from '../../src/http/middleware/allowed-hosts.js';
import { listen, shut } from '../../src/http/server/listen.js';
import { busyWorkers, composedReport, idleScheduler, sampleReport } from './reports.js';

export interface TestApp {
  readonly url: string;
  readonly key: string;
  readonly store: Store;
  readonly server: Server;
  /** All lines of both logs so far. */
  log(): string;
  close(): Promise<void>;
}

export interface TestAppOptions extends Partial<Omit<AppOptions, 'store' | 'accessLog' | 'isAllowedHost'>> {
  readonly store?: Store;
  readonly limits?: Partial<Limits>;
  readonly allowedHosts?: readonly string[];
  readonly accessLog?: AccessLogMode;
}

const LIMITS: Limits = { maxConnections: 2_000, headersMs: 10_000, requestMs: 20_000, idleMs: 30_000, sendMs: 30_000 };

/** Starts the application on a free port of the loopback address. */
export async function startApp(options: TestAppOptions = {}): Promise<TestApp> {
  const { store = new Store(), limits, allowedHosts = [], accessLog: mode = 'all', ...others } = options;
  const key = 'key-of-the-test-0123456789';
  const lines: string[] = [];
  const app = createApp({
    ...{ store, scheduler: idleScheduler, workers: busyWorkers, history: createHistory() },
    ...{ events: new EventStreams(store), maxListeners: 200, corsOrigins: [], exposeSecrets: false },
    ...{ readSpecification: () => Buffer.from('{}'), pages: { dashboard: true, docs: true } },
    accessLog: createAccessLog(mode, (text) => lines.push(text)),
    isAllowedHost: createHostCheck(allowedHosts),
    authorize: ({ headers }) => (headers.access_token === key ? { kind: 'allowed', access: 'read' } : { kind: 'unauthorized' }),
    logError: (line) => lines.push(`ERROR: ${line}\n`),
    ...others,
  });
  const place = { host: '127.0.0.1', port: 0, limits: { ...LIMITS, ...limits } };
  const server = (await listen(app, place, (line) => lines.push(`WARNING: ${line}\n`), undefined)) as Server;
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, key, store, server, log: () => lines.join(''), close: () => shut(server) };
}

/** Makes a store in which every document is fresh. Documents are `{}`, unless `bodies` has them. */
export function freshStore(bodies: Readonly<Record<string, readonly Body[]>> = {}): Store {
  const store = new Store();
  const samples = () => collectors.map(({ name }) => sampleReport(name));
  const composed = documents.map(({ name }) => composedReport(name, bodies[name] ?? [encodeBody(null, {})]));
  store.record({ samples: samples(), documents: composed });
  // Documents are made of a sample, and the next sample finds them unchanged.
  store.record({ samples: samples(), documents: [] });
  return store;
}

/** Gives a document new bytes. */
export function compose(store: Store, name: string, bodies: readonly Body[]): void {
  store.record({ samples: [], documents: [composedReport(name, bodies)] });
}
