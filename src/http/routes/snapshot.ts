/** `/snapshot`: all documents at one moment, and sampling on request. */
import type Router from '@koa/router';
import type { Middleware } from 'koa';
import { DEFAULT_DOCUMENTS } from '../../documents/index.js';
import type { Scheduler } from '../../engine/schedule.js';
import type { Store } from '../../engine/store.js';
import { givenIn } from '../../model/query.js';
import { jsonBody } from '../middleware/json-body.js';
import { accessOf } from '../middleware/require-key.js';
import { documentState } from '../responses/document-state.js';
import { acceptsGzip } from '../responses/negotiation.js';
import { HttpProblem } from '../responses/problem.js';
import { respond } from '../responses/ready.js';
import { createSnapshots } from '../responses/snapshot.js';
import { namesIn, recordsNamed } from './document-names.js';

export interface SnapshotOptions {
  readonly store: Store;
  readonly scheduler: Scheduler;
}

export function snapshotRoutes(router: Router, options: SnapshotOptions): void {
  router.get('/snapshot', snapshot(options.store));
  router.post('/snapshot/refresh', jsonBody(), refresh(options));
}

/**
 * @openapi
 * /snapshot:
 *   get:
 *     operationId: getSnapshot
 *     summary: All documents in one response
 *     description: Documents with their states, all at one generation. `data` is the same as the response of the document's own path.
 *     tags: [Snapshot and events]
 *     parameters:
 *       - name: documents
 *         in: query
 *         description: Names of documents, separated by commas. Without it, the response has all documents except the lists of blocked names.
 *         schema: { type: string }
 *         example: dns/upstream
 *     responses:
 *       '200':
 *         description: The documents at one generation.
 *         content:
 *           application/json:
 *             schema: { $ref: '#/components/schemas/Snapshot' }
 *             example:
 *               generation: 1795500557123
 *               sampledAt: '2026-11-24T07:29:17.123Z'
 *               documents:
 *                 dns/upstream:
 *                   state: fresh
 *                   sampledAt: '2026-11-24T07:29:17.123Z'
 *                   error: null
 *                   data: { upstream_nameserver: "192.168.1.1\n9.9.9.9", servers: [192.168.1.1, 9.9.9.9] }
 *       '304': { $ref: '#/components/responses/NotModified' }
 *       '400': { $ref: '#/components/responses/BadRequest' }
 *       '403': { $ref: '#/components/responses/Unauthorized' }
 *       '429': { $ref: '#/components/responses/TooManyKeys' }
 */
function snapshot(store: Store): Middleware {
  const snapshots = createSnapshots(store);
  return async function snapshot(ctx) {
    const names = namesIn(givenIn(ctx.querystring).documents);
    const records = recordsNamed(store, names ?? [...DEFAULT_DOCUMENTS]);
    respond(ctx, await snapshots(records, accessOf(ctx), acceptsGzip(ctx.get('Accept-Encoding') || undefined)));
  };
}

/**
 * @openapi
 * /snapshot/refresh:
 *   post:
 *     operationId: refreshSnapshot
 *     summary: Sample now
 *     description: Samples the documents' sources and responds when the new values are served. Concurrent requests share one sample.
 *     tags: [Snapshot and events]
 *     requestBody:
 *       required: false
 *       content:
 *         application/json:
 *           schema:
 *             type: object
 *             properties:
 *               documents:
 *                 type: array
 *                 items: { type: string }
 *                 description: Names of documents. Without it, all documents are sampled.
 *           example: { documents: [clients] }
 *     responses:
 *       '200':
 *         description: The documents have been sampled.
 *         content:
 *           application/json:
 *             schema: { $ref: '#/components/schemas/Refreshed' }
 *             example:
 *               generation: 1795500557124
 *               documents: { clients: { state: fresh, sampledAt: '2026-11-24T07:29:18.004Z', error: null } }
 *       '400': { $ref: '#/components/responses/BadRequest' }
 *       '403': { $ref: '#/components/responses/Unauthorized' }
 *       '413': { $ref: '#/components/responses/TooLarge' }
 *       '415': { $ref: '#/components/responses/NotJson' }
 *       '429': { $ref: '#/components/responses/TooManyKeys' }
 */
function refresh({ store, scheduler }: SnapshotOptions): Middleware {
  return async function refresh(ctx) {
    const names = requestedDocuments(ctx.request.body);
    const records = names ? recordsNamed(store, names) : [...store.documents.values()];
    await scheduler.sample([...new Set(records.flatMap((record) => record.document.parts))], true);
    ctx.set('Cache-Control', 'no-store');
    ctx.body = {
      generation: store.generation,
      documents: Object.fromEntries(records.map((record) => [record.document.name, documentState(record)])),
    };
  };
}

function requestedDocuments(body: unknown): string[] | undefined {
  const { documents: names } = (body ?? {}) as { documents?: unknown };
  if (names === undefined && !Array.isArray(body)) return undefined;
  if (Array.isArray(names) && names.length > 0 && names.every((name) => typeof name === 'string')) return names;
  throw new HttpProblem(400, '"documents" is not a list of names: expected {"documents":["clients"]}');
}
