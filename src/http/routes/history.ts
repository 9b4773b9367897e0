/** `/history`: rows of what was, made by a worker from the memory that this thread writes. */
import type { Middleware } from 'koa';
import { GOOD_ROWS, type History, type HistoryQuery, MOST_ROWS } from '../../engine/history.js';
import type { Sampler } from '../../engine/worker-pool.js';
import { quote } from '../../errors.js';
import { type Given, givenIn } from '../../model/query.js';
import { HttpProblem } from '../responses/problem.js';

/** What is shown if nobody says since when. */
const DEFAULT_SECONDS = 3_600;
/** Rows times series: what a worker makes in a second on a small board. */
const MAX_VALUES = 200_000;

const CONTENT_TYPE = { json: 'application/json', csv: 'text/csv; charset=utf-8; header=present' } as const;

export function historyRoute(history: History, sampler: Sampler): Middleware {
  return async function historyRoute(ctx) {
    const nowSeconds = Date.now() / 1000;
    const given = givenIn(ctx.querystring);
    const query = historyQuery(given, nowSeconds);
    const series = chosenSeries(history, given.series);
    const values = series.length * rowsOf(query);
    if (values > MAX_VALUES) throw new HttpProblem(400, `${values} values: expected at most ${MAX_VALUES}: fewer series, or a larger step`);
    const format = ctx.accepts('application/json', 'text/csv') === 'text/csv' ? 'csv' : 'json';
    const rows = await sampler.history({ series, query, format, nowSeconds });
    if (rows.kind === 'busy')
      throw new HttpProblem(503, 'too many queries are waiting: ask again in a moment', { headers: { 'Retry-After': '1' } });
    if (rows.kind === 'failed') throw new HttpProblem(503, rows.message, { headers: { 'Retry-After': '1' } });
    ctx.set({ 'Cache-Control': 'private, no-store', Vary: 'Accept' });
    ctx.type = CONTENT_TYPE[format];
    ctx.body = Buffer.from(rows.bytes.buffer, rows.bytes.byteOffset, rows.bytes.byteLength);
  };
}

/**
 * What a query asks for, but for its series.
 *
 * @throws HttpProblem 400: a parameter is not what it may be, or that is too much
 */
export function historyQuery(given: Given, nowSeconds: number): HistoryQuery {
  const until = Math.min(timeOf(given, 'until') ?? nowSeconds, nowSeconds);
  const since = timeOf(given, 'since') ?? until - DEFAULT_SECONDS;
  const step = stepOf(given);
  if (since > until) throw new HttpProblem(400, 'since: is after until: expected it before');
  const query = { since, until, step };
  if (rowsOf(query) > MOST_ROWS)
    throw new HttpProblem(400, `${rowsOf(query)} rows: expected at most ${MOST_ROWS}: a larger step, or less time`);
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

/** RFC 3339, or Unix seconds. */
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

/** Those that are named, in that order; all if none is. @throws HttpProblem 400: there is none of that name */
export function chosenSeries(history: History, given: string | string[] | undefined): [string, SharedArrayBuffer][] {
  if (given === undefined) return [...history.series];
  const names = [...new Set([given].flat().flatMap((list) => list.split(',')))];
  return names.map((name) => {
    const memory = history.series.get(name);
    if (memory) return [name, memory];
    throw new HttpProblem(400, `series: no ${quote(name)}: expected ${[...history.series.keys()].join(', ')}`);
  });
}
