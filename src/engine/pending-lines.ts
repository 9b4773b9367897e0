/** Lines of `ip monitor` that wait for the next sample of a collector. */
import type { IpMonitorLines } from '../model/collector.js';
import { monotonicMs } from './clock.js';

/** Maximum number of lines that wait. Beyond it they are dropped, and the collector takes a dump. */
const MAX_LINES = 20_000;

export class PendingLines {
  #lines: string[] = [];
  #gapMs = 0;

  add(lines: readonly string[]): void {
    if (this.#lines.length + lines.length <= MAX_LINES) {
      this.#lines.push(...lines);
    } else {
      this.#lines = [];
      this.markGap();
    }
  }

  /** Takes the lines. @param sinceMs since when `ip monitor` has missed no event */
  take(sinceMs: number): IpMonitorLines {
    const lines = this.#lines;
    this.#lines = [];
    return { sinceMs: Math.max(sinceMs, this.#gapMs), lines };
  }

  /** Records that the collector has missed lines. */
  markGap(): void {
    this.#gapMs = monotonicMs();
  }
}
