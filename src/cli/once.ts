import { setTimeout as sleep } from 'node:timers/promises';
import type { CollectorName } from '../collectors/index.js';
import type { Config } from '../config/read.js';
import { createScheduler } from '../engine/schedule.js';
import { createStore, type Store } from '../engine/store.js';
import { createSampler, threadData } from '../engine/worker-pool.js';

/** A thread that has not ended by then is stuck. */
const CLOSE_MS = 1_500;

/**
 * Samples collectors once, in threads as the service does.
 *
 * @returns what is known then
 */
export async function sampleOnce(config: Config, names: readonly CollectorName[]): Promise<Store> {
  const sampler = createSampler(config.threads, threadData(config));
  const store = createStore();
  await createScheduler(sampler, store).sample(names);
  await Promise.race([sampler.close(), sleep(CLOSE_MS, undefined, { ref: false })]);
  return store;
}
