/** Ready responses of documents and their pages, by path. They are made again when a document changes. */
import { SECRETS_KEY_VARIABLE } from '../../access/env-file.js';
import type { Access } from '../../access/keys.js';
import type { DocumentRecord, StoredBody } from '../../engine/records.js';
import type { Store } from '../../engine/store.js';
import { HttpProblem, notYet, problemResponse } from './problem.js';
import { type ReadyResponse, readyResponse } from './ready.js';

const HIDDEN = problemResponse(
  new HttpProblem(403, `this page is secret: use the key in ${SECRETS_KEY_VARIABLE}, or start apsnap with --expose-secrets`),
);

export interface DocumentResponses {
  /**
   * Looks up a response.
   *
   * @param path as in a request, not decoded, without a query
   * @param access what the request's key can read
   */
  get(path: string, access: Access): ReadyResponse | undefined;
}

type ByPath = Map<string, ReadyResponse>;

/**
 * Keeps a response for each path of the store's documents.
 *
 * @param exposeSecrets whether every key can read secret pages
 */
export function createDocumentResponses(store: Store, exposeSecrets: boolean): DocumentResponses {
  const responses: ByPath = new Map();
  /** For keys that can read secrets, where that makes a difference. */
  const withSecrets: ByPath = new Map();
  const paths = new Map<DocumentRecord, readonly string[]>();

  function update(record: DocumentRecord): void {
    const now = responsesOf(record, exposeSecrets);
    const secret = secretResponsesOf(record);
    for (const path of paths.get(record) ?? []) {
      if (!now.has(path)) responses.delete(path);
      if (!secret.has(path)) withSecrets.delete(path);
    }
    for (const [path, response] of now) responses.set(path, response);
    for (const [path, response] of secret) withSecrets.set(path, response);
    paths.set(record, [...new Set([...now.keys(), ...secret.keys()])]);
  }

  for (const record of store.documents.values()) update(record);
  store.onChange(update);
  return { get: (path, access) => (access === 'secrets' && withSecrets.get(path)) || responses.get(path) };
}

function pathOf({ document }: DocumentRecord, page: string | null): string {
  return page === null ? `/${document.name}` : `/${document.name}/${encodeURIComponent(page)}`;
}

function responsesOf(record: DocumentRecord, exposeSecrets: boolean): ByPath {
  const responses: ByPath = new Map();
  const { document, bodies, secretBodies } = record;
  if (bodies.size === 0) responses.set(pathOf(record, null), problemResponse(notYet(record)));
  const isHidden = document.pages?.secret && !exposeSecrets;
  for (const [page, body] of bodies) {
    const response = page !== null && isHidden ? HIDDEN : responseOf(record, body, secretBodies && { hasSecrets: false });
    responses.set(pathOf(record, page), response);
  }
  return responses;
}

function secretResponsesOf(record: DocumentRecord): ByPath {
  const bodies = [...(record.secretBodies ?? [])];
  return new Map(bodies.map(([page, body]) => [pathOf(record, page), responseOf(record, body, { hasSecrets: true })]));
}

function responseOf(
  { state, sampledAtMs }: DocumentRecord,
  { json, gzip, tag, modifiedMs }: StoredBody,
  byKey: { readonly hasSecrets: boolean } | undefined,
): ReadyResponse {
  return readyResponse([json], gzip && [gzip], tag, { state, sampledAtMs: sampledAtMs ?? modifiedMs, modifiedMs, byKey });
}
