/**
 * Loaded into the server with `--import`. At each SIGUSR2 it writes the event-loop delay since the previous signal to
 * standard error, and starts again. Times are in milliseconds and include the timer's interval of 1 ms.
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
