import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { Encoded } from '../model/collector.js';
import { hideSecrets } from '../model/redact.js';
import type { Schema } from '../model/schema.js';
import { gzip } from './gzip.js';

/** Less than this goes in one packet either way. */
const WORTH_COMPRESSING_BYTES = 1_200;

/** One body of a document, ready to be sent. */
export interface Body {
  /** Name of the page; null for the document itself. */
  readonly page: string | null;
  readonly json: Uint8Array;
  /** The compressed JSON, as `src/encode/gzip.ts` makes it; null if compressing does not pay. */
  readonly gzip: Uint8Array | null;
  /** CRC-32 of the JSON, from which that of a snapshot is computed. */
  readonly crc: number;
  /** Digest of the JSON, for the ETag. */
  readonly tag: string;
}

const encoder = new TextEncoder();

/** A value as the bytes of its JSON. */
export function encodeJson(value: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(value));
}

/** A collector's value as the bytes of its JSON, without its secrets unless they are to be exposed. */
export function encodeValue<T>(value: T, view: Schema<T>, exposeSecrets: boolean): Uint8Array {
  if (value instanceof Encoded) return value.json;
  return encodeJson(exposeSecrets ? value : hideSecrets(value, view));
}

/** The value in bytes of {@link encodeJson}. */
export function decodeJson(bytes: Uint8Array): unknown {
  return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
}

/** A body with all that is made once: compressed bytes, check sum and digest. */
export function encodeBody(page: string | null, value: unknown): Body {
  return bodyOf(page, encodeJson(value), (length) => new Uint8Array(length));
}

/**
 * A body of JSON that is too large to be copied between threads: its compressed form is shared memory, as the JSON is.
 * Not for bodies that are made often: see {@link file://./shared.ts}.
 */
export function largeBody(json: Uint8Array): Body {
  return bodyOf(null, json, (length) => new Uint8Array(new SharedArrayBuffer(length)));
}

function bodyOf(page: string | null, json: Uint8Array, allocate: (length: number) => Uint8Array): Body {
  const crc = crc32(json);
  return {
    page,
    json,
    gzip: json.length < WORTH_COMPRESSING_BYTES ? null : gzip(json, crc, allocate),
    crc,
    tag: createHash('sha256').update(json).digest('base64url').slice(0, 22),
  };
}
