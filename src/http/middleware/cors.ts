/** Cross-origin requests, from the origins that the configuration lists and no others. */
import type { Middleware } from 'koa';

/** Origins that may read responses, as browsers send them: `https://dashboard.example`. */
export type AllowedOrigins = readonly string[];

const ALLOWED_HEADERS = 'access_token, authorization, x-api-key, content-type, if-none-match';
const EXPOSED_HEADERS = 'ETag, Last-Modified, Sampled-At, Sample-State, Retry-After';

/**
 * Returns the headers that let a page of an allowed origin read a response, names and values in turn.
 *
 * @param origin the request's Origin, if it has one
 *
 * @example corsHeaders('https://a.example', ['https://a.example']) // ['Access-Control-Allow-Origin', 'https://a.example', …]
 */
export function corsHeaders(origin: string | undefined, allowed: AllowedOrigins): string[] {
  if (allowed.length === 0) return [];
  const vary = ['Vary', 'Origin'];
  if (origin === undefined || !allowed.includes(origin)) return vary;
  return ['Access-Control-Allow-Origin', origin, 'Access-Control-Expose-Headers', EXPOSED_HEADERS, ...vary];
}

/**
 * Marks responses for allowed origins and answers their preflight requests, which carry no key.
 *
 * @example app.use(cors(['https://dashboard.example']));
 */
export function cors(allowed: AllowedOrigins): Middleware {
  return async function cors(ctx, next) {
    const headers = corsHeaders(ctx.get('Origin') || undefined, allowed);
    for (let at = 0; at < headers.length; at += 2) ctx.set(headers[at] as string, headers[at + 1] as string);
    const isAllowed = headers.length > 2;
    const isPreflight = ctx.method === 'OPTIONS' && ctx.get('Access-Control-Request-Method') !== '';
    if (!isAllowed || !isPreflight) return next();
    ctx.set({
      'Access-Control-Allow-Methods': 'GET, HEAD, POST',
      'Access-Control-Allow-Headers': ALLOWED_HEADERS,
      'Access-Control-Max-Age': '600',
    });
    ctx.status = 204;
  };
}
