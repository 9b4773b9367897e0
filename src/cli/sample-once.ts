import { setTimeout as sleep } from 'node:timers/promises';
import type { CollectorName } from '../collectors/index.js';
import type { Config } from '../config/config.js';
import { createScheduler } from '../engine/schedule.js';
import { createStore, type Store } from '../engine/store.js';
import { createSampler, threadData } from '../engine/worker-pool.js';

/** Time after which a worker thread that hasn't ended is considered stuck. */
const CLOSE_MS = 1_500;

/** Runs collectors once, in worker threads as the service does. Returns the store with their values and sources. */
export async function sampleOnce(config: Config, names: readonly CollectorName[]): Promise<Store> {
  const sampler = createSampler(config.threads, threadData(config));
  const store = createStore();
  store.wantsSources = true;
  await createScheduler(sampler, store).sample(names);
  await Promise.race([sampler.close(), sleep(CLOSE_MS, undefined, { ref: false })]);
  return store;
}
