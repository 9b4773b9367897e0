/** `/snapshot`: the documents' own bytes, compressed or not, joined; nothing is parsed, compressed or made anew. */
import { randomBytes } from 'node:crypto';
import type { Access } from '../../access/keys.js';
import { joinGzip, type Piece, plainPiece } from '../../encode/gzip.js';
import type { DocumentRecord } from '../../engine/records.js';
import type { Store } from '../../engine/store.js';
import { type ReadyResponse, readyResponse } from './ready.js';

/** Clients of one access point ask for a few combinations of documents; one that asks for all there are is not to fill the memory. */
const MOST_MADE = 50;

/**
 * @returns gives the answer of some documents to a kind of key; asked again before anything has changed, the same one
 */
export function createSnapshots(store: Store): (records: readonly DocumentRecord[], access: Access) => ReadyResponse {
  // Tags of a service that was started anew must not match those of before.
  const run = randomBytes(6).toString('base64url');
  let revision = 0;
  let made = new Map<string, ReadyResponse>();
  store.onChange(() => {
    revision++;
    if (made.size > 0) made = new Map();
  });
  return (records, access) => {
    // Part of the ETag: a comma would part the list of them in If-None-Match.
    const names = records.map((record) => record.document.name).join('+');
    const name = `${access} ${names}`;
    let answer = made.get(name);
    if (!answer) {
      if (made.size >= MOST_MADE) made.clear();
      answer = makeAnswer(records, access, store.generation, `${run}.${revision}.${names}`);
      made.set(name, answer);
    }
    return answer;
  };
}

function makeAnswer(records: readonly DocumentRecord[], access: Access, generation: number, tag: string): ReadyResponse {
  const sampledAtMs = Math.max(0, ...records.map((record) => record.sampledAtMs ?? 0)) || Date.now();
  const pieces = snapshotPieces(records, generation, sampledAtMs, access);
  const byKey = records.some(({ secretBodies }) => secretBodies) ? { hasSecrets: access === 'secrets' } : undefined;
  const state = records.every((record) => record.state === 'fresh') ? 'fresh' : 'stale';
  const json = pieces.map(({ bytes }) => bytes);
  const packed = pieces.some(({ gzip }) => gzip) ? joinGzip(pieces) : null;
  return readyResponse(json, packed, tag, { modifiedMs: sampledAtMs, sampledAtMs, state, byKey });
}

/** @returns `{"generation":…,"sampledAt":…,"documents":{name:{"state":…,"sampledAt":…,"error":…,"data":…}}}` in pieces */
export function snapshotPieces(
  records: readonly DocumentRecord[],
  generation: number,
  sampledAtMs: number,
  access: Access = 'read',
): Piece[] {
  const pieces: Piece[] = [];
  let text = `{"generation":${generation},"sampledAt":${rfc3339(sampledAtMs)},"documents":{`;
  for (const [index, { document, state, sampledAtMs: at, problem, bodies, secretBodies }] of records.entries()) {
    const head = JSON.stringify({ state, sampledAt: at === null ? null : new Date(at).toISOString(), error: problem }).slice(0, -1);
    text += `${index > 0 ? '},' : ''}${JSON.stringify(document.name)}:${head},"data":`;
    const body = (access === 'secrets' && secretBodies?.get(null)) || bodies.get(null);
    if (!body) {
      text += 'null';
      continue;
    }
    pieces.push(plainPiece(text), { bytes: body.json, gzip: body.gzip, crc: body.crc });
    text = '';
  }
  return [...pieces, plainPiece(`${text}${records.length > 0 ? '}' : ''}}}`)];
}

function rfc3339(ms: number): string {
  return JSON.stringify(new Date(ms).toISOString());
}
