import { setTimeout as sleep } from 'node:timers/promises';
import type { CollectorName } from '../collectors/index.js';
import type { Config } from '../config/config.js';
import { createScheduler } from '../engine/schedule.js';
import { Store } from '../engine/store.js';
import { createWorkers, threadData } from '../engine/worker-pool.js';

/** Time after which a worker thread that hasn't ended is considered stuck. */
const CLOSE_MS = 1_500;

/** Runs collectors once, in a worker as the service does. Returns the store with their values and sources. */
export async function sampleOnce(config: Config, names: readonly CollectorName[]): Promise<Store> {
  const workers = createWorkers(config.threads, threadData(config));
  const store = new Store();
  store.wantsSources = true;
  // A worker that waits for a program keeps no process alive.
  const alive = setInterval(() => {}, 1_000);
  await createScheduler(workers, store).sample(names);
  clearInterval(alive);
  await Promise.race([workers.close(), sleep(CLOSE_MS, undefined, { ref: false })]);
  return store;
}
