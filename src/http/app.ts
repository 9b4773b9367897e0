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
import { closeSync, openSync } from 'node:fs';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { createKoa, type KoaOptions } from './koa-app.js';
import type { HostCheck } from './middleware/allowed-hosts.js';
import { corsHeaders } from './middleware/cors.js';
import { toProblem } from './middleware/problems.js';
import { rejection } from './middleware/require-key.js';
import { createDocumentResponses, type DocumentResponses } from './responses/document-responses.js';
import { HttpProblem, problemResponse } from './responses/problem.js';
import { type ReadyResponse, sendReady } from './responses/ready.js';

export type AppOptions = KoaOptions & {
  /** Whether every key can read secret pages. */
  readonly exposeSecrets: boolean;
  readonly isAllowedHost: HostCheck;
};

/** Returns a handler for the requests of a `node:http` server. */
export function createApp(options: AppOptions): RequestListener {
  const responses = createDocumentResponses(options.store, options.exposeSecrets);
  const serveReady = createReadyHandler(options, responses);
  const serveOthers = createLateKoa(options, responses);
  return (request, response) => {
    if (!serveReady(request, response)) serveOthers(request, response);
  };
}

/**
 * Returns Koa's handler, which is made for the first request that needs it. Until then, the service has started 70 ms earlier and takes
 * 16 MB less (`npm run bench -- --only start`).
 */
function createLateKoa(options: AppOptions, responses: DocumentResponses): RequestListener {
  let koa: RequestListener | undefined;
  // Loading Koa opens one file after the other. If no more files can be opened, closing this one makes room.
  const spare = openSync('/dev/null', 'r');
  let isSpareOpen = true;

  function load(): RequestListener {
    if (isSpareOpen) closeSync(spare);
    isSpareOpen = false;
    return createKoa(options, responses).callback();
  }

  return (request, response) => {
    try {
      koa ??= load();
    } catch (error) {
      // The next request tries again.
      const problem = problemResponse(toProblem(error, options.logError));
      options.accessLog.record(request, sendReady(request, response, problem));
      return;
    }
    koa(request, response);
  };
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
