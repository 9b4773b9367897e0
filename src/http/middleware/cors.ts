/** Cross-origin requests, from the origins that the configuration lists and no others. */
import type { Middleware } from 'koa';

const ALLOWED_HEADERS = 'access_token, authorization, x-api-key, content-type, if-none-match';
const EXPOSED_HEADERS = 'ETag, Last-Modified, Sampled-At, Sample-State, Retry-After';

/**
 * @param origin of the request, if it names one
 * @returns headers that let a page of that origin read the answer, flat; none where no origin is allowed
 */
export function corsHeaders(origin: string | undefined, allowed: readonly string[]): string[] {
  if (allowed.length === 0) return [];
  const vary = ['Vary', 'Origin'];
  if (origin === undefined || !allowed.includes(origin)) return vary;
  return ['Access-Control-Allow-Origin', origin, 'Access-Control-Expose-Headers', EXPOSED_HEADERS, ...vary];
}

/** Answers preflight requests, which carry no key, and marks all other answers but the ready ones, which bring their own marks. */
export function cors(allowed: readonly string[]): Middleware {
  return async function cors(ctx, next) {
    const headers = corsHeaders(ctx.get('Origin') || undefined, allowed);
    const preflight = ctx.method === 'OPTIONS' && ctx.get('Access-Control-Request-Method') !== '';
    try {
      if (!preflight || headers.length <= 2) return await next();
      ctx.set({
        'Access-Control-Allow-Methods': 'GET, HEAD, POST',
        'Access-Control-Allow-Headers': ALLOWED_HEADERS,
        'Access-Control-Max-Age': '600',
      });
      ctx.status = 204;
    } finally {
      // Not before: a header that is set already would take the place of a ready answer's of the same name.
      if (ctx.respond !== false) {
        for (let at = 0; at < headers.length; at += 2) ctx.append(headers[at] as string, headers[at + 1] as string);
      }
    }
  };
}
