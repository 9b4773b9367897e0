/** Keys: which requests are served, and what they may read. */
import type { Context, Middleware } from 'koa';
import type { Authorization, Authorize } from '../../access/authorize.js';
import type { Access } from '../../access/keys.js';
import { HttpProblem, problemResponse } from '../responses/problem.js';
import type { ReadyResponse } from '../responses/ready.js';

type Rejection = Exclude<Authorization, { readonly kind: 'allowed' }>;

/** RaspAP's clients compare this text. */
const UNAUTHORIZED = new HttpProblem(403, '403: Unauthorized');
const unauthorizedResponse = problemResponse(UNAUTHORIZED);

/**
 * Rejects requests without a valid key: 403, or 429 after too many wrong keys. Handlers read the result with {@link accessOf}.
 *
 * @param isOpen whether a request needs no key
 *
 * @example app.use(requireKey(authorize, (ctx) => ctx.path === '/healthz'));
 */
export function requireKey(authorize: Authorize, isOpen: (ctx: Context) => boolean): Middleware {
  return function requireKey(ctx, next) {
    if (isOpen(ctx)) return next();
    const authorization = authorize(ctx.req);
    if (authorization.kind !== 'allowed') throw problemOf(authorization);
    ctx.state.access = authorization.access;
    return next();
  };
}

/** Returns what the key of a request may read. */
export function accessOf({ state }: Pick<Context, 'state'>): Access {
  return (state as { access?: Access }).access ?? 'read';
}

/** Returns the response for a request that isn't authorized. */
export function rejection(authorization: Rejection): ReadyResponse {
  return authorization.kind === 'unauthorized' ? unauthorizedResponse : problemResponse(problemOf(authorization));
}

function problemOf(authorization: Rejection): HttpProblem {
  if (authorization.kind === 'unauthorized') return UNAUTHORIZED;
  const { retryAfterSeconds: seconds } = authorization;
  // The same for a valid key as for a wrong one, so that a guess reveals nothing.
  const detail = `too many wrong keys came from this address; it can try again in ${seconds} s`;
  return new HttpProblem(429, detail, { headers: { 'Retry-After': String(seconds) } });
}
