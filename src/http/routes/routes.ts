/** The endpoints, and what the specification says of those that are no documents. */
import Router from '@koa/router';
import type { Context, Middleware } from 'koa';
import type { Access } from '../../access/keys.js';
import { documents } from '../../documents/index.js';
import type { History } from '../../engine/history.js';
import type { DocumentRecord } from '../../engine/records.js';
import type { Scheduler } from '../../engine/schedule.js';
import type { Store } from '../../engine/store.js';
import type { Sampler } from '../../engine/worker-pool.js';
import { quote } from '../../errors.js';
import { givenIn } from '../../model/query.js';
import { lackingOf } from '../../service/readiness.js';
import { corsHeaders } from '../middleware/cors.js';
import { SECURITY_HEADERS } from '../middleware/security-headers.js';
import { latePackage } from '../packages.js';
import { HttpProblem, notYet } from '../responses/problem.js';
import { createQueries } from '../responses/queries.js';
import { type ReadyResponses, sendReady } from '../responses/ready.js';
import { createSnapshots } from '../responses/snapshot.js';
import { collectorStates } from './collectors.js';
import { dashboard } from './dashboard.js';
import { docs } from './docs.js';
import { DEFAULT_DOCUMENTS, type EventStreams } from './events.js';
import { historyRoute } from './history.js';
import { createMetrics } from './metrics.js';

const loadBodyParser = latePackage<typeof import('koa-bodyparser')>('koa-bodyparser');

/** A body may be this long; the only one there is names documents. */
const MAX_BODY_BYTES = 65_536;

/** Which pages there are. */
export interface Pages {
  readonly dashboard: boolean;
  /** With the specification that it shows. */
  readonly docs: boolean;
}

/** Endpoints that need no key and tell nothing about the machine. */
export function openRoutes(store: Store, specification: Uint8Array, pages: Pages): Router {
  const router = new Router();

  /**
   * @openapi
   * /healthz:
   *   get:
   *     summary: The process is alive
   *     tags: [Health]
   *     security: []
   *     responses:
   *       '200':
   *         description: It is
   *         content:
   *           application/json:
   *             schema: { type: object, properties: { status: { type: string, enum: [ok] } }, required: [status] }
   */
  router.get('/healthz', (ctx) => {
    ctx.set('Cache-Control', 'no-store');
    ctx.body = { status: 'ok' };
  });

  /**
   * @openapi
   * /readyz:
   *   get:
   *     summary: Every required collector is fresh, and what is made of them is there
   *     tags: [Health]
   *     security: []
   *     responses:
   *       '200':
   *         description: They are
   *         content:
   *           application/json:
   *             schema: { type: object, properties: { status: { type: string, enum: [ready] } }, required: [status] }
   *       '503':
   *         description: Some are not; `collectors` names them
   *         content:
   *           application/problem+json:
   *             schema:
   *               allOf:
   *                 - $ref: '#/components/schemas/Problem'
   *                 - { type: object, properties: { collectors: { type: array, items: { type: string } } }, required: [collectors] }
   */
  router.get('/readyz', (ctx) => {
    ctx.set('Cache-Control', 'no-store');
    const lacking = lackingOf(store);
    if (lacking) throw new HttpProblem(503, lacking.text, { headers: { 'Retry-After': '1' }, collectors: lacking.collectors });
    ctx.body = { status: 'ready' };
  });

  if (pages.docs) router.get(['/docs', '/docs/{*file}', '/openapi.json'], docs(specification));
  if (pages.dashboard) router.get(['/', '/assets/{*file}'], dashboard(pages.docs));
  return router;
}

export interface KeyedOptions {
  readonly store: Store;
  readonly scheduler: Scheduler;
  /** ReadyResponses queries. */
  readonly sampler: Sampler;
  readonly corsOrigins: readonly string[];
  readonly events: EventStreams;
  /** How many may listen to events at once. */
  readonly maxListeners: number;
  readonly history: History;
  /** When the certificate of this service ends, Unix milliseconds; undefined: it has none. */
  certificateExpiresMs?(): number | undefined;
}

