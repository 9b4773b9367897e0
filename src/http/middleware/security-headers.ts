/**
 * What browsers are told with every answer: ready ones, errors, streams, pages, and what the server says to a request that is none.
 *
 * JSON is nothing that a browser should run, frame or guess the type of. Pages bring a policy of their own in place of this one.
 * Cross-Origin-Resource-Policy is about requests without CORS (`<img src>`, `<script src>` on somebody's page): who is let in by
 * `--cors-origin` asks with CORS, which it does not touch.
 */
import type { ServerResponse } from 'node:http';

/** The policy of whatever is no page. */
const NOTHING = "default-src 'none'; frame-ancestors 'none'";

const headers: Readonly<Record<string, string>> = {
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'X-Frame-Options': 'DENY',
  'Content-Security-Policy': NOTHING,
  'Cross-Origin-Resource-Policy': 'same-origin',
};

/** Flat, as `writeHead` takes them: part of ready answers, so that a request does nothing for them. */
export const SECURITY_HEADERS: readonly string[] = Object.entries(headers).flat();

/** As lines of a head that is written by hand. */
export const SECURITY_LINES: string = Object.entries(headers)
  .map(([name, value]) => `${name}: ${value}\r\n`)
  .join('');

/**
 * Of pages, besides: their policy, and that a window which they open or which opened them gets no hold of them.
 *
 * @param encrypted whether they come over TLS: browsers heed the second nowhere else, and complain in the console
 */
export function pageHeaders(policy: readonly string[], encrypted: boolean): Readonly<Record<string, string>> {
  return { 'Content-Security-Policy': policy.join('; '), ...(encrypted && { 'Cross-Origin-Opener-Policy': 'same-origin' }) };
}

/** Sets those that the answer has not set for itself. */
export function secure(response: ServerResponse): void {
  for (const [name, value] of Object.entries(headers)) if (!response.hasHeader(name)) response.setHeader(name, value);
}
