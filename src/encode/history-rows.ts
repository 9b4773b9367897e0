/** Encodes rows of the history as JSON, which Grafana's Infinity data source reads, or as CSV. */
export type HistoryFormat = 'json' | 'csv';

/** Values of a series within one row; NaN: none were recorded. */
export interface Bucket {
  readonly mean: number;
  readonly min: number;
  readonly max: number;
}

export interface HistoryRows {
  /** Unix seconds at which each row starts. */
  readonly times: readonly number[];
  /** Seconds from one row to the next. */
  readonly step: number;
  /** For each series, as many buckets as there are times. */
  readonly buckets: ReadonlyMap<string, readonly Bucket[]>;
}

/**
 * Encodes rows.
 *
 * @returns JSON: `[{"time":"2026-11-23T22:00:00Z","cpu_busy_ratio":0.12,"cpu_busy_ratio_min":0.03,"cpu_busy_ratio_max":0.4}]`; rows of one
 * second have no `_min` and `_max`. CSV: the same with a line of names, RFC 4180
 */
export function encodeHistory({ times, step, buckets }: HistoryRows, format: HistoryFormat): string {
  const columns = [...buckets].flatMap(([name, values]) => columnsOf(name, values, step > 1));
  const time = (index: number) => new Date((times[index] as number) * 1000).toISOString().replace('.000', '');
  if (format === 'csv') {
    const lines = times.map((_, index) => [time(index), ...columns.map(({ read }) => read(index) ?? '')].join(','));
    return `${[['time', ...columns.map(({ name }) => quoteCsv(name))].join(','), ...lines].join('\r\n')}\r\n`;
  }
  const keys = columns.map(({ name }) => JSON.stringify(name));
  const rows = times.map((_, index) => {
    const fields = columns.map(({ read }, column) => `${keys[column]}:${read(index) ?? 'null'}`);
    return `{${[`"time":"${time(index)}"`, ...fields].join(',')}}`;
  });
  return `[${rows.join(',')}]`;
}

interface Column {
  readonly name: string;
  /** Returns the text of a number; undefined if nothing was recorded. */
  read(index: number): string | undefined;
}

function columnsOf(name: string, values: readonly Bucket[], isSummary: boolean): Column[] {
  const column = (suffix: string, field: keyof Bucket): Column => ({
    name: name + suffix,
    read(index) {
      const value = values[index]?.[field];
      return value === undefined || Number.isNaN(value) ? undefined : shortNumber(value);
    },
  });
  const mean = column('', 'mean');
  return isSummary ? [mean, column('_min', 'min'), column('_max', 'max')] : [mean];
}

/** The history keeps 32-bit values, which have seven digits. */
function shortNumber(value: number): string {
  return String(Number(value.toPrecision(7)));
}

function quoteCsv(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