/** Endpoints that need the key. */
export function keyedRoutes(options: KeyedOptions, answers: ReadyResponses): Router {
  const { store, scheduler, sampler, corsOrigins, events, maxListeners, history } = options;
  const router = new Router();
  const snapshots = createSnapshots(store);
  const queries = createQueries(store, sampler);
  const recordsNamed = (names: string | string[]) => {
    const each = [names].flat().flatMap((list) => list.split(','));
    return recordsOf(store, each);
  };

  const send: Middleware = async (ctx) => {
    const path = ctx.path.replace(/(?<=.)\/$/, '');
    const record = store.documents.get(path.slice(1));
    const answer =
      (record && (await queries(record, ctx.querystring))) ??
      answers.get(path, accessOf(ctx)) ??
      answers.get(reencoded(path), accessOf(ctx));
    if (!answer) throw notThere(store, path);
    ctx.respond = false;
    ctx.status = sendReady(ctx.req, ctx.res, answer, corsHeaders(ctx.get('Origin') || undefined, corsOrigins));
  };
  for (const { name, pages } of documents) {
    router.get(`/${name}`, send);
    if (pages) router.get(`/${name}/:${pages.parameter}`, send);
  }

  router.get('/metrics', createMetrics(store, scheduler, options.certificateExpiresMs));

  /**
   * @openapi
   * /snapshot:
   *   get:
   *     summary: All documents at once
   *     tags: [Snapshot]
   *     parameters:
   *       - name: documents
   *         in: query
   *         description: Names of documents, separated by commas; without it all
   *         schema: { type: string }
   *     responses:
   *       '200':
   *         description: The documents at one generation
   *         content:
   *           application/json:
   *             schema: { $ref: '#/components/schemas/Snapshot' }
   *       '304': { description: Nothing has changed since the answer with the ETag in `If-None-Match` }
   *       '400': { $ref: '#/components/responses/BadRequest' }
   *       '403': { $ref: '#/components/responses/Unauthorized' }
   *       '429': { $ref: '#/components/responses/TooManyKeys' }
   */
  router.get('/snapshot', (ctx) => {
    const { documents: names } = givenIn(ctx.querystring);
    const records = names === undefined ? [...store.documents.values()] : recordsNamed(names);
    const answer = snapshots(records, accessOf(ctx));
    ctx.respond = false;
    ctx.status = sendReady(ctx.req, ctx.res, answer, corsHeaders(ctx.get('Origin') || undefined, corsOrigins));
  });

  /**
   * @openapi
   * /events:
   *   get:
   *     summary: What changes, as it changes
   *     description: >-
   *       The same to every key: no secrets but with `--expose-secrets`. Server-sent events: `event` is the name of a document, `data` the document, `id` counts changes. First comes what there is, then what changes.
   *       With `Last-Event-ID` only what has changed since comes first. `states` says which documents are fresh, `collectors` how each collector is;
   *       `client-joined` and `client-left` have the client.
   *     tags: [Snapshot]
   *     parameters:
   *       - name: documents
   *         in: query
   *         description: Names of documents, separated by commas; without it all but the lists of blocked names
   *         schema: { type: string }
   *       - name: Last-Event-ID
   *         in: header
   *         schema: { type: integer }
   *     responses:
   *       '200':
   *         description: Events without end
   *         content:
   *           text/event-stream: { schema: { type: string } }
   *       '400': { $ref: '#/components/responses/BadRequest' }
   *       '403': { $ref: '#/components/responses/Unauthorized' }
   *       '429': { $ref: '#/components/responses/TooManyKeys' }
   *       '503': { $ref: '#/components/responses/Busy' }
   */
  router.get('/events', (ctx) => {
    const { documents: names } = givenIn(ctx.querystring);
    const wants = names === undefined ? DEFAULT_DOCUMENTS : new Set(recordsNamed(names).map((record) => record.document.name));
    if (events.size >= maxListeners) {
      throw new HttpProblem(503, `${maxListeners} listen already: try again later`, { headers: { 'Retry-After': '10' } });
    }
    const lastId = ctx.get('Last-Event-ID');
    ctx.respond = false;
    ctx.status = 200;
    // Without chunks, for a chunk's length would be written anew for each listener: the stream ends with the connection.
    ctx.res.useChunkedEncodingByDefault = false;
    ctx.res.writeHead(200, [
      ...['Content-Type', 'text/event-stream', 'Cache-Control', 'no-store', 'Connection', 'close', 'X-Accel-Buffering', 'no'],
      ...SECURITY_HEADERS,
      ...corsHeaders(ctx.get('Origin') || undefined, corsOrigins),
    ]);
    if (ctx.method === 'HEAD') ctx.res.end();
    else events.open(ctx.res, wants, /^\d{1,15}$/.test(lastId) ? Number(lastId) : undefined);
  });

  /**
   * @openapi
   * /history:
   *   get:
   *     summary: What was
   *     description: >-
   *       Rows of series: of the last hour a second, of the last day a minute, of the last week ten minutes. Where a row stands for more than a second,
   *       each series has its mean, and `NAME_min` and `NAME_max`. The memory is lost when the service ends.
   *     tags: [Snapshot]
   *     parameters:
   *       - { name: series, in: query, description: 'Names, separated by commas; without it all', schema: { type: string } }
   *       - { name: since, in: query, description: 'RFC 3339 or Unix seconds; without it an hour before `until`', schema: { type: string } }
   *       - { name: until, in: query, description: 'RFC 3339 or Unix seconds; without it now', schema: { type: string } }
   *       - { name: step, in: query, description: 'Seconds from row to row; without it as many as make a good plot', schema: { type: integer, minimum: 1 } }
   *     responses:
   *       '200':
   *         description: The oldest first
   *         content:
   *           application/json:
   *             schema:
   *               type: array
   *               items:
   *                 type: object
   *                 properties: { time: { type: string, format: date-time } }
   *                 required: [time]
   *                 additionalProperties: { type: [number, 'null'] }
   *           text/csv: { schema: { type: string } }
   *       '400': { $ref: '#/components/responses/BadRequest' }
   *       '403': { $ref: '#/components/responses/Unauthorized' }
   *       '429': { $ref: '#/components/responses/TooManyKeys' }
   *       '503': { $ref: '#/components/responses/Busy' }
   */
  router.get('/history', historyRoute(history, sampler));

  /**
   * @openapi
   * /collectors:
   *   get:
   *     summary: How each collector is
   *     description: What `apsnap doctor` says, of the service itself
   *     tags: [Health]
   *     responses:
   *       '200':
   *         description: By collector
   *         content:
   *           application/json:
   *             schema: { $ref: '#/components/schemas/Collectors' }
   *       '403': { $ref: '#/components/responses/Unauthorized' }
   *       '429': { $ref: '#/components/responses/TooManyKeys' }
   */
  router.get('/collectors', (ctx) => {
    ctx.set('Cache-Control', 'no-store');
    ctx.body = { collectors: collectorStates(store) };
  });

  /**
   * @openapi
   * /snapshot/refresh:
   *   post:
   *     summary: Sample now
   *     description: ReadyResponses when the documents are there. Calls at the same time share one sample.
   *     tags: [Snapshot]
   *     requestBody:
   *       required: false
   *       content:
   *         application/json:
   *           schema:
   *             type: object
   *             properties:
   *               documents: { type: array, items: { type: string }, description: Names of documents; without it all, examples: [[clients]] }
   *     responses:
   *       '200':
   *         description: What was sampled
   *         content:
   *           application/json:
   *             schema: { $ref: '#/components/schemas/Refreshed' }
   *       '400': { $ref: '#/components/responses/BadRequest' }
   *       '403': { $ref: '#/components/responses/Unauthorized' }
   *       '429': { $ref: '#/components/responses/TooManyKeys' }
   *       '413': { $ref: '#/components/responses/TooLarge' }
   *       '415': { $ref: '#/components/responses/NotJson' }
   */
  router.post('/snapshot/refresh', jsonBody, async (ctx) => {
    const names = requestedDocuments(ctx.request.body);
    const records = names ? recordsOf(store, names) : [...store.documents.values()];
    await scheduler.sampleAfresh([...new Set(records.flatMap((record) => record.document.parts))], true);
    ctx.set('Cache-Control', 'no-store');
    ctx.body = {
      generation: store.generation,
      documents: Object.fromEntries(records.map((record) => [record.document.name, describe(record)])),
    };
  });
  return router;
}

