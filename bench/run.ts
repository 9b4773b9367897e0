/** What a run measures, and for how long. */
import type { Load } from './load.js';
import type { Limits } from './rounds.js';
import type { Row } from './row.js';
import type { Subject } from './subject.js';

export interface Run {
  readonly subject: Subject;
  /** True if another Node is measured. Absolute targets don't apply then, because the bare server differs too. */
  readonly isOtherNode: boolean;
  readonly effort: Effort;
  readonly load: Load;
  /** Folder of RaspAP's RestAPI. */
  readonly raspap: string;
}

export type Figure = (run: Run) => Promise<Row[]>;

/** A measurement that is repeated. */
export interface Rounds extends Limits {
  /** Duration of each measurement. */
  readonly seconds: number;
}

/** Durations and numbers of rounds. */
export interface Effort {
  /** Seconds before each measurement, until V8 has compiled the servers. */
  readonly warmUpSeconds: number;
  /** Rounds with the same two processes, and how often both are started. */
  readonly system: { readonly starts: Limits; readonly rounds: number; readonly seconds: number };
  readonly tls: Rounds;
  readonly clients: Rounds;
  readonly latency: Rounds;
  readonly delay: Rounds;
  readonly sample: Rounds;
  /** Seconds until the first reading of memory, which end the start. Then CPU is measured in windows. */
  readonly idle: { readonly settleSeconds: number; readonly windows: number; readonly seconds: number };
  readonly metrics: Rounds;
  readonly start: Limits;
  readonly raspap: Rounds;
  readonly events: Rounds & { readonly listeners: number };
  readonly lists: ListsEffort;
  readonly log: Rounds;
  readonly crowd: CrowdEffort;
}

export interface ListsEffort {
  /** Names in each of the two lists. */
  readonly names: number;
  /** Names in each list where only responses and memory count, not the event loop. */
  readonly maxNames: number;
  /** Changes of both lists before measuring starts, until V8 has compiled the parsers. */
  readonly warmUpChanges: number;
  readonly delay: Rounds;
  /** Measured changes. */
  readonly changes: Limits;
  readonly queries: Limits;
  readonly unchanged: Rounds;
  /** Longer than rebuilding both lists takes. */
  readonly settleSeconds: number;
}

export interface CrowdEffort {
  readonly connections: number;
  readonly listeners: number;
  readonly seconds: number;
  /** Seconds after the load, until V8 and the kernel have released its memory. */
  readonly settleSeconds: number;
}

/** Measures every figure until its value is settled, in about 25 minutes. */
export const FULL: Effort = {
  warmUpSeconds: 2,
  // Each process has its own luck with V8 and the caches: between two starts, the ratio differs more than between rounds.
  system: { starts: { min: 3, max: 3 }, rounds: 20, seconds: 3 },
  tls: { min: 5, max: 10, seconds: 1 },
  clients: { min: 6, max: 8, seconds: 2 },
  latency: { min: 3, max: 5, seconds: 4 },
  delay: { min: 3, max: 4, seconds: 4 },
  sample: { min: 4, max: 6, seconds: 5 },
  idle: { settleSeconds: 60, windows: 2, seconds: 60 },
  metrics: { min: 3, max: 5, seconds: 8 },
  start: { min: 8, max: 12 },
  raspap: { min: 2, max: 3, seconds: 4 },
  events: { min: 4, max: 6, seconds: 5, listeners: 1_000 },
  lists: {
    names: 250_000,
    maxNames: 1_000_000,
    warmUpChanges: 5,
    delay: { min: 2, max: 4, seconds: 4 },
    changes: { min: 6, max: 10 },
    queries: { min: 20, max: 50 },
    unchanged: { min: 2, max: 3, seconds: 10 },
    settleSeconds: 2.5,
  },
  log: { min: 4, max: 8, seconds: 5 },
  crowd: { connections: 1_000, listeners: 100, seconds: 60, settleSeconds: 40 },
};

/** Measures the figures in {@link OTHER_NODE_FIGURES} in about nine minutes. */
export const OTHER_NODE: Effort = {
  ...FULL,
  idle: { ...FULL.idle, windows: 1 },
};
export const OTHER_NODE_FIGURES = ['system', 'idle', 'start'] as const;

const ONCE = { min: 1, max: 1, seconds: 1 } as const;

/** Runs every figure within two minutes to show that it works. The values mean nothing. */
export const QUICK: Effort = {
  warmUpSeconds: 0,
  system: { starts: ONCE, rounds: 1, seconds: 1 },
  tls: ONCE,
  clients: ONCE,
  latency: ONCE,
  delay: ONCE,
  sample: { ...ONCE, seconds: 2 },
  idle: { settleSeconds: 2, windows: 1, seconds: 2 },
  metrics: ONCE,
  start: { min: 2, max: 2 },
  raspap: ONCE,
  events: { ...ONCE, seconds: 2, listeners: 100 },
  lists: {
    names: 20_000,
    maxNames: 20_000,
    warmUpChanges: 0,
    delay: ONCE,
    changes: ONCE,
    queries: { min: 2, max: 2 },
    unchanged: ONCE,
    settleSeconds: 0.3,
  },
  log: { ...ONCE, seconds: 2 },
  crowd: { connections: 100, listeners: 10, seconds: 2, settleSeconds: 1 },
};
