/** Numbers as text, with as many digits as they are worth. */
import { median, medianInterval } from './statistics.js';

/** Returns a number with two or three significant digits, such as "0.0012", "0.85", "13.7" and "1,040". */
export function number(value: number): string {
  const decimals = decimalsOf(Math.abs(value));
  return value.toLocaleString('en', { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

function decimalsOf(size: number): number {
  if (size >= 100 || size === 0 || Number.isNaN(size)) return 0;
  if (size >= 10) return 1;
  return size >= 0.1 ? 2 : 1 - Math.floor(Math.log10(size));
}

/** Returns a number with its unit, such as "13.7 ms". The clocks that measure CPU time can give exactly zero. */
export function quantity(value: number, unit: string): string {
  if (value === 0) return 'nothing measurable';
  return unit === '' ? number(value) : `${number(value)} ${unit}`;
}

/** Returns the median and its interval, such as "13.7 ms (12.9 to 14.1)". */
export function withInterval(values: readonly number[], unit = ''): string {
  const text = quantity(median(values), unit);
  return values.length > 1 ? `${text} (${interval(values)})` : text;
}

/** Returns the confidence interval of the median, such as "12.9 to 14.1". */
export function interval(values: readonly number[]): string {
  const { low, high } = medianInterval(values);
  return `${number(low)} to ${number(high)}`;
}