/** What the key of a request lets see, as the gate has found. */
function accessOf({ state }: Pick<Context, 'state'>): Access {
  return (state as { access?: Access }).access ?? 'read';
}

function describe({ state, sampledAtMs, problem }: DocumentRecord) {
  return { state, sampledAt: sampledAtMs === null ? null : new Date(sampledAtMs).toISOString(), error: problem };
}

function recordsOf(store: Store, names: readonly string[]): DocumentRecord[] {
  return [...new Set(names)].map((name) => {
    const record = store.documents.get(name);
    if (!record) throw new HttpProblem(400, `no document ${quote(name)}: expected ${[...store.documents.keys()].join(', ')}`);
    return record;
  });
}

/** The path as {@link ReadyResponses} has it, however the client chose to encode it. */
function reencoded(path: string): string {
  try {
    return path
      .split('/')
      .map((part) => encodeURIComponent(decodeURIComponent(part)))
      .join('/');
  } catch {
    return path; // a broken escape names nothing
  }
}

function notThere(store: Store, path: string): HttpProblem {
  const record = [...store.documents.values()].find(({ document: { name } }) => `${path}/`.startsWith(`/${name}/`));
  if (record?.state === 'absent') return notYet(record);
  return new HttpProblem(404, `no such ${record?.document.pages?.parameter ?? 'document'} here`);
}

