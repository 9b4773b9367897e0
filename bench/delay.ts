/**
 * Loaded into the server with `--import`: at each SIGUSR2 it writes a line on standard error with how late the event loop was
 * since the one before, and starts anew. Times are in milliseconds and hold the interval of the timer that measures, 1 ms.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

if (isMainThread) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  process.on('SIGUSR2', () => {
    process.stderr.write(`event-loop-delay ${JSON.stringify({ p99Ms: delay.percentile(99) / 1e6, maxMs: delay.max / 1e6 })}\n`);
    delay.reset();
  });
}
