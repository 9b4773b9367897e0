import { createHash } from 'node:crypto';
import { constants, gzipSync } from 'node:zlib';
import { Encoded } from '../collector.js';
import type { Schema } from '../schema.js';
import { hideSecrets } from '../secrets.js';
import type { Body } from '../task.js';

/** Less than this goes in one packet either way. */
const WORTH_COMPRESSING_BYTES = 1_200;

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

/**
 * A body with all that is made once: compressed bytes and digest.
 *
 * @param page name of the page; null for the document itself
 */
export function encodeBody(page: string | null, value: unknown): Body {
  const json = encodeJson(value);
  // Level 1: samples are short-lived, and a Pi's core is better spent elsewhere.
  const compressed = json.length < WORTH_COMPRESSING_BYTES ? null : gzipSync(json, { level: constants.Z_BEST_SPEED });
  return {
    page,
    json,
    gzip: compressed && compressed.length < json.length * 0.9 ? new Uint8Array(compressed) : null,
    tag: createHash('sha256').update(json).digest('base64url').slice(0, 22),
  };
}
