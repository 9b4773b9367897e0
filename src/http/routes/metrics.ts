/**
 * `/metrics` for Prometheus: what the worker rendered in its cycles, joined, and metrics of the collectors and of this process.
 * The worker renders only while a client scrapes. The text is kept until something changes, with its compressed form, so that ten scrapers
 * cost as much as one.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { constants, gzip as gzipWithCallback } from 'node:zlib';
import type Router from '@koa/router';
import type { Middleware } from 'koa';
import { MIN_COMPRESSED_BYTES } from '../../encode/body.js';
import { joinFamilies, METRICS_CONTENT_TYPE, METRICS_END, type MetricsFormat, renderFamilies } from '../../encode/prometheus.js';
import { monotonicMs } from '../../engine/clock.js';
import { isExpired, problemOf } from '../../engine/freshness.js';
import type { CollectorRecord, DocumentRecord } from '../../engine/records.js';
import type { Scheduler } from '../../engine/schedule.js';
import type { Store } from '../../engine/store.js';
import { quote } from '../../errors.js';
import { gauge, type MetricFamily, perRow } from '../../model/metrics.js';
import { acceptsGzip } from '../responses/negotiation.js';
import { HttpProblem } from '../responses/problem.js';
import { processFamilies } from './process-metrics.js';

const gzip = promisify(gzipWithCallback);

/** Maximum age of a cached text. Metrics of this process change all the time, and nothing reports that a sample has expired. */
const KEPT_MS = 1_000;
/** How long the worker renders metrics after a scrape: longer than any scrape interval. */
const WANTED_MS = 600_000;
/** Maximum wait of the first scrape for metrics: half of Prometheus' default timeout. The rest comes with the next scrape. */
const MAX_WAIT_MS = 5_000;
/** Texts of different formats and choices that are kept. Beyond that, all are dropped. */
const MAX_KEPT = 8;
/** The name in `collect[]` for the metrics of this process. */
const PROCESS = 'process';

/** One text, and its compressed form once a client has asked for it. */
interface Page {
  readonly text: Promise<Buffer>;
  gzip: Promise<Buffer> | undefined;
}

export interface MetricsOptions {
  readonly store: Store;
  readonly scheduler: Scheduler;
  /** Returns when the service's certificate expires, in Unix milliseconds; undefined without TLS. */
  certificateExpiresMs?: (() => number | undefined) | undefined;
}

export function metricsRoutes(router: Router, { store, scheduler, certificateExpiresMs }: MetricsOptions): void {
  router.get('/metrics', createMetrics(store, scheduler, certificateExpiresMs));
}

/**
 * @openapi
 * /metrics:
 *   get:
 *     operationId: getMetrics
 *     summary: Metrics for Prometheus
 *     description: |-
 *       Prometheus text 0.0.4, or OpenMetrics 1.0 if `Accept` prefers it. Values that have not been sampled for three intervals are left out.
 *       Names and labels are those of node_exporter where the meaning is the same.
 *     tags: [Metrics and history]
 *     parameters:
 *       - name: collect[]
 *         in: query
 *         description: A collector or document whose metrics are wanted, or `process` for those of the service itself. May be repeated.
 *         schema: { type: array, items: { type: string } }
 *         example: [cpu, stations, clients]
 *         style: form
 *         explode: true
 *     responses:
 *       '200':
 *         description: The metrics.
 *         content:
 *           text/plain:
 *             schema: { type: string }
 *             example: |
 *               # HELP node_load1 1m load average.
 *               # TYPE node_load1 gauge
 *               node_load1 0.21
 *           application/openmetrics-text:
 *             schema: { type: string }
 *             example: |
 *               # HELP node_load1 1m load average.
 *               # TYPE node_load1 gauge
 *               node_load1 0.21
 *               # EOF
 *       '400': { $ref: '#/components/responses/BadRequest' }
 *       '403': { $ref: '#/components/responses/Unauthorized' }
 *       '429': { $ref: '#/components/responses/TooManyKeys' }
 */
export function createMetrics(store: Store, scheduler: Scheduler, certificateExpiresMs?: () => number | undefined): Middleware {
  const wantMetrics = createDemand(store, scheduler);
  const pageOf = createPages(store, certificateExpiresMs);
  return async function metrics(ctx) {
    const format = preferredFormat(ctx.get('Accept'));
    const names = wantedNames(store, ctx.querystring);
    await wantMetrics();
    const page = pageOf(format, names);
    let body = await page.text;
    ctx.set({ 'Content-Type': METRICS_CONTENT_TYPE[format], 'Cache-Control': 'no-store' });
    ctx.vary(['Accept', 'Accept-Encoding']);
    if (body.length >= MIN_COMPRESSED_BYTES && acceptsGzip(ctx.get('Accept-Encoding'))) {
      page.gzip ??= gzip(body, { level: constants.Z_BEST_SPEED });
      body = await page.gzip;
      ctx.set('Content-Encoding', 'gzip');
    }
    ctx.body = body;
  };
}

/**
 * Has the worker render metrics while clients request them.
 *
 * @returns a function to call for each scrape; its promise resolves once metrics are rendered, or after {@link MAX_WAIT_MS}
 */
function createDemand(store: Store, scheduler: Scheduler): () => Promise<void> {
  let rendered: Promise<void> | undefined;
  let idle: NodeJS.Timeout | undefined;
  return () => {
    clearTimeout(idle);
    idle = setTimeout(() => {
      store.wantsMetrics = false;
      rendered = undefined;
    }, WANTED_MS);
    idle.unref();
    store.wantsMetrics = true;
    // The worker keeps what it needs to render the last samples.
    rendered ??= Promise.race([scheduler.sample([]), sleep(MAX_WAIT_MS, undefined, { ref: false })]);
    return rendered;
  };
}

