/** Event-loop delay of a running server. */
import { setTimeout as sleep } from 'node:timers/promises';
import { built, type Server } from './server.js';

export interface Delay {
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Node flags that {@link eventLoopDelay} needs in the measured server. */
export const MEASURING_DELAY: readonly string[] = ['--import', built('delay.js')];

/** Returns what {@link file://./delay.ts} measured since the previous call. */
export async function eventLoopDelay(server: Server): Promise<Delay> {
  const from = server.errors().length;
  server.process.kill('SIGUSR2');
  for (let waited = 0; waited < 5_000; waited += 10) {
    await sleep(10);
    const json = /^event-loop-delay (.*)\n/m.exec(server.errors().slice(from))?.[1];
    if (json) return JSON.parse(json) as Delay;
  }
  throw new Error(`delay.js did not respond: ${server.errors()}`);
}
