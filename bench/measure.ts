/** Functions that several figures share. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type CollectorName, collectors } from '../src/collectors/index.js';
import { isFresh } from './ask.js';
import type { Fixture } from './fixture.js';
import { built, KEY, type Server } from './server.js';

/** A row of docs/benchmarks.md. */
export interface Row {
  readonly figure: string;
  /** `null` if the row is for information only. */
  readonly target: string | null;
  /** The median, with its unit and the lowest and highest round. */
  readonly measured: string;
  /** The absolute values behind a ratio or a difference. */
  readonly details: string;
  readonly met: boolean | null;
}

/** 50 times the requests of 10 dashboards. */
export const PACE_PER_SECOND = 500;

const EACH_SECOND = '* * * * * *';
const YEARLY = '0 0 0 1 1 *';

/** Returns flags that sample these collectors once a second. */
export function eachSecond(...names: readonly CollectorName[]): string[] {
  return names.flatMap((name) => [`--schedule.${name}`, EACH_SECOND]);
}

/** Returns flags that sample these collectors once a second, and each other collector only at the start. */
export function onlyEachSecond(...names: readonly CollectorName[]): string[] {
  return collectors.flatMap(({ name }) => [`--schedule.${name}`, names.includes(name) ? EACH_SECOND : YEARLY]);
}

/** Flags for a service that samples only at the start. */
export const NOT_SAMPLING: readonly string[] = onlyEachSecond();

export const median = (values: readonly number[]) => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2;
};

export const spread = (values: readonly number[], digits = 2) =>
  `${Math.min(...values).toFixed(digits)} to ${Math.max(...values).toFixed(digits)}`;

/** Measures two things alternately. Every second round starts with the second one, so that a drift of the machine affects both. */
export async function inTurn<T>(rounds: number, first: () => Promise<T>, second: () => Promise<T>): Promise<[T, T][]> {
  const measured: [T, T][] = [];
  for (let round = 0; round < rounds; round++) {
    if (round % 2 === 0) {
      measured.push([await first(), await second()]);
    } else {
      const ofSecond = await second();
      measured.push([await first(), ofSecond]);
    }
  }
  return measured;
}

/** Event-loop delay. */
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

export function onFixture({ rootfs, path }: Fixture): { args: string[]; path: string } {
  return { args: ['--path.rootfs', rootfs], path };
}

export async function untilFresh(server: Server, path: string): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!(await isFresh(`${server.url}${path}`, KEY))) {
    if (performance.now() > deadline) throw new Error(`${path} did not become fresh within 20 s: ${server.errors()}`);
    await sleep(2);
  }
}
