/** The part of the application that Koa handles: every request without a ready response. */
import type Router from '@koa/router';
import type Koa from 'koa';
import type { Authorize } from '../access/authorize.js';
import type { Store } from '../engine/store.js';
import { type AccessLog, logAccess } from './middleware/access-log.js';
import { type AllowedOrigins, cors } from './middleware/cors.js';
import { problems } from './middleware/problems.js';
import { requireKey } from './middleware/require-key.js';
import { securityHeaders } from './middleware/security-headers.js';
import { latePackage } from './packages.js';
import type { DocumentResponses } from './responses/document-responses.js';
import { collectorRoutes } from './routes/collectors.js';
import { dashboard } from './routes/dashboard.js';
import { docs } from './routes/docs.js';
import { documentRoutes } from './routes/documents.js';
import { type EventOptions, eventRoutes } from './routes/events.js';
import { healthRoutes } from './routes/health.js';
import { type HistoryOptions, historyRoutes } from './routes/history.js';
import { type MetricsOptions, metricsRoutes } from './routes/metrics.js';
import { type SnapshotOptions, snapshotRoutes } from './routes/snapshot.js';

const loadKoa = latePackage<{ default: typeof Koa }>('koa');
const loadRouter = latePackage<{ default: typeof Router }>('@koa/router');

/** Pages that are served without a key. */
export interface Pages {
  readonly dashboard: boolean;
  /** Includes the specification. */
  readonly docs: boolean;
}

export interface OpenOptions {
  readonly store: Store;
  /** Reads the OpenAPI specification, as JSON. */
  readonly readSpecification: () => Buffer;
  readonly pages: Pages;
}

export type KeyedOptions = SnapshotOptions & EventOptions & HistoryOptions & MetricsOptions;

export type KoaOptions = OpenOptions &
  KeyedOptions & {
    readonly accessLog: AccessLog;
    readonly corsOrigins: AllowedOrigins;
    readonly authorize: Authorize;
    /** Writes a line to the log about an error of the service itself. */
    logError(line: string): void;
  };

/**
 * Makes Koa's application. It loads Koa, the router and the files of the dashboard.
 *
 * @throws {PackageError} if one of the packages can't be loaded
 */
export function createKoa(options: KoaOptions, responses: DocumentResponses): Koa {
  const { accessLog, pages, logError, corsOrigins, authorize } = options;
  const open = openRoutes(options);
  const keyed = keyedRoutes(options, responses);
  const app = new (loadKoa().default)();
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
export function openRoutes({ store, readSpecification, pages }: OpenOptions): Router {
  const router = new (loadRouter().default)();
  healthRoutes(router, store);
  if (pages.docs) router.get(['/docs', '/docs/{*file}', '/openapi.json'], docs(readSpecification()));
  if (pages.dashboard) router.get(['/', '/assets/{*file}'], dashboard(pages.docs));
  return router;
}

/** Routes that need a key. */
export function keyedRoutes(options: KeyedOptions, responses: DocumentResponses): Router {
  const router = new (loadRouter().default)();
  documentRoutes(router, { ...options, responses });
  snapshotRoutes(router, options);
  eventRoutes(router, options);
  historyRoutes(router, options);
  metricsRoutes(router, options);
  collectorRoutes(router, options.store);
  return router;
}
