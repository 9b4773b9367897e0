/** Statistics of rounds, which are few and have outliers: only medians and ranks. */

export interface Interval {
  readonly low: number;
  readonly high: number;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2;
}

/**
 * Returns the 95 % confidence interval of the median. Its ends are two of the values, so it holds for every distribution.
 * Up to five values can't give 95 %. The interval then reaches from the lowest to the highest.
 */
export function medianInterval(values: readonly number[]): Interval {
  const sorted = [...values].sort((a, b) => a - b);
  const outside = valuesOutside(sorted.length);
  return { low: sorted[outside] ?? Number.NaN, high: sorted.at(-1 - outside) ?? Number.NaN };
}

/**
 * Returns how many values lie outside the interval at each end. Each value is above the median with a probability of a half, so the
 * number of values above it has a binomial distribution.
 */
function valuesOutside(amount: number): number {
  let outside = 0;
  let probability = 0.5 ** amount;
  let tail = probability;
  while (tail <= 0.025) {
    outside++;
    probability *= (amount - outside + 1) / outside;
    tail += probability;
  }
  return Math.max(0, outside - 1);
}

/** Returns the width of {@link medianInterval} as a share of the median, or of `scale` if that is larger. */
export function spread(values: readonly number[], scale = 0): number {
  const { low, high } = medianInterval(values);
  return (high - low) / Math.max(Math.abs(median(values)), scale);
}
