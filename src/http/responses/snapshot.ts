/** Responses of `/snapshot`: the documents' own bytes, joined. They are compressed once per revision, outside of the main thread. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { constants, createGzip } from 'node:zlib';
import type { Access } from '../../access/keys.js';
import { MIN_COMPRESSED_BYTES } from '../../encode/body.js';
import type { DocumentRecord } from '../../engine/records.js';
import type { Store } from '../../engine/store.js';
import { documentState } from './document-state.js';
import { type Freshness, type ReadyResponse, readyResponse } from './ready.js';

/** Maximum combinations of documents whose responses are kept. One client that requests them all must not fill the memory. */
const MAX_KEPT = 50;
/** zlib hands over compressed bytes in chunks of this size. */
const CHUNK_BYTES = 1 << 16;

/** One generation of some documents. */
interface Snapshot {
  readonly parts: readonly Uint8Array[];
  readonly tag: string;
  readonly freshness: Freshness;
  readonly plain: ReadyResponse;
  /** Set when a client first accepts gzip. */
  compressed?: Promise<ReadyResponse>;
}

/**
 * @returns a function that returns the response with some documents, for what a key may see. Until something changes, it returns the
 * same one. `gzip` tells it whether the client accepts that
 */
export function createSnapshots(store: Store) {
  // Tags of a service that was restarted must not match those of the previous one.
  const run = randomBytes(6).toString('base64url');
  let revision = 0;
  const kept = new Map<string, Snapshot>();
  store.onChange(() => {
    revision++;
    kept.clear();
  });

  function snapshotOf(records: readonly DocumentRecord[], access: Access): Snapshot {
    // A part of the ETag, in which a comma would separate tags of If-None-Match.
    const names = records.map((record) => record.document.name).join('+');
    const key = `${access} ${names}`;
    const known = kept.get(key);
    if (known) return known;
    if (kept.size >= MAX_KEPT) kept.clear();
    const made = makeSnapshot(records, access, store.generation, `${run}.${revision}.${names}`);
    kept.set(key, made);
    return made;
  }

  return async function respond(records: readonly DocumentRecord[], access: Access, gzip: boolean): Promise<ReadyResponse> {
    const snapshot = snapshotOf(records, access);
    const bytes = snapshot.parts.reduce((sum, part) => sum + part.length, 0);
    if (!gzip || bytes < MIN_COMPRESSED_BYTES) return snapshot.plain;
    snapshot.compressed ??= compress(snapshot);
    return snapshot.compressed;
  };
}

function makeSnapshot(records: readonly DocumentRecord[], access: Access, generation: number, tag: string): Snapshot {
  const sampledAtMs = Math.max(0, ...records.map((record) => record.sampledAtMs ?? 0)) || Date.now();
  const parts = snapshotParts(records, generation, sampledAtMs, access);
  const byKey = records.some(({ secretBodies }) => secretBodies) ? { hasSecrets: access === 'secrets' } : undefined;
  const state = records.every((record) => record.state === 'fresh') ? 'fresh' : 'stale';
  const freshness = { modifiedMs: sampledAtMs, sampledAtMs, state, byKey };
  return { parts, tag, freshness, plain: readyResponse(parts, null, tag, freshness) };
}

/** Compresses in libuv's threads. Writing the parts one after the other saves a copy of all of them, which may be 60 MB. */
async function compress({ parts, tag, freshness }: Snapshot): Promise<ReadyResponse> {
  const gzip = createGzip({ level: constants.Z_BEST_SPEED, chunkSize: CHUNK_BYTES });
  const chunks: Buffer[] = [];
  gzip.on('data', (chunk: Buffer) => chunks.push(chunk));
  for (const part of parts) gzip.write(part);
  gzip.end();
  await once(gzip, 'end');
  return readyResponse(parts, chunks, tag, freshness);
}

/** @returns `{"generation":…,"sampledAt":…,"documents":{name:{"state":…,"sampledAt":…,"error":…,"data":…}}}` in parts */
export function snapshotParts(
  records: readonly DocumentRecord[],
  generation: number,
  sampledAtMs: number,
  access: Access = 'read',
): Uint8Array[] {
  const parts: Uint8Array[] = [];
  let text = `{"generation":${generation},"sampledAt":${rfc3339(sampledAtMs)},"documents":{`;
  for (const [index, record] of records.entries()) {
    const { document, bodies, secretBodies } = record;
    const head = JSON.stringify(documentState(record)).slice(0, -1);
    text += `${index > 0 ? '},' : ''}${JSON.stringify(document.name)}:${head},"data":`;
    const body = (access === 'secrets' && secretBodies?.get(null)) || bodies.get(null);
    if (!body) {
      text += 'null';
      continue;
    }
    parts.push(Buffer.from(text), body.json);
    text = '';
  }
  return [...parts, Buffer.from(`${text}${records.length > 0 ? '}' : ''}}}`)];
}

function rfc3339(ms: number): string {
  return JSON.stringify(new Date(ms).toISOString());
}
