/**
 * Ready answers: for each path of a document the headers and bytes to be sent, made when the document changes.
 *
 * A request then costs a look-up, a comparison of the ETag and one write.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { SECRETS_KEY_VARIABLE } from '../../access/env-file.js';
import type { Access } from '../../access/keys.js';
import { problemText } from '../../engine/freshness.js';
import type { DocumentRecord, StoredBody } from '../../engine/records.js';
import { SECURITY_HEADERS } from '../middleware/security-headers.js';
import { PROBLEM_TYPE, problemBody } from './problem.js';

/** One form of an answer: plain or compressed. */
interface Variant {
  readonly etag: string;
  /** Flat, as `writeHead` sends them without looking. */
  readonly headers: string[];
  /** The same for 304, which has no body to describe. */
  readonly notModified: string[];
  /** A small body is a string: Node sends it in one write with the head. A large one is sent in several writes. */
  readonly body: string | Buffer | readonly Buffer[];
}

export interface ReadyResponse {
  readonly status: number;
  readonly plain: Variant;
  readonly gzip: Variant | undefined;
}

/** In which a key may be sent. */
const KEY_HEADERS = 'access_token, X-API-Key, Authorization';

/** Up to this a body is worth copying once into the string that is sent with the head. */
const ONE_WRITE_BYTES = 16_384;
/** More than this is sent in pieces, between which others have their turn: the kernel takes a tenth of a millisecond for each. */
export const PIECE_BYTES = 1 << 18;

/** Who takes an answer byte by byte keeps the memory of a list that may long be another. */
const MAX_SEND_MS = 600_000;

/** What all forms of one answer have in common. */
export interface Freshness {
  readonly modifiedMs: number;
  readonly sampledAtMs: number;
  readonly state: string;
  /** Whether what is answered depends on which key is sent; and whether these bytes are for the one that sees secrets. */
  readonly byKey?: { readonly hasSecrets: boolean } | undefined;
}

/**
 * @param json of the body, in parts that follow each other
 * @param gzip the same compressed, or null
 * @param tag what the ETag is made of; the same for the same bytes
 */
export function readyResponse(
  json: readonly Uint8Array[],
  gzip: readonly Uint8Array[] | null,
  tag: string,
  freshness: Freshness,
): ReadyResponse {
  // The same bytes would have the same tag: who has what one key sees is never told by the other that nothing has changed.
  const own = freshness.byKey?.hasSecrets ? `${tag}-secrets` : tag;
  return {
    status: 200,
    plain: variant(json, `"${own}"`, [], freshness),
    gzip: gzip ? variant(gzip, `"${own}-gzip"`, ['Content-Encoding', 'gzip'], freshness) : undefined,
  };
}

function variant(parts: readonly Uint8Array[], etag: string, encoding: string[], freshness: Freshness): Variant {
  const { modifiedMs, sampledAtMs, state, byKey } = freshness;
  const common = [
    ...['ETag', etag],
    ...['Last-Modified', new Date(modifiedMs).toUTCString()],
    ...['Sampled-At', new Date(sampledAtMs).toISOString()],
    ...['Sample-State', state],
    // What has secrets is not to lie on a browser's disk.
    ...['Cache-Control', byKey?.hasSecrets ? 'private, no-store' : 'private, no-cache'],
    ...['Vary', byKey ? `Accept-Encoding, ${KEY_HEADERS}` : 'Accept-Encoding'],
    ...SECURITY_HEADERS,
  ];
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return {
    etag,
    headers: ['Content-Type', 'application/json', 'Content-Length', String(length), ...encoding, ...common],
    notModified: common,
    body: sendable(parts, length),
  };
}

function sendable(parts: readonly Uint8Array[], length: number): Variant['body'] {
  const buffers = parts.map((part) => Buffer.from(part.buffer, part.byteOffset, part.byteLength));
  if (length > PIECE_BYTES) return buffers.flatMap(inPieces);
  const whole = buffers.length === 1 ? (buffers[0] as Buffer) : Buffer.concat(buffers);
  return length <= ONE_WRITE_BYTES ? whole.toString('latin1') : whole;
}

export function inPieces(buffer: Buffer): Buffer[] {
  const amount = Math.ceil(buffer.length / PIECE_BYTES);
  return Array.from({ length: amount }, (_, index) => buffer.subarray(index * PIECE_BYTES, (index + 1) * PIECE_BYTES));
}

/** An answer that refuses; made once, like the others. */
export function refusal(status: number, detail: string, more: readonly string[] = []): ReadyResponse {
  const body = problemBody(status, detail);
  const headers = [
    ...['Content-Type', PROBLEM_TYPE],
    ...['Content-Length', String(Buffer.byteLength(body))],
    ...more,
    ...['Cache-Control', 'no-store'],
    ...SECURITY_HEADERS,
  ];
  return { status, plain: { etag: '', headers, notModified: headers, body: Buffer.from(body).toString('latin1') }, gzip: undefined };
}

/** Ready answers by path. */
export interface ReadyResponses {
  /**
   * @param path as in a request, undecoded, without a query
   * @param access what the key lets see
   */
  get(path: string, access: Access): ReadyResponse | undefined;
  /** Makes the answers of a document anew. */
  update(record: DocumentRecord): void;
}

/**
 * @param retryAfterSeconds how long a client should wait for a document that has nothing yet
 * @param exposeSecrets whether pages that are secret are shown
 */
