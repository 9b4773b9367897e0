const MINUTE_MS = 60_000;

/**
 * Limits a log to one line a minute. Further lines are dropped.
 *
 * @example const warn = onceAMinute(console.warn);
 */
export function onceAMinute(log: (line: string) => void): (line: string) => void {
  let lastMs = Number.NEGATIVE_INFINITY;
  return (line) => {
    if (performance.now() - lastMs <= MINUTE_MS) return;
    lastMs = performance.now();
    log(line);
  };
}
