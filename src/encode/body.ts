/** Encodes values as JSON, and bodies with everything that is made once: the compressed form and the digest. */
import { createHash } from 'node:crypto';
import { constants, gzipSync } from 'node:zlib';
import { Encoded } from '../model/collector.js';
import { hideSecrets } from '../model/redact.js';
import type { Schema } from '../model/schema.js';
import { encodeTables, hasTable } from './table.js';

/** Smaller bodies fit into one packet either way. */
export const MIN_COMPRESSED_BYTES = 1_200;
/** Compressing must save a tenth, or the client unpacks for nothing. */
const WORTH_SENDING_RATIO = 0.9;

/** One body of a document, ready to be sent. */
export interface Body {
  /** Name of the page; null for the document itself. */
  readonly page: string | null;
  readonly json: Uint8Array;
  /** The compressed JSON; null if compressing does not pay. */
  readonly gzip: Uint8Array | null;
  /** Digest of the JSON, for the ETag. */
  readonly tag: string;
}

const encoder = new TextEncoder();

/** Encodes a value as JSON. */
export function encodeJson(value: unknown): Uint8Array {
  return hasTable(value) ? encodeTables(value) : encoder.encode(JSON.stringify(value));
}

/** Encodes a collector's value as JSON, without its secrets unless they are exposed. */
export function encodeValue<T>(value: T, view: Schema<T>, exposeSecrets: boolean): Uint8Array {
  if (value instanceof Encoded) return value.json;
  return encodeJson(exposeSecrets ? value : hideSecrets(value, view));
}

/** Decodes the bytes of {@link encodeJson}. */
export function decodeJson(bytes: Uint8Array): unknown {
  return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
}

/** Encodes a body. */
export function encodeBody(page: string | null, value: unknown): Body;
/**
 * Encodes a body unless it is the previous one.
 *
 * @returns undefined if the previous body, whose tag is `previousTag`, has the same JSON
 */
export function encodeBody(page: string | null, value: unknown, previousTag: string | undefined): Body | undefined;
export function encodeBody(page: string | null, value: unknown, previousTag?: string): Body | undefined {
  return bodyOf(page, encodeJson(value), previousTag);
}

/** Completes a body whose JSON exists already. */
export function bodyOf(page: string | null, json: Uint8Array): Body;
/** Completes a body whose JSON exists already, unless it is the previous one; see {@link encodeBody}. */
export function bodyOf(page: string | null, json: Uint8Array, previousTag: string | undefined): Body | undefined;
export function bodyOf(page: string | null, json: Uint8Array, previousTag?: string): Body | undefined {
  const tag = createHash('sha256').update(json).digest('base64url').slice(0, 22);
  if (tag === previousTag) return undefined;
  return { page, json, gzip: json.length < MIN_COMPRESSED_BYTES ? null : compress(json), tag };
}

/** Compresses at the fastest level: samples are short-lived, and a Pi's core is better spent elsewhere. */
function compress(json: Uint8Array): Uint8Array | null {
  const packed = gzipSync(json, { level: constants.Z_BEST_SPEED });
  if (packed.length > WORTH_SENDING_RATIO * json.length) return null;
  // A copy, for a small Buffer is a part of a larger one, all of which would go to the main thread.
  return new Uint8Array(packed);
}
