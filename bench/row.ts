/** Rows of docs/benchmarks.md. */
import { interval, withInterval } from './format.js';
import { MAX_SPREAD } from './rounds.js';
import { median, medianInterval, spread } from './statistics.js';

export interface Row {
  readonly figure: string;
  /** `null` if the row is for information only. */
  readonly target: string | null;
  /** The median with its unit, its interval and what is uncertain about it, or why there is no value. */
  readonly measured: string;
  /** The absolute values behind a ratio or a difference. */
  readonly details: string;
  /** `unclear` if the value can't be resolved, `null` without a target. */
  readonly met: boolean | 'unclear' | null;
}

export interface RowOptions {
  readonly figure: string;
  /** One value per round. */
  readonly values: readonly number[];
  readonly unit?: string;
  /** Maximum median that meets the target. */
  readonly atMost?: number;
  readonly details?: readonly string[];
}

/** Returns the row of a ratio or of an absolute value. */
export function valueRow({ figure, values, unit = '', atMost, details = [] }: RowOptions): Row {
  const share = values.length > 1 ? spread(values) : 0;
  return {
    figure,
    target: targetOf(atMost, unit),
    measured: `${withInterval(values, unit)}${spreadMark(share)}`,
    details: details.join(', '),
    met: atMost === undefined ? null : median(values) <= atMost,
  };
}

/**
 * Returns the row of a difference. If its interval contains zero, the row says that the difference can't be resolved.
 * The spread is relative to the target if the difference is smaller.
 */
export function differenceRow({ figure, values, unit = '', atMost, details = [] }: RowOptions): Row {
  const { low, high } = medianInterval(values);
  const isResolved = low > 0 || high < 0;
  const measured = isResolved
    ? `${withInterval(values, unit)}${spreadMark(values.length > 1 ? spread(values, atMost) : 0)}`
    : `not resolved: ${interval(values)}${unit && ` ${unit}`}`;
  const isMet = isResolved ? median(values) <= (atMost ?? Number.NaN) : high <= (atMost ?? Number.NaN) || 'unclear';
  return { figure, target: targetOf(atMost, unit), measured, details: details.join(', '), met: atMost === undefined ? null : isMet };
}

/** Returns a row without a value. */
export function missingRow(figure: string, reason: string): Row {
  return { figure, target: null, measured: `not measured: ${reason}`, details: '', met: null };
}

function targetOf(atMost: number | undefined, unit: string): string | null {
  return atMost === undefined ? null : `at most ${atMost}${unit && ` ${unit}`}`;
}

function spreadMark(share: number): string {
  return share < MAX_SPREAD ? '' : `, spread ${Math.round(share * 100)} %`;
}
