import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Tries until it does not throw.
 *
 * @param withinMs when to give up, with what was thrown last
 * @returns what it gave
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
