/** `/events`: changes as server-sent events. */
import type Router from '@koa/router';
import type { Middleware } from 'koa';
import { DEFAULT_DOCUMENTS } from '../../documents/index.js';
import type { Store } from '../../engine/store.js';
import { givenIn } from '../../model/query.js';
import type { EventStreams } from '../events/streams.js';
import { HttpProblem } from '../responses/problem.js';
import { namesIn, recordsNamed } from './document-names.js';

export interface EventOptions {
  readonly store: Store;
  readonly events: EventStreams;
  /** Maximum number of listeners. Further ones get 503. */
  readonly maxListeners: number;
}

export function eventRoutes(router: Router, options: EventOptions): void {
  router.get('/events', events(options));
}

/**
 * @openapi
 * /events:
 *   get:
 *     operationId: getEvents
 *     summary: Changes as server-sent events
 *     description: |-
 *       First the current state, then every change, as it happens. Secrets are never sent, unless the service runs with `--expose-secrets`.
 *
 *       - An event named after a document has the whole document as its data.
 *       - `states` has the state of each document, `collectors` the state of each collector.
 *       - `client-joined` and `client-left` have the client.
 *
 *       The `id` of an event is the generation. A client that reconnects with `Last-Event-ID` gets only documents that changed since then.
 *       A slow client gets only the latest version of each document. The server keeps no backlog.
 *     tags: [Snapshot and events]
 *     parameters:
 *       - name: documents
 *         in: query
 *         description: Names of documents, separated by commas. Without it, the stream has all documents except the lists of blocked names.
 *         schema: { type: string }
 *         example: clients,networking
 *       - name: Last-Event-ID
 *         in: header
 *         description: The last `id` that the client received. Browsers send it when they reconnect.
 *         schema: { type: integer }
 *         example: 1795500557123
 *     responses:
 *       '200':
 *         description: Events, until the client disconnects.
 *         content:
 *           text/event-stream:
 *             schema: { type: string }
 *             example: |+
 *               event: dns/upstream
 *               id: 1795500557123
 *               data: {"upstream_nameserver":"192.168.1.1","servers":["192.168.1.1"]}
 *
 *       '400': { $ref: '#/components/responses/BadRequest' }
 *       '403': { $ref: '#/components/responses/Unauthorized' }
 *       '429': { $ref: '#/components/responses/TooManyKeys' }
 *       '503': { $ref: '#/components/responses/Busy' }
 */
function events({ store, events: streams, maxListeners }: EventOptions): Middleware {
  return function events(ctx) {
    const names = namesIn(givenIn(ctx.querystring).documents);
    const wants = names ? new Set(recordsNamed(store, names).map(({ document }) => document.name)) : DEFAULT_DOCUMENTS;
    if (streams.size >= maxListeners) {
      const detail = `${maxListeners} clients are listening, the limit (--events.listeners); try again later`;
      throw new HttpProblem(503, detail, { headers: { 'Retry-After': '10' } });
    }
    ctx.set({ 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store', Connection: 'close', 'X-Accel-Buffering': 'no' });
    ctx.status = 200;
    ctx.respond = false;
    // The stream ends with the connection, so that no chunk length has to be written for each listener.
    ctx.res.useChunkedEncodingByDefault = false;
    const lastId = ctx.get('Last-Event-ID');
    if (ctx.method === 'HEAD') ctx.res.end();
    else streams.open(ctx.res, wants, /^\d{1,15}$/.test(lastId) ? Number(lastId) : undefined);
  };
}
