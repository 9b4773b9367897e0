import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Repeats an attempt until it doesn't throw.
 *
 * @param withinMs time after which the last error is thrown
 * @returns the result of the attempt
 */
export async function eventually<T>(attempt: () => T | Promise<T>, withinMs = 15_000): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await sleep(25);
  }
}
