/** Requests the history: the whole range once, then only the new rows. */
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

/** Values of all series at one time. Rows of a coarse step also have `NAME_min` and `NAME_max`. */
type Row = { readonly time: string } & Readonly<Record<string, number | string | null>>;

export interface History {
  /** Unix seconds in ascending order. A time without values marks each gap, so that the curve breaks there. */
  readonly times: readonly number[];
  /** Returns the values of a series, or of `NAME_min` or `NAME_max`, at these times. */
  values(series: string): (number | null)[];
}

/** A series exists if it has had a value in the last 15 s. */
const NAMES_SECONDS = 15;

/**
 * Returns the names of all series. The server responds to a request without series with the names or with rows of all series.
 *
 * @param nowMs time on the server's clock
 */
export async function seriesNames(key: string, nowMs: number): Promise<readonly string[]> {
  const query = new URLSearchParams({ since: new Date(nowMs - NAMES_SECONDS * 1000).toISOString(), step: '5' });
  const response = await getJson<{ series: readonly string[] } | readonly Row[]>(`history?${query}`, key);
  return 'series' in response ? response.series : [...new Set(response.flatMap((row) => Object.keys(row)))];
}

export interface HistorySource {
  /**
   * @param nowMs time on the server's clock
   * @throws {Error} with a message for the user
   */
  refresh(nowMs: number): Promise<History>;
}

export function createHistory(key: string, series: readonly string[], { spanSeconds, stepSeconds }: Range): HistorySource {
  let rows = new Map<number, Row>();

  return {
    async refresh(nowMs) {
      const newest = [...rows.keys()].at(-1);
      // Request the last row again: its step may have been unfinished. Start at a whole step, so that the steps line up.
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
    // before the server started
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
