/** Prometheus metrics of a collector or a document. */

/**
 * A counter only rises until it restarts. An info is always 1, and its labels carry the information. Only prom-client's metrics of the
 * process include histograms.
 */
export type MetricType = 'gauge' | 'counter' | 'info' | 'histogram';

export interface MetricSample {
  /** Labels, whose values may be any text. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
  /** Suffix of the family's name: `_bucket` of a histogram. */
  readonly suffix?: string;
}

/** All series of one name. */
export interface MetricFamily {
  /** Name as Prometheus stores it: a counter's ends in `_total`, an info's in `_info`, after the unit. */
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
  /** A family without samples is left out. */
  readonly samples: readonly MetricSample[];
}

/** Builds a family without labels. Without a value it is left out. */
export function metric(name: string, type: MetricType, help: string, value: number | null | undefined): MetricFamily {
  return { name, help, type, samples: value === null || value === undefined ? [] : [{ value }] };
}

export function gauge(name: string, help: string, value: number | null | undefined): MetricFamily {
  return metric(name, 'gauge', help, value);
}

/**
 * Builds a family with one series for each row.
 *
 * @param read returns labels and value of a row; a row whose value is null gets no series
 */
export function perRow<Row>(
  name: string,
  type: MetricType,
  help: string,
  rows: readonly Row[],
  read: (row: Row) => { readonly labels: Readonly<Record<string, string>>; readonly value: number | null },
): MetricFamily {
  const samples = rows.map(read).flatMap(({ labels, value }) => (value === null ? [] : [{ labels, value }]));
  return { name, help, type, samples };
}