export function createReadyResponses(retryAfterSeconds: (record: DocumentRecord) => number, exposeSecrets: boolean): ReadyResponses {
  const answers = new Map<string, ReadyResponse>();
  /** To who sees secrets, where that is another answer. */
  const withSecrets = new Map<string, ReadyResponse>();
  const paths = new Map<DocumentRecord, readonly string[]>();

  const pathOf = (record: DocumentRecord, page: string | null) =>
    page === null ? `/${record.document.name}` : `/${record.document.name}/${encodeURIComponent(page)}`;

  return {
    get: (path, access) => (access === 'secrets' && withSecrets.get(path)) || answers.get(path),
    update(record) {
      const now = new Map<string, ReadyResponse>();
      const secret = new Map<string, ReadyResponse>();
      const { state, sampledAtMs, problem, bodies, secretBodies } = record;
      if (bodies.size === 0) {
        const detail = problem ? problemText(problem) : 'not sampled yet';
        now.set(pathOf(record, null), refusal(503, detail, ['Retry-After', String(retryAfterSeconds(record))]));
      }
      const ready = (body: StoredBody, byKey: Freshness['byKey']) =>
        readyBody(body, { state, sampledAtMs: sampledAtMs ?? body.modifiedMs, modifiedMs: body.modifiedMs, byKey });
      const isHidden = record.document.pages?.secret && !exposeSecrets;
      for (const [page, body] of bodies) {
        const byKey = secretBodies && { hasSecrets: false };
        now.set(pathOf(record, page), page !== null && isHidden ? HIDDEN : ready(body, byKey));
      }
      for (const [page, body] of secretBodies ?? []) secret.set(pathOf(record, page), ready(body, { hasSecrets: true }));
      for (const path of paths.get(record) ?? []) {
        if (!now.has(path)) answers.delete(path);
        if (!secret.has(path)) withSecrets.delete(path);
      }
      for (const [path, answer] of now) answers.set(path, answer);
      for (const [path, answer] of secret) withSecrets.set(path, answer);
      paths.set(record, [...new Set([...now.keys(), ...secret.keys()])]);
    },
  };
}

function readyBody({ json, gzip, tag }: StoredBody, freshness: Freshness): ReadyResponse {
  return readyResponse([json], gzip && [gzip], tag, freshness);
}

const HIDDEN = refusal(403, `it is secret: shown to the key in ${SECRETS_KEY_VARIABLE}, or to every key with --expose-secrets`);

/**
 * Sends a ready answer: 304 if the client has it, no body for HEAD, compressed if the client takes it.
 *
 * @param extra more headers, flat
 * @returns the status
 */
export function sendReady(request: IncomingMessage, response: ServerResponse, answer: ReadyResponse, extra: string[] = []): number {
  const { 'accept-encoding': acceptEncoding, 'if-none-match': ifNoneMatch } = request.headers;
  const chosen = answer.gzip && acceptEncoding !== undefined && acceptsGzip(acceptEncoding) ? answer.gzip : answer.plain;
  if (ifNoneMatch !== undefined && answer.status === 200 && matchesEtag(ifNoneMatch, chosen.etag)) {
    response.writeHead(304, extra.length > 0 ? [...chosen.notModified, ...extra] : chosen.notModified);
    response.end();
    return 304;
  }
  response.writeHead(answer.status, extra.length > 0 ? [...chosen.headers, ...extra] : chosen.headers);
  if (request.method === 'HEAD') response.end();
  else if (typeof chosen.body === 'string') response.end(chosen.body, 'latin1');
  else if (Buffer.isBuffer(chosen.body)) response.end(chosen.body);
  else sendPieces(response, chosen.body);
  return answer.status;
}

/** Sends a large body piece by piece: as fast as the client takes it, and not without a pause for other requests. */
function sendPieces(response: ServerResponse, pieces: readonly Buffer[]): void {
  let next = 0;
  const timer = setTimeout(() => response.destroy(), MAX_SEND_MS);
  timer.unref();
  response.once('close', () => clearTimeout(timer));
  const send = () => {
    if (response.destroyed) return;
    const piece = pieces[next++];
    if (piece === undefined) response.end();
    else if (response.write(piece)) setImmediate(send);
    else response.once('drain', () => setImmediate(send));
  };
  send();
}

/** RFC 9110, 13.1.2: any of a list, or `*`; a weak tag of the same value matches too. */
function matchesEtag(header: string, etag: string): boolean {
  if (header === etag) return true;
  return header.split(',').some((item) => {
    const tag = item.trim();
    return tag === '*' || tag.replace(/^W\//, '') === etag;
  });
}

const gzipByHeader = new Map<string, boolean>();

/** RFC 9110, 12.5.3: gzip (or x-gzip, or *) with a weight other than 0. A handful of headers make all traffic, so verdicts are kept. */
export function acceptsGzip(header: string): boolean {
  let verdict = gzipByHeader.get(header);
  if (verdict === undefined) {
    const weights = new Map(
      header.split(',').map((item) => {
        const [coding = '', ...parameters] = item.split(';').map((part) => part.trim().toLowerCase());
        const weight = parameters.find((parameter) => parameter.startsWith('q='));
        return [coding, weight === undefined ? 1 : Number(weight.slice(2))] as const;
      }),
    );
    verdict = (weights.get('gzip') ?? weights.get('x-gzip') ?? weights.get('*') ?? 0) > 0;
    if (gzipByHeader.size >= 100) gzipByHeader.clear();
    gzipByHeader.set(header, verdict);
  }
  return verdict;
}
