/** What the service remembers: asked for whole once, then only for what is new. */
import { getJson } from './requests.js';

export interface Range {
  readonly label: string;
  readonly spanSeconds: number;
  readonly stepSeconds: number;
}

export const ranges = {
  '1h': { label: 'last hour', spanSeconds: 3_600, stepSeconds: 5 },
  '24h': { label: 'last 24 hours', spanSeconds: 86_400, stepSeconds: 120 },
  '7d': { label: 'last 7 days', spanSeconds: 604_800, stepSeconds: 600 },
} as const satisfies Record<string, Range>;

export type RangeName = keyof typeof ranges;

/** Values of all series at one moment; with a coarse step also `NAME_min` and `NAME_max`. */
type Row = { readonly time: string } & Readonly<Record<string, number | string | null>>;

export interface History {
  /** Unix seconds, rising. Where the service was not there for a while, one moment without values stands in between. */
  readonly times: readonly number[];
  /** Of a series, or of one with `_min` or `_max`, at those times. */
  values(series: string): (number | null)[];
}

/** For so long back it is looked which series there are. */
const NAMES_SECONDS = 15;

/**
 * Asked for none, the service answers with their names, or with rows of them all.
 *
 * @param nowMs what the clock of the service says
 * @returns names of the series that there are
 */
export async function seriesNames(key: string, nowMs: number): Promise<readonly string[]> {
  const query = new URLSearchParams({ since: new Date(nowMs - NAMES_SECONDS * 1000).toISOString(), step: '5' });
  const answer = await getJson<{ series: readonly string[] } | readonly Row[]>(`history?${query}`, key);
  return 'series' in answer ? answer.series : [...new Set(answer.flatMap((row) => Object.keys(row)))];
}

export interface HistorySource {
  /**
   * @param nowMs what the clock of the service says
   * @throws Error with what to show
   */
  refresh(nowMs: number): Promise<History>;
}

export function createHistory(key: string, series: readonly string[], { spanSeconds, stepSeconds }: Range): HistorySource {
  let rows = new Map<number, Row>();

  return {
    async refresh(nowMs) {
      const newest = [...rows.keys()].at(-1);
      // The last row may have been of a step that was not over. Whole steps, so that the service cuts them as before.
      const first = newest ?? nowMs / 1000 - spanSeconds;
      const sinceMs = Math.floor(first / stepSeconds) * stepSeconds * 1000;
      const query = new URLSearchParams({ series: series.join(','), since: new Date(sinceMs).toISOString(), step: String(stepSeconds) });
      for (const row of await getJson<Row[]>(`history?${query}`, key)) rows.set(Date.parse(row.time) / 1000, row);
      const sorted = [...rows].sort(([a], [b]) => a - b);
      const oldest = (sorted.at(-1)?.[0] ?? 0) - spanSeconds;
      rows = new Map(sorted.filter(([time]) => time >= oldest));
      return columns(rows, stepSeconds);
    },
  };
}

function columns(rows: ReadonlyMap<number, Row>, stepSeconds: number): History {
  const times: number[] = [];
  const sparse: (Row | undefined)[] = [];
  for (const [time, row] of rows) {
    // before the service was there
    if (times.length === 0 && !Object.values(row).some((value) => typeof value === 'number')) continue;
    const last = times.at(-1);
    if (last !== undefined && time - last > 2.5 * stepSeconds) {
      times.push(last + stepSeconds);
      sparse.push(undefined);
    }
    times.push(time);
    sparse.push(row);
  }
  return {
    times,
    values: (name) =>
      sparse.map((row) => {
        const value = row && Object.hasOwn(row, name) ? row[name] : null;
        return typeof value === 'number' ? value : null;
      }),
  };
}
