/** Request bodies: JSON only, small, and parsed by koa-bodyparser. */
import type { Context, Middleware } from 'koa';
import { quote } from '../../errors.js';
import { latePackage } from '../packages.js';
import { HttpProblem } from '../responses/problem.js';

const loadBodyParser = latePackage<typeof import('koa-bodyparser')>('koa-bodyparser');

/** Maximum size of a request body. Longer ones get 413. The only body there is names documents. */
const MAX_BODY_BYTES = 65_536;

/**
 * Parses a JSON body, if the request has one. The parser is loaded on first use: it consists of a hundred files.
 *
 * @example router.post('/snapshot/refresh', jsonBody(), (ctx) => refresh(ctx.request.body));
 */
export function jsonBody(): Middleware {
  return async function jsonBody(ctx, next) {
    const bodyParser = loadBodyParser();
    const isSent = hasBody(ctx);
    if (isSent) checkType(ctx);
    await bodyParser({ enableTypes: ['json'], jsonLimit: String(MAX_BODY_BYTES), onerror: rethrow })(ctx, () => {
      // The parser skips a body whose Content-Type has a malformed parameter. It must not pass as a request without a body.
      if (isSent && ctx.request.rawBody === undefined) throw notJson(ctx);
      return next();
    });
  };
}

function hasBody(ctx: Context): boolean {
  const { length } = ctx.request;
  return length === undefined ? ctx.get('Transfer-Encoding') !== '' : length > 0;
}

function checkType(ctx: Context): void {
  if (!ctx.is('json')) throw notJson(ctx);
  // RFC 8259: JSON is UTF-8.
  const { charset } = ctx.request;
  if (!/^(?:utf-?8|us-ascii)?$/i.test(charset)) throw new HttpProblem(415, `the charset of the body is ${quote(charset)}: expected utf-8`);
}

function notJson(ctx: Context): HttpProblem {
  const type = ctx.get('Content-Type');
  return new HttpProblem(415, `the Content-Type is ${type === '' ? 'missing' : quote(type)}: expected application/json`);
}

function rethrow(error: Error & { status?: number }): never {
  if (error.status === 413) throw new HttpProblem(413, `the body has more than ${MAX_BODY_BYTES} bytes`);
  throw new HttpProblem(400, `the body is not a JSON object: ${error.message}`);
}
