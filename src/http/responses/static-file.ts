/** Files that are the same for every client and need no key: the documentation and the dashboard. */
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import type { Context } from 'koa';
import { pageHeaders, SECURITY_HEADERS } from '../middleware/security-headers.js';
import { once } from '../once.js';
import { acceptsGzip } from './negotiation.js';
import { type ReadyResponse, representation, respond } from './ready.js';

const gzip = promisify(zlib.gzip);

export type Handler = (ctx: Context) => Promise<void>;

/** What one path serves. */
export interface StaticFile {
  readonly type: string;
  /** Identifies the bytes, without quotes. */
  readonly tag: string;
  readonly cacheControl: string;
  /** Content-Security-Policy of an HTML page. */
  readonly policy?: readonly string[];
  readonly load: () => Promise<Buffer>;
}

export const REVALIDATE = 'no-cache';
/** For paths that change with the bytes. */
export const IMMUTABLE = 'public, max-age=31536000, immutable';

/**
 * Serves a file. The plain and the compressed form are each made on first use and then kept: browsers only use the compressed one.
 * Streaming the plain form instead would need more memory, as 40 MB of chunks pile up before they are collected.
 *
 * @example router.get('/openapi.json', serveFile({ type: 'application/json', tag, cacheControl: REVALIDATE, load }));
 */
export function serveFile({ type, tag, cacheControl, policy, load }: StaticFile): Handler {
  const compressible = !type.startsWith('image/');
  const common = ['Cache-Control', cacheControl, ...(compressible ? ['Vary', 'Accept-Encoding'] : []), ...SECURITY_HEADERS];
  const plain = once(async () => representation(type, [await load()], `"${tag}"`, [], common));
  const compressed = once(async () =>
    representation(type, [await gzip(await load())], `"${tag}-gzip"`, ['Content-Encoding', 'gzip'], common),
  );

  return async function serveFile(ctx) {
    const form = compressible && acceptsGzip(ctx.get('Accept-Encoding')) ? await compressed() : await plain();
    const response: ReadyResponse = { status: 200, plain: form, gzip: undefined };
    respond(ctx, response);
    if (policy) ctx.set(pageHeaders(policy, ctx.secure));
  };
}

/** Names bytes: equal only for equal bytes. */
export function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64url').slice(0, 22);
}
