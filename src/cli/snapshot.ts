import type { Config } from '../config/config.js';
import { DEFAULT_DOCUMENTS, documents } from '../documents/index.js';
import type { DocumentRecord } from '../engine/records.js';
import { UsageError } from '../errors.js';
import { snapshotParts } from '../http/responses/snapshot.js';
import { sampleOnce } from './sample-once.js';

/**
 * `apsnap snapshot [DOCUMENT…]`: samples once and prints what `/snapshot` would answer.
 *
 * @returns the exit status: 1 if a document could not be made
 */
export async function snapshot(config: Config, names: readonly string[]): Promise<number> {
  const unknown = names.find((name) => !documents.some((document) => document.name === name));
  if (unknown !== undefined) {
    throw new UsageError(
      `snapshot: no document ${JSON.stringify(unknown)}: expected ${documents.map((document) => document.name).join(', ')}`,
    );
  }
  const chosen = documents.filter(({ name }) => (names.length === 0 ? DEFAULT_DOCUMENTS.has(name) : names.includes(name)));
  const store = await sampleOnce(config, [...new Set(chosen.flatMap((document) => document.parts))]);
  const records = chosen.map((document) => store.documents.get(document.name) as DocumentRecord);
  for (const part of snapshotParts(records, store.generation, Date.now())) process.stdout.write(part);
  process.stdout.write('\n');
  return records.some((record) => record.state === 'absent') ? 1 : 0;
}
