/** `/snapshot`: the documents' own bytes, joined; nothing is parsed or made anew. */
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import type { DocumentRecord, Store } from '../store.js';
import { type ReadyAnswer, readyAnswer } from './answers.js';

const compress = promisify(gzip);
const WORTH_COMPRESSING_BYTES = 1_200;

/**
 * @returns gives the answer of some documents; asked again before anything has changed, the same one
 */
export function createSnapshots(store: Store): (records: readonly DocumentRecord[]) => Promise<ReadyAnswer> {
  // Tags of a service that was started anew must not match those of before.
  const run = randomBytes(6).toString('base64url');
  let revision = 0;
  let made = new Map<string, Promise<ReadyAnswer>>();
  store.onChange(() => {
    revision++;
    if (made.size > 0) made = new Map();
  });
  return (records) => {
    // Part of the ETag: a comma would part the list of them in If-None-Match.
    const names = records.map((record) => record.document.name).join('+');
    let answer = made.get(names);
    if (!answer) {
      answer = makeAnswer(records, store.generation, `${run}.${revision}.${names}`);
      made.set(names, answer);
    }
    return answer;
  };
}

async function makeAnswer(records: readonly DocumentRecord[], generation: number, tag: string): Promise<ReadyAnswer> {
  const sampledAtMs = Math.max(0, ...records.map((record) => record.sampledAtMs ?? 0)) || Date.now();
  const json = snapshotJson(records, generation, sampledAtMs);
  const packed = json.length < WORTH_COMPRESSING_BYTES ? null : await compress(json, { level: constants.Z_BEST_SPEED });
  const state = records.every((record) => record.state === 'fresh') ? 'fresh' : 'stale';
  return readyAnswer(json, packed, tag, { modifiedMs: sampledAtMs, sampledAtMs, state });
}

/** @returns the bytes of `{"generation":…,"sampledAt":…,"documents":{name:{"state":…,"sampledAt":…,"error":…,"data":…}}}` */
export function snapshotJson(records: readonly DocumentRecord[], generation: number, sampledAtMs: number): Buffer {
  const pieces: Uint8Array[] = [];
  const add = (text: string) => pieces.push(Buffer.from(text));
  add(`{"generation":${generation},"sampledAt":${rfc3339(sampledAtMs)},"documents":{`);
  for (const [index, { document, state, sampledAtMs: at, problem, bodies }] of records.entries()) {
    const head = JSON.stringify({ state, sampledAt: at === null ? null : new Date(at).toISOString(), error: problem }).slice(0, -1);
    add(`${index > 0 ? ',' : ''}${JSON.stringify(document.name)}:${head},"data":`);
    pieces.push(bodies.get(null)?.json ?? Buffer.from('null'));
    add('}');
  }
  add('}}');
  return Buffer.concat(pieces);
}

function rfc3339(ms: number): string {
  return JSON.stringify(new Date(ms).toISOString());
}
