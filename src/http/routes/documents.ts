/**
 * Documents and their pages, where the ready response for exactly the requested path wasn't sent before Koa: queries, a trailing slash, or
 * a path that is encoded differently. Their part of the specification is made of their definitions, in ../openapi/documents.ts.
 */
import type Router from '@koa/router';
import type { Middleware } from 'koa';
import { documents } from '../../documents/index.js';
import type { Store } from '../../engine/store.js';
import type { Workers } from '../../engine/worker-pool.js';
import { quote } from '../../errors.js';
import { accessOf } from '../middleware/require-key.js';
import type { DocumentResponses } from '../responses/document-responses.js';
import { HttpProblem, notYet } from '../responses/problem.js';
import { createQueries } from '../responses/queries.js';
import { respond } from '../responses/ready.js';

export interface DocumentOptions {
  readonly store: Store;
  /** Runs queries in a worker. */
  readonly workers: Workers;
  readonly responses: DocumentResponses;
}

export function documentRoutes(router: Router, options: DocumentOptions): void {
  const handler = document(options);
  for (const { name, pages } of documents) {
    router.get(`/${name}`, handler);
    if (pages) router.get(`/${name}/:${pages.parameter}`, handler);
  }
}

function document({ store, workers, responses }: DocumentOptions): Middleware {
  const query = createQueries(workers);
  return async function document(ctx) {
    const path = ctx.path.replace(/(?<=.)\/$/, '');
    const access = accessOf(ctx);
    const record = store.documents.get(path.slice(1));
    const result = record && (await query(record, ctx.querystring));
    const response = result ?? responses.get(path, access) ?? responses.get(reencoded(path), access);
    if (!response) throw notFound(store, path);
    respond(ctx, response);
  };
}

/** Returns the path as {@link DocumentResponses} has it, however the client encoded it. */
function reencoded(path: string): string {
  try {
    const names = path.split('/').map(decodeURIComponent);
    return names.map(encodeURIComponent).join('/');
  } catch {
    return path; // A malformed escape can't be a name.
  }
}

function notFound(store: Store, path: string): HttpProblem {
  const record = [...store.documents.values()].find(({ document: { name } }) => `${path}/`.startsWith(`/${name}/`));
  if (record?.state === 'absent') return notYet(record);
  const parameter = record?.document.pages?.parameter;
  if (!parameter) return new HttpProblem(404, 'no such document');
  return new HttpProblem(404, `no such ${parameter}: ${quote(path.slice(path.lastIndexOf('/') + 1))}`);
}
