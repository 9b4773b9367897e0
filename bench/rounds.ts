/** Repeats a measurement until its value is settled. */
import { spread } from './statistics.js';

/** Maximum {@link spread} of a settled value. */
export const MAX_SPREAD = 0.1;

/** Numbers of rounds. */
export interface Limits {
  readonly min: number;
  /** Further rounds are not measured. The row then says how large the spread still is. */
  readonly max: number;
}

/**
 * Returns true if no more rounds are necessary.
 *
 * @param scale see {@link spread}
 */
export function isDone(values: readonly number[], { min, max }: Limits, scale = 0): boolean {
  if (values.length < min) return false;
  return values.length >= max || spread(values, scale) < MAX_SPREAD;
}

/** Repeats a measurement until the value that it gives is settled. Every round counts. */
export async function repeat<T>(
  limits: Limits,
  measure: (round: number) => Promise<T>,
  valueIn: (measured: T) => number,
  scale = 0,
): Promise<T[]> {
  const measured: T[] = [];
  while (!isDone(measured.map(valueIn), limits, scale)) measured.push(await measure(measured.length));
  return measured;
}

/** Returns a round that measures two things one after the other. Every second round has the other order, so a drift affects both. */
export function inTurn<T>(first: () => Promise<T>, second: () => Promise<T>): (round: number) => Promise<[T, T]> {
  return async (round) => {
    if (round % 2 === 0) return [await first(), await second()];
    const ofSecond = await second();
    return [await first(), ofSecond];
  };
}