/** Keeps texts until something changes. */
function createPages(
  store: Store,
  certificateExpiresMs: (() => number | undefined) | undefined,
): (format: MetricsFormat, names: readonly string[] | undefined) => Page {
  let pages = new Map<string, Page>();
  let revision = -1;
  let untilMs = 0;
  return (format, names) => {
    if (store.revision !== revision || monotonicMs() > untilMs || pages.size >= MAX_KEPT) {
      pages = new Map();
      revision = store.revision;
      untilMs = monotonicMs() + KEPT_MS;
    }
    const key = [format, ...(names ?? [])].join(' ');
    const page: Page = pages.get(key) ?? { text: makeText(store, format, names, certificateExpiresMs?.()), gzip: undefined };
    pages.set(key, page);
    return page;
  };
}

/** Returns the names in a query, each once and sorted; undefined for everything. */
function wantedNames(store: Store, search: string): string[] | undefined {
  const query = new URLSearchParams(search);
  const names = new Set([...query.getAll('collect[]'), ...query.getAll('collect')]);
  const known = new Set([...store.collectors.keys(), ...store.documents.keys(), PROCESS]);
  for (const name of names) {
    if (known.has(name)) continue;
    throw new HttpProblem(400, `no collector ${quote(name)}: expected ${[...known].join(', ')}`);
  }
  return names.size === 0 ? undefined : [...names].sort();
}

async function makeText(
  store: Store,
  format: MetricsFormat,
  names: readonly string[] | undefined,
  certificateExpiresMs: number | undefined,
): Promise<Buffer> {
  const isWanted = (name: string) => names === undefined || names.includes(name);
  const collectors = [...store.collectors.values()].filter((record) => isWanted(record.collector.name));
  const documents = [...store.documents.values()].filter((record) => isWanted(record.document.name));
  const families = [
    ...collectors.filter((record) => !isExpired(record)).flatMap((record) => record.metrics),
    ...documents.filter((record) => isCurrent(store, record)).flatMap((record) => record.metrics),
    ...renderFamilies(collectorFamilies(collectors)),
    ...(isWanted(PROCESS) ? renderFamilies([...(await processFamilies()), certificateFamily(certificateExpiresMs)]) : []),
  ];
  return Buffer.from(joinFamilies(families, format) + METRICS_END[format]);
}

function certificateFamily(expiresMs: number | undefined): MetricFamily {
  const seconds = expiresMs === undefined ? undefined : expiresMs / 1000;
  return gauge('apsnap_tls_certificate_expiry_timestamp_seconds', 'Expiry of the TLS certificate in use, in unixtime.', seconds);
}

/** Checks whether all required parts of a document are current. */
function isCurrent({ collectors }: Store, { document }: DocumentRecord): boolean {
  return document.required.every((name) => !isExpired(collectors.get(name) as CollectorRecord));
}

function collectorFamilies(records: readonly CollectorRecord[]): MetricFamily[] {
  const family = (name: string, help: string, value: (record: CollectorRecord) => number | null) =>
    perRow(`apsnap_collector_${name}`, 'gauge', help, records, (record) => ({
      labels: { collector: record.collector.name },
      value: value(record),
    }));
  return [
    family('last_success_timestamp_seconds', 'Time of the last good sample, in unixtime.', ({ goodAtMs }) =>
      goodAtMs === undefined ? null : goodAtMs / 1000,
    ),
    family('duration_seconds', 'Duration of the last sample, in seconds.', ({ endedAtMonotonicMs, tookMs }) =>
      endedAtMonotonicMs === undefined ? null : Math.round(tookMs * 1000) / 1e6,
    ),
    family('success', 'Value is 1 if the last sample succeeded and is not overdue, 0 otherwise.', (record) =>
      Number(problemOf(record) === null),
    ),
    family('interval_seconds', 'Time between two samples, in seconds.', ({ intervalMs }) =>
      Number.isFinite(intervalMs) ? intervalMs / 1000 : null,
    ),
  ];
}

/**
 * Returns the format that `Accept` prefers, RFC 9110, 12.5.1. Prometheus 2 and 3 name both, and OpenMetrics with the greater weight:
 *
 *     application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*\/*;q=0.1
 *     application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,…,text/plain;version=0.0.4;q=0.2,*\/*;q=0.1
 *
 * A client that names neither gets text.
 */
export function preferredFormat(accept: string): MetricsFormat {
  const weights: { openmetrics: number; plain?: number; any: number } = { openmetrics: 0, any: 0 };
  for (const item of accept.toLowerCase().split(',')) {
    const [type, ...parameters] = item.split(';').map((part) => part.trim());
    const parameter = (name: string) => parameters.find((text) => text.startsWith(`${name}=`))?.slice(name.length + 1);
    const version = parameter('version')?.replace(/^"(.*)"$/, '$1');
    const weight = Number(parameter('q') ?? 1) || 0;
    if (type === 'application/openmetrics-text' && (version === undefined || version === '1.0.0'))
      weights.openmetrics = Math.max(weights.openmetrics, weight);
    else if (type === 'text/plain' && (version === undefined || version === '0.0.4')) weights.plain = Math.max(weights.plain ?? 0, weight);
    else if (type === 'text/*' || type === '*/*') weights.any = Math.max(weights.any, weight);
  }
  return weights.openmetrics > 0 && weights.openmetrics >= (weights.plain ?? weights.any) ? 'openmetrics' : 'prometheus';
}
