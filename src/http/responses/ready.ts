/**
 * Ready responses: headers and bytes that are complete before a request comes. A request then costs a look-up, a comparison of the
 * ETag and one write. Documents, errors, snapshots and static files are all sent as ready responses.
 */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { Context } from 'koa';
import { SECURITY_HEADERS } from '../middleware/security-headers.js';
import { acceptsGzip, matchesEtag } from './negotiation.js';
import { inPieces, PIECE_BYTES, sendPieces, streamPieces } from './pieces.js';

/** One form of a response: plain or compressed. */
export interface Representation {
  /** With its quotes; empty if the response has none. */
  readonly etag: string;
  /** Names and values in turn, as `writeHead` takes them. */
  readonly headers: string[];
  /** The same for 304, which has no body to describe. */
  readonly notModified: string[];
  /** A small body with one character per byte: Node sends it in one write with the head. */
  readonly text: string | undefined;
  /** The body. */
  readonly pieces: readonly Buffer[];
}

export interface ReadyResponse {
  readonly status: number;
  readonly plain: Representation;
  readonly gzip: Representation | undefined;
}

/** Request headers that may carry a key. */
const KEY_HEADERS = 'access_token, X-API-Key, Authorization';

/** Maximum size of a body that is copied into a string, to be sent in one write with the head. */
const MAX_TEXT_BYTES = 16_384;

/** What all forms of a document's response have in common. */
export interface Freshness {
  readonly modifiedMs: number;
  readonly sampledAtMs: number;
  readonly state: string;
  /** Set if the response depends on which key is sent; `hasSecrets` marks the form for keys that can read secrets. */
  readonly byKey?: { readonly hasSecrets: boolean } | undefined;
}

/**
 * Makes the response of a document.
 *
 * @param json the body, in parts that follow each other
 * @param gzip the same compressed, or null
 * @param tag what the ETag is made of; equal only for equal bytes
 */
export function readyResponse(
  json: readonly Uint8Array[],
  gzip: readonly Uint8Array[] | null,
  tag: string,
  { modifiedMs, sampledAtMs, state, byKey }: Freshness,
): ReadyResponse {
  const common = [
    ...['Last-Modified', new Date(modifiedMs).toUTCString()],
    ...['Sampled-At', new Date(sampledAtMs).toISOString()],
    ...['Sample-State', state],
    // Browsers must not write secrets to disk.
    ...['Cache-Control', byKey?.hasSecrets ? 'private, no-store' : 'private, no-cache'],
    ...['Vary', byKey ? `Accept-Encoding, ${KEY_HEADERS}` : 'Accept-Encoding'],
    ...SECURITY_HEADERS,
  ];
  // Without the suffix, a client that has the form without secrets would get 304 for the form with them.
  const own = byKey?.hasSecrets ? `${tag}-secrets` : tag;
  return {
    status: 200,
    plain: representation('application/json', json, `"${own}"`, [], common),
    gzip: gzip ? representation('application/json', gzip, `"${own}-gzip"`, ['Content-Encoding', 'gzip'], common) : undefined,
  };
}

/**
 * Makes one form of a response.
 *
 * @param encoding the header Content-Encoding, or nothing
 * @param common headers that 304 has too, besides the ETag
 */
export function representation(
  type: string,
  parts: readonly Uint8Array[],
  etag: string,
  encoding: readonly string[],
  common: readonly string[],
): Representation {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const notModified = etag === '' ? [...common] : ['ETag', etag, ...common];
  const buffers = parts.map((part) => Buffer.from(part.buffer, part.byteOffset, part.byteLength));
  const pieces =
    length > PIECE_BYTES ? buffers.flatMap(inPieces) : [buffers.length === 1 ? (buffers[0] as Buffer) : Buffer.concat(buffers)];
  return {
    etag,
    headers: ['Content-Type', type, 'Content-Length', String(length), ...encoding, ...notModified],
    notModified,
    text: length <= MAX_TEXT_BYTES ? (pieces[0] as Buffer).toString('latin1') : undefined,
    pieces,
  };
}

/** What is sent for one request. */
interface Chosen {
  readonly status: number;
  readonly headers: string[];
  readonly text: string | undefined;
  readonly pieces: readonly Buffer[];
}

/** Chooses what a request gets: gzip if the client accepts it, 304 without a body if the client has the bytes already. */
function choose({ status, plain, gzip }: ReadyResponse, headers: IncomingHttpHeaders): Chosen {
  const { etag, headers: own, notModified, text, pieces } = gzip && acceptsGzip(headers['accept-encoding']) ? gzip : plain;
  if (etag !== '' && matchesEtag(headers['if-none-match'], etag)) return { status: 304, headers: notModified, text: '', pieces: [] };
  return { status, headers: own, text, pieces };
}

/**
 * Sends a ready response without Koa.
 *
 * @param extra more headers, names and values in turn
 * @returns the status
 */
export function sendReady(request: IncomingMessage, response: ServerResponse, ready: ReadyResponse, extra: readonly string[] = []): number {
  const { status, headers, text, pieces } = choose(ready, request.headers);
  response.writeHead(status, extra.length > 0 ? [...headers, ...extra] : headers);
  if (request.method === 'HEAD' || status === 304) response.end();
  else if (text !== undefined) response.end(text, 'latin1');
  else if (pieces.length === 1) response.end(pieces[0]);
  else sendPieces(pieces, response);
  return status;
}

/**
 * Sends a ready response from a Koa handler.
 *
 * @example router.get('/snapshot', (ctx) => respond(ctx, snapshot));
 */
export function respond(ctx: Context, ready: ReadyResponse): void {
  const { status, headers, pieces } = choose(ready, ctx.req.headers);
  ctx.status = status;
  if (status !== 304) ctx.body = pieces.length === 1 ? pieces[0] : streamPieces(pieces, ctx.res);
  for (let at = 0; at < headers.length; at += 2) {
    const [name = '', value = ''] = headers.slice(at, at + 2);
    // CORS has added Origin.
    if (name === 'Vary') ctx.vary(value);
    else ctx.set(name, value);
  }
}
