/**
 * The Koa application.
 *
 *     request ─▶ host ─▶ ready answer for exactly this path? ─ yes ─▶ gate ─▶ headers + bytes
 *                                │ no
 *                                ▼
 *            Koa: headers ─▶ errors ─▶ cors ─▶ open routes ─▶ gate ─▶ routes
 *
 * The short cut is what makes an answer cost about as much as with `node:http` alone: Koa's context and its bookkeeping
 * would come to a quarter of it.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import Koa, { type Middleware } from 'koa';
import type { Verdict } from '../access/authorize.js';
import type { DocumentRecord } from '../engine/records.js';
import type { AccessLog } from './middleware/access-log.js';
import type { HostCheck } from './middleware/allowed-hosts.js';
import { cors, corsHeaders } from './middleware/cors.js';
import { secure } from './middleware/security-headers.js';
import { PackageError } from './packages.js';
import { HttpProblem, PROBLEM_TYPE, problemBody } from './responses/problem.js';
import { createReadyResponses, type ReadyResponse, refusal, sendReady } from './responses/ready.js';
import { type KeyedOptions, keyedRoutes, openRoutes, type Pages } from './routes/routes.js';

export interface AppOptions extends KeyedOptions {
  readonly accessLog: AccessLog;
  /** Whether pages that are secret are shown. */
  readonly exposeSecrets: boolean;
  /** The OpenAPI specification, as JSON. */
  readonly specification: Uint8Array;
  readonly pages: Pages;
  readonly isAllowedHost: HostCheck;
  /** Tells what a request may see, or that it may not; asked once for each, as it counts. */
  judge(request: IncomingMessage): Verdict;
  /** Takes a line that tells of a defect of ours. */
  logError(line: string): void;
}

const UNAUTHORIZED = '403: Unauthorized';
const unauthorized = refusal(403, UNAUTHORIZED);
const withoutHost = refusal(400, 'the request has no Host header');
const misdirected = refusal(421, 'this service does not answer to that name: see --allowed-host');

/** @returns handles requests of a `node:http` server */
export function createApp(options: AppOptions): (request: IncomingMessage, response: ServerResponse) => void {
  const { store, accessLog, corsOrigins, specification, exposeSecrets, pages, isAllowedHost, judge, logError } = options;
  const answers = createReadyResponses(secondsToNextSample, exposeSecrets);
  for (const record of store.documents.values()) answers.update(record);
  store.onChange(answers.update);

  const app = new Koa();
  app.on('error', (error: NodeJS.ErrnoException) => {
    // A client that goes away before it has its answer is no defect.
    if (!/^(?:ECONNRESET|ECONNABORTED|EPIPE)$/.test(error.code ?? '')) logError(`request failed: ${error.message}`);
  });
  const open = openRoutes(store, specification, pages);
  const keyed = keyedRoutes(options, answers);
  app.use(securityHeaders);
  app.use(problems(logError, pages));
  app.use(cors(corsOrigins));
  app.use(open.routes()).use(open.allowedMethods());
  // What is open stays so for a method that it does not take: 405, not 403.
  app.use(requireKey(judge, (ctx) => open.match(ctx.path, ctx.method).path.length > 0));
  app.use(keyed.routes()).use(keyed.allowedMethods());
  const koa = app.callback();

  function answerReady(request: IncomingMessage, response: ServerResponse): boolean {
    const { method, url = '', headers } = request;
    const refused = isAllowedHost(headers.host) ? undefined : misdirected;
    const answer = refused ?? (headers.host === undefined && request.httpVersion === '1.1' ? withoutHost : undefined);
    const send = (ready: ReadyResponse) => {
      const extra = corsOrigins.length === 0 ? undefined : corsHeaders(headers.origin, corsOrigins);
      accessLog.record(request, sendReady(request, response, ready, extra));
    };
    if (answer) {
      send(answer);
      return true;
    }
    if ((method !== 'GET' && method !== 'HEAD') || !answers.get(url, 'read')) return false;
    const verdict = judge(request);
    send(typeof verdict === 'string' ? (answers.get(url, verdict) as ReadyResponse) : refusalOf(verdict));
    return true;
  }

  return (request, response) => {
    if (answerReady(request, response)) return;
    const { remoteAddress, remotePort } = request.socket;
    response.once('close', () => {
      if (response.headersSent) accessLog.record(request, response.statusCode, { remoteAddress, remotePort });
    });
    void koa(request, response);
  };
}

