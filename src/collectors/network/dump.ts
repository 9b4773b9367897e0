/** Decides between the lines of `ip monitor` and a dump of `ip`. */
import type { Sampling } from '../../model/collector.js';

/** State that a collector carries over if it follows `ip monitor`. */
export interface Dumped<Value> {
  readonly value: Value;
  /** When the last dump was started, by the monotonic clock. */
  readonly dumpedAtMs: number;
}

/** Maximum time that `ip monitor` takes from its start to the first event that it reports. */
const MAX_START_MS = 1_000;
/** Default maximum age of a dump. The next one corrects what `ip monitor` doesn't report. */
const MAX_DUMP_AGE_MS = 60_000;

/** Maximum age of what was read of links while `ip monitor` reports no change of them. */
export const MAX_LINKS_AGE_MS = 10_000;

/** Returns whether a link was added, changed or deleted since the previous sample. */
export function hasLinkChanged({ ipMonitor }: Sampling<unknown>): boolean {
  return ipMonitor?.lines.some((line) => line.startsWith('[LINK]')) ?? false;
}

/** Returns whether the carried value and the lines of `ip monitor` don't give the current value. */
export function isDumpDue(sampling: Sampling<Dumped<unknown>>, maxAgeMs = MAX_DUMP_AGE_MS): boolean {
  const { carried, ipMonitor, monotonicMs, thorough } = sampling;
  if (!carried || !ipMonitor || thorough) return true;
  return carried.dumpedAtMs < ipMonitor.sinceMs + MAX_START_MS || monotonicMs - carried.dumpedAtMs >= maxAgeMs;
}
