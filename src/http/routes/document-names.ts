/** Names of documents in a query: `?documents=clients,system`. */
import type { DocumentRecord } from '../../engine/records.js';
import type { Store } from '../../engine/store.js';
import { quote } from '../../errors.js';
import { HttpProblem } from '../responses/problem.js';

/** Splits the parameter, which may be given several times. @returns undefined if it isn't given */
export function namesIn(given: string | string[] | undefined): string[] | undefined {
  return given === undefined ? undefined : [given].flat().flatMap((list) => list.split(','));
}

/** Returns the records of documents, each once. @throws {HttpProblem} 400 if there is no such document */
export function recordsNamed(store: Store, names: readonly string[]): DocumentRecord[] {
  return [...new Set(names)].map((name) => {
    const record = store.documents.get(name);
    if (!record) throw new HttpProblem(400, `no document ${quote(name)}: expected ${[...store.documents.keys()].join(', ')}`);
    return record;
  });
}
