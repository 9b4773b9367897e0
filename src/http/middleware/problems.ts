/** Errors that handlers throw, and error statuses without a body, as problem documents. */
import type { Middleware } from 'koa';
import { PackageError } from '../packages.js';
import { HttpProblem, problemResponse } from '../responses/problem.js';
import { respond } from '../responses/ready.js';

export interface ProblemOptions {
  /** Whether `/docs` is served, so that a 404 can name it. */
  readonly docs: boolean;
  /** Writes a line to the log. */
  logError(line: string): void;
}

/**
 * Turns errors into responses.
 *
 * @example app.use(problems({ docs: true, logError: console.error }));
 */
export function problems({ docs, logError }: ProblemOptions): Middleware {
  return async function problems(ctx, next) {
    try {
      await next();
    } catch (error) {
      respond(ctx, problemResponse(toProblem(error, logError)));
      return;
    }
    if (ctx.respond === false || ctx.status < 400 || ctx.body) return;
    // The router answers 501 to methods that no route has, on any path. For a client that is 405, or 404.
    const allow = ctx.response.get('Allow');
    const isMissing = ctx.status === 404 || !allow;
    if (isMissing) ctx.remove('Allow');
    const problem = isMissing
      ? new HttpProblem(404, docs ? 'no such path: see /docs for all paths' : 'no such path')
      : new HttpProblem(405, `${ctx.method} is not allowed here: expected ${allow}`);
    respond(ctx, problemResponse(problem));
  };
}

/** Finds the right status and detail for an error, and logs those that aren't the client's. */
export function toProblem(error: unknown, logError: (line: string) => void): HttpProblem {
  if (error instanceof HttpProblem) return error;
  const { status, expose, message, code } = error as NodeJS.ErrnoException & { status?: number; expose?: boolean };
  // GET http://[ HTTP/1.1
  if (code === 'ERR_INVALID_URL') return new HttpProblem(400, 'the request URL is not valid');
  // Too many files are open, in this process or on the whole machine. That passes.
  if (error instanceof PackageError || code === 'EMFILE' || code === 'ENFILE') {
    logError(`a request failed: ${message}`);
    return new HttpProblem(503, 'the server has too many open files; try again in a moment', { headers: { 'Retry-After': '1' } });
  }
  if (expose && status && status >= 400 && status < 500) return new HttpProblem(status, message);
  logError(`a request failed: ${error instanceof Error ? error.stack : String(error)}`);
  return new HttpProblem(500, 'internal error: see the log of apsnap');
}