/** Parses a JSON body, if there is one. Loaded on first use: hardly anyone posts, and it has a hundred files. */
const jsonBody: Middleware = async (ctx, next) => {
  const bodyParser = loadBodyParser();
  const hasBody = ctx.request.length !== 0 && (ctx.request.length !== undefined || ctx.get('Transfer-Encoding') !== '');
  const notJson = () => new HttpProblem(415, `the body is ${ctx.get('Content-Type') || 'of no named type'}: expected application/json`);
  if (hasBody && !ctx.is('json')) throw notJson();
  // RFC 8259: JSON is UTF-8, whatever a parameter says; who names another may have written that.
  if (hasBody && !/^(?:utf-?8|us-ascii)?$/i.test(ctx.request.charset)) {
    throw new HttpProblem(415, `the body's charset is ${quote(ctx.request.charset)}: expected utf-8`);
  }
  await bodyParser({
    enableTypes: ['json'],
    jsonLimit: String(MAX_BODY_BYTES),
    onerror(error) {
      const { status } = error as Error & { status?: number };
      if (status === 413) throw new HttpProblem(413, `the body has more than ${MAX_BODY_BYTES} bytes`);
      throw new HttpProblem(400, `the body is no JSON object: ${error.message}`);
    },
  })(ctx, () => {
    // A type with a parameter that is none: it is not read then, and must not be taken for no body.
    if (hasBody && ctx.request.rawBody === undefined) throw notJson();
    return next();
  });
};

function requestedDocuments(body: unknown): string[] | undefined {
  const { documents: names } = (body ?? {}) as { documents?: unknown };
  if (names === undefined && !Array.isArray(body)) return undefined;
  if (Array.isArray(names) && names.length > 0 && names.every((name) => typeof name === 'string')) return names;
  throw new HttpProblem(400, `"documents" is not a list of names: expected {"documents":["clients"]}`);
}
