/** The list of all figures, by name. */

import { events } from './events.js';
import { crowd } from './everyone.js';
import { idle } from './idle.js';
import { delay, latency } from './latency.js';
import { listChange, listDelay, listQueries } from './lists.js';
import { log } from './log.js';
import { raspap } from './raspap.js';
import { clients, system, tls } from './requests.js';
import type { Figure } from './run.js';
import { sample } from './sample.js';
import { metrics } from './scrape.js';
import { start } from './start.js';

export const figures: Readonly<Record<string, Figure>> = {
  idle,
  system,
  tls,
  clients,
  latency,
  delay,
  sample,
  metrics,
  start,
  raspap,
  events,
  listDelay,
  listChange,
  listQueries,
  log,
  crowd,
};
