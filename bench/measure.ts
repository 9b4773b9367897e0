/** Functions that several figures share. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type CollectorName, collectors } from '../src/collectors/index.js';
import { isFresh } from './ask.js';
import type { Fixture } from './fixture.js';
import { type CpuTime, cpuOf } from './proc.js';
import { KEY, type Server } from './server.js';

/** 50 times the requests of 10 dashboards. */
export const PACE_PER_SECOND = 500;

/** Polling every 2 ms took a fifth of the CPU time that the service needs until it is ready. */
const POLL_MS = 10;

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

export function onFixture({ rootfs, path }: Fixture): { args: string[]; path: string } {
  return { args: ['--path.rootfs', rootfs], path };
}

export async function untilFresh(server: Server, path: string): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!(await isFresh(`${server.url}${path}`, KEY))) {
    if (performance.now() > deadline) throw new Error(`${path} did not become fresh within 20 s: ${server.errors()}`);
    await sleep(POLL_MS);
  }
}

/** Returns the CPU time of two servers during the same seconds. */
export async function cpuOfBoth([first, second]: readonly [Server, Server], seconds: number): Promise<[CpuTime, CpuTime]> {
  const during = sleep(seconds * 1000);
  return Promise.all([cpuOf(first.pid, () => during), cpuOf(second.pid, () => during)]);
}

export async function stopAll(...servers: readonly Server[]): Promise<void> {
  await Promise.all(servers.map((server) => server.stop()));
}
