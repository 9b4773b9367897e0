/**
 * The Koa application.
 *
 *     request ─▶ ready answer for exactly this path? ─ yes ─▶ key ─▶ headers + bytes
 *                        │ no
 *                        ▼
 *            Koa: errors ─▶ cors ─▶ open routes ─▶ key ─▶ routes
 *
 * The short cut is what makes an answer cost about as much as with `node:http` alone: Koa's context and its bookkeeping
 * would come to a quarter of it.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import Koa, { type Middleware } from 'koa';
import type { KeyCheck } from '../key.js';
import type { DocumentRecord } from '../store.js';
import type { AccessLog } from './access-log.js';
import { createAnswers, sendAnswer } from './answers.js';
import { cors, corsHeaders } from './cors.js';
import { HttpProblem, PROBLEM_TYPE, problemBody } from './problem.js';
import { type KeyedOptions, keyedRoutes, openRoutes } from './routes.js';

export interface AppOptions extends KeyedOptions {
  readonly accessLog: AccessLog;
  /** Whether pages that are secret are shown. */
  readonly exposeSecrets: boolean;
  /** The OpenAPI specification, as JSON. */
  readonly specification: Uint8Array;
  /** The check of the key that counts now. */
  keyCheck(): KeyCheck;
  /** Takes a line that tells of a defect of ours. */
  logError(line: string): void;
}

const UNAUTHORIZED = '403: Unauthorized';
const unauthorizedBody = problemBody(403, UNAUTHORIZED);
const unauthorizedHeaders = ['Content-Type', PROBLEM_TYPE, 'Content-Length', String(unauthorizedBody.length), 'Cache-Control', 'no-store'];

/** @returns handles requests of a `node:http` server */
export function createApp(options: AppOptions): (request: IncomingMessage, response: ServerResponse) => void {
  const { store, accessLog, corsOrigins, specification, exposeSecrets, keyCheck, logError } = options;
  const answers = createAnswers(secondsToNextSample, exposeSecrets);
  for (const record of store.documents.values()) answers.update(record);
  store.onChange(answers.update);

  const app = new Koa();
  app.on('error', (error: NodeJS.ErrnoException) => {
    // A client that goes away before it has its answer is no defect.
    if (!/^(?:ECONNRESET|ECONNABORTED|EPIPE)$/.test(error.code ?? '')) logError(`request failed: ${error.message}`);
  });
  const open = openRoutes(store, specification);
  const keyed = keyedRoutes(options, answers);
  app.use(problems(logError));
  app.use(cors(corsOrigins));
  app.use(open.routes()).use(open.allowedMethods());
  // What is open stays so for a method that it does not take: 405, not 403.
  app.use(requireKey(keyCheck, (ctx) => open.match(ctx.path, ctx.method).path.length > 0));
  app.use(keyed.routes()).use(keyed.allowedMethods());
  const koa = app.callback();

  function answerReady(request: IncomingMessage, response: ServerResponse): boolean {
    const { method, url = '', headers } = request;
    if (method !== 'GET' && method !== 'HEAD') return false;
    const answer = answers.get(url);
    if (!answer) return false;
    const extra = corsOrigins.length === 0 ? undefined : corsHeaders(headers.origin, corsOrigins);
    if (keyCheck()(headers)) {
      accessLog.record(request, sendAnswer(request, response, answer, extra));
      return true;
    }
    response.writeHead(403, extra ? [...unauthorizedHeaders, ...extra] : unauthorizedHeaders);
    response.end(method === 'HEAD' ? undefined : unauthorizedBody);
    accessLog.record(request, 403);
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

/** Turns what handlers throw, and errors without a body, into problem documents. */
function problems(logError: (line: string) => void): Middleware {
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
      sendProblem(ctx, new HttpProblem(404, `no such path: see /docs for those there are`));
    } else sendProblem(ctx, new HttpProblem(405, `${ctx.method} is not allowed here: expected ${ctx.response.get('Allow')}`));
  };
}

function toProblem(error: unknown, logError: (line: string) => void): HttpProblem {
  if (error instanceof HttpProblem) return error;
  const { status, expose, message, code } = error as NodeJS.ErrnoException & { status?: number; expose?: boolean };
  // GET http://[ HTTP/1.1
  if (code === 'ERR_INVALID_URL') return new HttpProblem(400, 'the address that is asked for is none');
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

function requireKey(keyCheck: () => KeyCheck, isOpen: (ctx: Koa.Context) => boolean): Middleware {
  return function requireKey(ctx, next) {
    if (!isOpen(ctx) && !keyCheck()(ctx.req.headers)) throw new HttpProblem(403, UNAUTHORIZED);
    return next();
  };
}
