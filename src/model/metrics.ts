/** Metrics of a sample, for Prometheus: what a collector or a document gives of them. */

/**
 * A counter only rises, until what counts starts anew; an info is 1, and its labels are what it says. Nothing of ours is a histogram:
 * some of what the process says of itself is.
 */
export type MetricType = 'gauge' | 'counter' | 'info' | 'histogram';

export interface MetricSample {
  /** Label values may be any text. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
  /** What follows the family's name: `_bucket` of a histogram. */
  readonly suffix?: string;
}

/** All series of one name. */
export interface MetricFamily {
  /** As Prometheus stores it: a counter's ends in `_total`, an info's in `_info`, and the unit stands before that. */
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
  /** None: the family is left out. */
  readonly samples: readonly MetricSample[];
}

/** A family without labels; left out where there is no value. */
export function metric(name: string, type: MetricType, help: string, value: number | null | undefined): MetricFamily {
  return { name, help, type, samples: value === null || value === undefined ? [] : [{ value }] };
}

export function gauge(name: string, help: string, value: number | null | undefined): MetricFamily {
  return metric(name, 'gauge', help, value);
}

/**
 * A family with one series for each row.
 *
 * @param read labels and value of a row; null: it has none
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
