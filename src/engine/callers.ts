/** Callers of the scheduler that wait for samples. */
import type { CollectorName } from '../collectors/index.js';

interface Caller {
  /** Collectors that it waits for. */
  readonly pending: Set<CollectorName>;
  /** Those of them with a sample that had started before, and doesn't count. */
  readonly early: Set<CollectorName>;
  /** Whether a cycle has started since. */
  hasCycle: boolean;
  resolve(): void;
}

export class Callers {
  readonly #callers = new Set<Caller>();

  /**
   * Waits for samples that start from now on.
   *
   * @param names with none of them, waits for the next cycle
   * @param isRunning tells whether a sample of a collector is running already
   */
  wait(names: readonly CollectorName[], isRunning: (name: CollectorName) => boolean): Promise<void> {
    const pending = new Set(names);
    const early = new Set(names.filter(isRunning));
    return new Promise((resolve) => this.#callers.add({ pending, early, hasCycle: false, resolve }));
  }

  cycleStarted(): void {
    for (const caller of this.#callers) caller.hasCycle = true;
  }

  sampleEnded(name: CollectorName): void {
    for (const { pending, early } of this.#callers) if (!early.delete(name)) pending.delete(name);
  }

  /**
   * Ends the waiting of those whose samples have ended. Called at the end of a cycle.
   *
   * @param isComing tells whether a collector is still going to have a sample. Nobody waits for one that isn't
   */
  cycleEnded(isComing: (name: CollectorName) => boolean): void {
    for (const caller of this.#callers) {
      if (!caller.hasCycle || [...caller.pending].some(isComing)) continue;
      this.#callers.delete(caller);
      caller.resolve();
    }
  }
}