/** Until a document has something, a client should wait for the slowest of what it needs, but not long. */
function secondsToNextSample(record: DocumentRecord): number {
  return record.problem === null || record.problem.code === 'pending' ? 1 : 2;
}

/** Not before the answer is made: one that is ready brings its own, and a header that is set already would be sent beside those. */
const securityHeaders: Middleware = async (ctx, next) => {
  await next();
  if (ctx.respond !== false) secure(ctx.res);
};

/** Turns what handlers throw, and errors without a body, into problem documents. */
function problems(logError: (line: string) => void, { docs }: Pages): Middleware {
  return async function problems(ctx, next) {
    try {
      await next();
    } catch (error) {
      sendProblem(ctx, toProblem(error, logError));
      return;
    }
    if (ctx.respond === false || ctx.status < 400 || ctx.body) return;
    // The router answers 501 to methods that no route of its has, on any path; for a client that is 405, or 404.
    if (ctx.status === 404 || !ctx.response.get('Allow')) {
      ctx.remove('Allow');
      sendProblem(ctx, new HttpProblem(404, docs ? 'no such path: see /docs for those there are' : 'no such path'));
    } else sendProblem(ctx, new HttpProblem(405, `${ctx.method} is not allowed here: expected ${ctx.response.get('Allow')}`));
  };
}

function toProblem(error: unknown, logError: (line: string) => void): HttpProblem {
  if (error instanceof HttpProblem) return error;
  const { status, expose, message, code } = error as NodeJS.ErrnoException & { status?: number; expose?: boolean };
  // GET http://[ HTTP/1.1
  if (code === 'ERR_INVALID_URL') return new HttpProblem(400, 'the address that is asked for is none');
  // Too many open files, most likely, here or on the whole machine: that passes.
  if (error instanceof PackageError || code === 'EMFILE' || code === 'ENFILE') {
    logError(`a request failed: ${message}`);
    return new HttpProblem(503, 'what it takes cannot be opened now: try again in a moment', { headers: { 'Retry-After': '1' } });
  }
  if (expose && status && status >= 400 && status < 500) return new HttpProblem(status, message);
  logError(`a request failed: ${error instanceof Error ? error.stack : String(error)}`);
  return new HttpProblem(500, 'a defect of apsnap: its log has more');
}

function sendProblem(ctx: Koa.Context, { status, message, headers, extra }: HttpProblem): void {
  ctx.status = status;
  ctx.set({ 'Cache-Control': 'no-store', ...headers });
  ctx.type = PROBLEM_TYPE;
  ctx.body = problemBody(status, message, extra);
}

function requireKey(judge: AppOptions['judge'], isOpen: (ctx: Koa.Context) => boolean): Middleware {
  return function requireKey(ctx, next) {
    if (isOpen(ctx)) return next();
    const verdict = judge(ctx.req);
    if (typeof verdict === 'string') {
      ctx.state.access = verdict;
      return next();
    }
    const { retryAfterSeconds: seconds } = verdict;
    throw seconds === 0
      ? new HttpProblem(403, UNAUTHORIZED)
      : new HttpProblem(429, tooMany(seconds), { headers: { 'Retry-After': String(seconds) } });
  };
}

function refusalOf({ retryAfterSeconds: seconds }: Exclude<Verdict, string>): ReadyResponse {
  return seconds === 0 ? unauthorized : refusal(429, tooMany(seconds), ['Retry-After', String(seconds)]);
}

/** The same for a right key as for a wrong one. */
function tooMany(seconds: number): string {
  return `too many wrong keys came from this address: no key of it is looked at for ${seconds} s`;
}
