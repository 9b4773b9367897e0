// Files that are the same for everybody and need no key: the documentation, the dashboard.

import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import type { Context } from 'koa';
import { pageHeaders } from '../middleware/security-headers.js';

const gzip = promisify(zlib.gzip);

export type Answer = (context: Context) => Promise<void>;

/** What one path answers with. */
export interface Resource {
  readonly type: string;
  /** Names these bytes and no others, without quotes. */
  readonly tag: string;
  readonly cacheControl: string;
  /** Of a page: its Content-Security-Policy. */
  readonly policy?: readonly string[];
  readonly load: () => Promise<Buffer>;
}

export const revalidate = 'no-cache';
/** For what has an address that changes with its bytes. */
export const immutable = 'public, max-age=31536000, immutable';

/**
 * Sends a resource: 304 to who has it, gzip to who takes it. Each of the two forms is made when it is first wanted, then kept:
 * the one with gzip is all that a browser wants. Streaming the files to who takes no gzip would cost more than keeping
 * the plain form as well: the garbage collector lets 40 MB of chunks pile up.
 */
export function answerWith({ type, tag, cacheControl, policy, load }: Resource): Answer {
  const compressible = !type.startsWith('image/');
  const plain = once(load);
  const gzipped = once(async () => gzip(await load()));

  return async function answer(context) {
    const encoding = compressible ? context.acceptsEncodings('gzip', 'identity') : 'identity';
    context.set('ETag', encoding === 'gzip' ? `"${tag}-gzip"` : `"${tag}"`);
    context.status = 200;
    if (context.fresh) {
      context.status = 304;
    } else {
      context.body = encoding === 'gzip' ? await gzipped() : await plain();
      context.set('Content-Type', type);
      if (encoding === 'gzip') context.set('Content-Encoding', 'gzip');
    }
    // last, for an error must not be cached as this is
    context.set({ 'Cache-Control': cacheControl, 'X-Content-Type-Options': 'nosniff' });
    if (policy) context.set(pageHeaders(policy, context.secure));
    if (compressible) context.vary('Accept-Encoding');
  };
}

/** A value made on its first use and then kept. A failure is not kept: the next use tries again. */
export function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}

/** Names bytes: the same for the same bytes only. */
export function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64url').slice(0, 22);
}
