/** `/history`: past values of series, formatted by a worker. */
import type Router from '@koa/router';
import type { Middleware } from 'koa';
import { GOOD_ROWS, type History, type HistoryQuery, MAX_ROWS } from '../../engine/history.js';
import type { Workers } from '../../engine/worker-pool.js';
import { quote } from '../../errors.js';
import { type Given, givenIn } from '../../model/query.js';
import { busy, HttpProblem } from '../responses/problem.js';

/** Time before `until` at which the rows start, if `since` isn't given. */
const DEFAULT_SECONDS = 3_600;
/** Maximum number of rows times series. Larger requests get 400: a worker on a small board formats this many in a second. */
const MAX_VALUES = 200_000;

const CONTENT_TYPE = { json: 'application/json', csv: 'text/csv; charset=utf-8; header=present' } as const;

export interface HistoryOptions {
  readonly history: History;
  /** Formats rows in a worker. */
  readonly workers: Workers;
}

export function historyRoutes(router: Router, options: HistoryOptions): void {
  router.get('/history', rows(options));
}

/**
 * @openapi
 * /history:
 *   get:
 *     operationId: getHistory
 *     summary: Past values as rows
 *     description: |-
 *       Rows of numeric series, the oldest first: one row per second for the last hour, per minute for the last day, per ten minutes for the
 *       last week. If a row covers more than one second, each series has its mean, and its extremes as `NAME_min` and `NAME_max`.
 *       `Accept: text/csv` selects CSV. The history is in memory only and starts empty.
 *     tags: [Metrics and history]
 *     parameters:
 *       - name: series
 *         in: query
 *         description: Names of series, separated by commas. Without it, the rows have all series.
 *         schema: { type: string }
 *         example: cpu_busy_ratio
 *       - name: since
 *         in: query
 *         description: Start of the rows, as RFC 3339 or Unix seconds. Without it, one hour before `until`.
 *         schema: { type: string }
 *         example: '2026-11-23T22:00:00Z'
 *       - name: until
 *         in: query
 *         description: End of the rows, as RFC 3339 or Unix seconds. Without it, now.
 *         schema: { type: string }
 *         example: '2026-11-23T23:00:00Z'
 *       - name: step
 *         in: query
 *         description: Time from one row to the next, in seconds. Without it, the step that gives enough rows for a plot.
 *         schema: { type: integer, minimum: 1 }
 *         example: 60
 *     responses:
 *       '200':
 *         description: The rows, the oldest first.
 *         content:
 *           application/json:
 *             schema:
 *               type: array
 *               items:
 *                 type: object
 *                 properties: { time: { type: string, format: date-time } }
 *                 required: [time]
 *                 additionalProperties: { type: [number, 'null'] }
 *             example:
 *               - { time: '2026-11-23T22:00:00Z', cpu_busy_ratio: 0.12, cpu_busy_ratio_min: 0.03, cpu_busy_ratio_max: 0.4 }
 *           text/csv:
 *             schema: { type: string }
 *             example: "time,cpu_busy_ratio,cpu_busy_ratio_min,cpu_busy_ratio_max\r\n2026-11-23T22:00:00Z,0.12,0.03,0.4\r\n"
 *       '400': { $ref: '#/components/responses/BadRequest' }
 *       '403': { $ref: '#/components/responses/Unauthorized' }
 *       '429': { $ref: '#/components/responses/TooManyKeys' }
 *       '503': { $ref: '#/components/responses/Busy' }
 */
function rows({ history, workers }: HistoryOptions): Middleware {
  return async function rows(ctx) {
    const nowSeconds = Date.now() / 1000;
    const given = givenIn(ctx.querystring);
    const query = historyQuery(given, nowSeconds);
    const series = chosenSeries(history, given.series);
    const values = series.length * rowsOf(query);
    if (values > MAX_VALUES) {
      throw new HttpProblem(400, `${values} values: expected at most ${MAX_VALUES}; ask for fewer series or a larger step`);
    }
    const format = ctx.accepts('application/json', 'text/csv') === 'text/csv' ? 'csv' : 'json';
    const result = await workers.history({ series, query, format, nowSeconds });
    if (result.kind === 'busy') throw busy();
    if (result.kind === 'failed') throw new HttpProblem(503, result.message, { headers: { 'Retry-After': '1' } });
    ctx.set('Cache-Control', 'private, no-store');
    ctx.vary('Accept');
    ctx.type = CONTENT_TYPE[format];
    ctx.body = Buffer.from(result.bytes.buffer, result.bytes.byteOffset, result.bytes.byteLength);
  };
}

/**
 * Parses the time range and the step of a query.
 *
 * @throws {HttpProblem} 400 if a parameter isn't valid or the query asks for too many rows
 */
export function historyQuery(given: Given, nowSeconds: number): HistoryQuery {
  const until = Math.min(timeOf(given, 'until') ?? nowSeconds, nowSeconds);
  const since = timeOf(given, 'since') ?? until - DEFAULT_SECONDS;
  const step = stepOf(given);
  if (since > until) throw new HttpProblem(400, 'since: is after until, expected an earlier time');
  const query = { since, until, step };
  if (rowsOf(query) > MAX_ROWS) {
    throw new HttpProblem(400, `${rowsOf(query)} rows: expected at most ${MAX_ROWS}; ask for a larger step or less time`);
  }
  return query;
}

function rowsOf({ since, until, step }: HistoryQuery): number {
  return step === undefined ? GOOD_ROWS : Math.ceil((until - since) / step);
}

function one(given: Given, name: string): string | undefined {
  const value = given[name];
  if (Array.isArray(value)) throw new HttpProblem(400, `${name}: given ${value.length} times: expected once`);
  return value;
}

/** Parses RFC 3339 or Unix seconds. */
function timeOf(given: Given, name: string): number | undefined {
  const text = one(given, name);
  if (text === undefined) return undefined;
  const seconds = /^\d{1,11}(?:\.\d{1,9})?$/.test(text)
    ? Number(text)
    : /^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)$/.test(text)
      ? Date.parse(text) / 1000
      : Number.NaN;
  if (Number.isNaN(seconds)) {
    throw new HttpProblem(400, `${name}: ${quote(text)} is not valid: expected a time, 2026-11-23T22:00:00Z or Unix seconds`);
  }
  return seconds;
}

function stepOf(given: Given): number | undefined {
  const text = one(given, 'step');
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,5}$/.test(text)) {
    throw new HttpProblem(400, `step: ${quote(text)} is not valid: expected whole seconds, 1 to 999999`);
  }
  return Number(text);
}

/**
 * Returns the named series in that order, or all if no name is given.
 *
 * @throws {HttpProblem} 400 if there is no series of a name
 */
export function chosenSeries(history: History, given: string | string[] | undefined): [string, SharedArrayBuffer][] {
  if (given === undefined) return [...history.series];
  const names = [...new Set([given].flat().flatMap((list) => list.split(',')))];
  return names.map((name) => {
    const memory = history.series.get(name);
    if (memory) return [name, memory];
    throw new HttpProblem(400, `series: no ${quote(name)}: expected ${[...history.series.keys()].join(', ')}`);
  });
}
