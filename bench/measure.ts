/** What measuring has in common, whatever is measured. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type CollectorName, collectors } from '../src/collectors/index.js';
import { isFresh } from './ask.js';
import type { Fixture } from './fixture.js';
import { built, KEY, type Server } from './server.js';

/** A line of the table. */
export interface Row {
  readonly figure: string;
  /** Null: it is for information, and there is nothing to be reached. */
  readonly target: string | null;
  readonly measured: string;
  readonly reached: boolean | null;
}

/** 500 requests a second are 50 times what 10 dashboards ask for. */
export const PACE_PER_SECOND = 500;

const EACH_SECOND = '* * * * * *';
const YEARLY = '0 0 0 1 1 *';

/** Flags for collectors that sample each second. */
export function eachSecond(...names: readonly CollectorName[]): string[] {
  return names.flatMap((name) => [`--schedule.${name}`, EACH_SECOND]);
}

/** The same, where no other collector samples after the first time. */
export function onlyEachSecond(...names: readonly CollectorName[]): string[] {
  return collectors.flatMap(({ name }) => [`--schedule.${name}`, names.includes(name) ? EACH_SECOND : YEARLY]);
}

/** Flags for a service that takes no sample on schedule. */
export const NOT_SAMPLING: readonly string[] = onlyEachSecond();

export const median = (values: readonly number[]) => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2;
};

export const spread = (values: readonly number[], digits = 2) =>
  `${Math.min(...values).toFixed(digits)} to ${Math.max(...values).toFixed(digits)}`;

/** Measures two things one after the other, in rounds that start with the one and the other by turns. */
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

/** How late an event loop was, in milliseconds. */
export interface Delay {
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Flags of Node for a server that {@link eventLoopDelay} is asked of. */
export const MEASURING_DELAY: readonly string[] = ['--import', built('delay.js')];

/** What {@link file://./delay.ts} has measured since it was asked before. */
export async function eventLoopDelay(server: Server): Promise<Delay> {
  const told = server.errors().length;
  server.process.kill('SIGUSR2');
  for (let waited = 0; waited < 5_000; waited += 10) {
    await sleep(10);
    const json = /^event-loop-delay (.*)\n/m.exec(server.errors().slice(told))?.[1];
    if (json) return JSON.parse(json) as Delay;
  }
  throw new Error(`no answer of delay.js: ${server.errors()}`);
}

export function onFixture({ rootfs, path }: Fixture): { args: string[]; path: string } {
  return { args: ['--path.rootfs', rootfs], path };
}

export async function untilFresh(server: Server, path: string): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!(await isFresh(`${server.url}${path}`, KEY))) {
    if (performance.now() > deadline) throw new Error(`${path} does not become fresh: ${server.errors()}`);
    await sleep(2);
  }
}
