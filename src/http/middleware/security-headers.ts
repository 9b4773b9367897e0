/**
 * Headers that tell browsers how little they may do with a response. Every response has them: ready ones, errors, streams, pages, and
 * what the server sends when a request isn't valid HTTP.
 *
 * A browser should never run JSON, frame it or guess its type. HTML pages replace the policy with their own.
 * Cross-Origin-Resource-Policy covers requests without CORS, such as `<img src>` on another site. It doesn't affect pages that
 * `--cors-origin` allows, because they use CORS.
 */
import type { Middleware } from 'koa';

/** Content-Security-Policy for everything that isn't an HTML page. */
const NOTHING = "default-src 'none'; frame-ancestors 'none'";

const HEADERS: Readonly<Record<string, string>> = {
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'X-Frame-Options': 'DENY',
  'Content-Security-Policy': NOTHING,
  'Cross-Origin-Resource-Policy': 'same-origin',
};

/** Names and values in turn, as `writeHead` takes them. Part of ready responses, so that a request does nothing for them. */
export const SECURITY_HEADERS: readonly string[] = Object.entries(HEADERS).flat();

/**
 * Sets the headers on every response that Koa sends.
 *
 * @example app.use(securityHeaders());
 */
export function securityHeaders(): Middleware {
  return function securityHeaders(ctx, next) {
    ctx.set(HEADERS);
    return next();
  };
}

/**
 * Returns the headers of an HTML page: its own policy, and isolation from windows that it opens or that opened it.
 *
 * @param encrypted whether the page comes over TLS. Browsers ignore Cross-Origin-Opener-Policy otherwise, and complain in the console
 */
export function pageHeaders(policy: readonly string[], encrypted: boolean): Readonly<Record<string, string>> {
  return { 'Content-Security-Policy': policy.join('; '), ...(encrypted && { 'Cross-Origin-Opener-Policy': 'same-origin' }) };
}
