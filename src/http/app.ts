/**
 * The HTTP application.
 *
 *     request ─▶ host ─▶ ready response for exactly this path? ── yes ──▶ key ─▶ headers and bytes
 *                                │ no
 *                                ▼
 *            Koa: access log ─▶ security headers ─▶ problems ─▶ CORS ─▶ open routes ─▶ key ─▶ routes
 *
 * Ready responses are looked up before Koa builds a context, which would take a quarter of the time of such a request. Both ways use the
 * same functions for headers, errors, ETag, compression, CORS, keys and the access log.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import Router from '@koa/router';
import Koa from 'koa';
import type { Authorize } from '../access/authorize.js';
import type { Store } from '../engine/store.js';
import { type AccessLog, logAccess } from './middleware/access-log.js';
import type { HostCheck } from './middleware/allowed-hosts.js';
import { type AllowedOrigins, cors, corsHeaders } from './middleware/cors.js';
import { problems } from './middleware/problems.js';
import { rejection, requireKey } from './middleware/require-key.js';
import { securityHeaders } from './middleware/security-headers.js';
import { createDocumentResponses, type DocumentResponses } from './responses/document-responses.js';
import { HttpProblem, problemResponse } from './responses/problem.js';
import { type ReadyResponse, sendReady } from './responses/ready.js';
import { collectorRoutes } from './routes/collectors.js';
import { dashboard } from './routes/dashboard.js';
import { docs } from './routes/docs.js';
import { documentRoutes } from './routes/documents.js';
import { type EventOptions, eventRoutes } from './routes/events.js';
import { healthRoutes } from './routes/health.js';
import { type HistoryOptions, historyRoutes } from './routes/history.js';
import { type MetricsOptions, metricsRoutes } from './routes/metrics.js';
import { type SnapshotOptions, snapshotRoutes } from './routes/snapshot.js';

/** Pages that are served without a key. */
export interface Pages {
  readonly dashboard: boolean;
  /** Includes the specification. */
  readonly docs: boolean;
}

export interface OpenOptions {
  readonly store: Store;
  /** The OpenAPI specification as JSON. */
  readonly specification: Uint8Array;
  readonly pages: Pages;
}

export type KeyedOptions = SnapshotOptions & EventOptions & HistoryOptions & MetricsOptions;

export type AppOptions = OpenOptions &
  KeyedOptions & {
    readonly accessLog: AccessLog;
    readonly corsOrigins: AllowedOrigins;
    /** Whether every key can read secret pages. */
    readonly exposeSecrets: boolean;
    readonly isAllowedHost: HostCheck;
    readonly authorize: Authorize;
    /** Writes a line to the log about an error of the service itself. */
    logError(line: string): void;
  };

/** Returns a handler for the requests of a `node:http` server. */
export function createApp(options: AppOptions): RequestListener {
  const responses = createDocumentResponses(options.store, options.exposeSecrets);
  const serveReady = createReadyHandler(options, responses);
  const koa = createKoa(options, responses).callback();
  return (request, response) => {
    if (!serveReady(request, response)) void koa(request, response);
  };
}

function createKoa(options: AppOptions, responses: DocumentResponses): Koa {
  const { accessLog, pages, logError, corsOrigins, authorize } = options;
  const open = openRoutes(options);
  const keyed = keyedRoutes(options, responses);
  const app = new Koa();
  app.on('error', (error: NodeJS.ErrnoException) => {
    // A client may disconnect at any time.
    if (!/^(?:ECONNRESET|ECONNABORTED|EPIPE|ERR_STREAM_PREMATURE_CLOSE)$/.test(error.code ?? ''))
      logError(`request failed: ${error.message}`);
  });
  app.use(logAccess(accessLog));
  app.use(securityHeaders());
  app.use(problems({ docs: pages.docs, logError }));
  app.use(cors(corsOrigins));
  app.use(open.routes()).use(open.allowedMethods());
  // An open path stays open for methods it doesn't support: 405, not 403.
  app.use(requireKey(authorize, (ctx) => open.match(ctx.path, ctx.method).path.length > 0));
  app.use(keyed.routes()).use(keyed.allowedMethods());
  return app;
}

/** Routes that need no key and reveal nothing about the machine. */
export function openRoutes({ store, specification, pages }: OpenOptions): Router {
  const router = new Router();
  healthRoutes(router, store);
  if (pages.docs) router.get(['/docs', '/docs/{*file}', '/openapi.json'], docs(specification));
  if (pages.dashboard) router.get(['/', '/assets/{*file}'], dashboard(pages.docs));
  return router;
}

/** Routes that need a key. */
export function keyedRoutes(options: KeyedOptions, responses: DocumentResponses): Router {
  const router = new Router();
  documentRoutes(router, { ...options, responses });
  snapshotRoutes(router, options);
  eventRoutes(router, options);
  historyRoutes(router, options);
  metricsRoutes(router, options);
  collectorRoutes(router, options.store);
  return router;
}

const misdirected = problemResponse(new HttpProblem(421, 'the server does not serve this host name: see --allowed-host'));
const withoutHost = problemResponse(new HttpProblem(400, 'the request has no Host header'));

/** Returns a handler that sends ready responses. It returns false if Koa has to handle the request. */
function createReadyHandler(
  { accessLog, corsOrigins, isAllowedHost, authorize }: AppOptions,
  responses: DocumentResponses,
): (request: IncomingMessage, response: ServerResponse) => boolean {
  function responseTo(request: IncomingMessage): ReadyResponse | undefined {
    const { method, url = '', headers, httpVersion } = request;
    if (!isAllowedHost(headers.host)) return misdirected;
    if (headers.host === undefined && httpVersion === '1.1') return withoutHost;
    if ((method !== 'GET' && method !== 'HEAD') || !responses.get(url, 'read')) return undefined;
    const authorization = authorize(request);
    return authorization.kind === 'allowed' ? responses.get(url, authorization.access) : rejection(authorization);
  }

  return (request, response) => {
    const ready = responseTo(request);
    if (!ready) return false;
    const status = sendReady(request, response, ready, corsHeaders(request.headers.origin, corsOrigins));
    accessLog.record(request, status);
    return true;
  };
}
