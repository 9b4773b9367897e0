/** CPU time of sampling a large table of clients. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Fixture, replaceStations, writeFixture } from './fixture.js';
import { quantity } from './format.js';
import { cpuOfBoth, eachSecond, onFixture, stopAll, untilFresh } from './measure.js';
import { cpuBetween, readCpu } from './proc.js';
import { repeat } from './rounds.js';
import { differenceRow, type Row } from './row.js';
import type { Run } from './run.js';
import { startApsnap, temporaryFolder } from './server.js';
import { median } from './statistics.js';

const MANY_CLIENTS = 2_000;
const SCHEDULES = eachSecond('stations', 'leases', 'neighbours');
/** Samples before measuring starts, until V8 has compiled the parsers. Each takes a second. */
const WARM_UP_FACTOR = 5;

/** Measures a table in which every station changes from sample to sample, and one that doesn't change. */
export async function sample(run: Run): Promise<Row[]> {
  return [
    await measureTable(run, 'every station changes', 25, (fixture, second) => replaceStations(fixture, MANY_CLIENTS, second)),
    await measureTable(run, 'nothing changes', undefined, () => {}),
  ];
}

/**
 * Compares a service that samples the table each second with one that samples an empty table, during the same seconds and each on a
 * core of its own. `change` writes the next station dump between two samples.
 */
async function measureTable(
  { subject, effort }: Run,
  what: string,
  atMost: number | undefined,
  change: (fixture: Fixture, second: number) => void,
): Promise<Row> {
  const fixture = writeFixture(temporaryFolder(), { clients: MANY_CLIENTS, dumps: 1 });
  const empty = writeFixture(temporaryFolder(), { clients: 0, dumps: 1 });
  const start = ({ rootfs, path }: Fixture, core: 'server' | 'load') => {
    const { args } = onFixture({ rootfs, path });
    return startApsnap(subject, { path, args: [...args, ...SCHEDULES], core });
  };
  const [ours, none] = [await start(fixture, 'server'), await start(empty, 'load')];
  for (const server of [ours, none]) await untilFresh(server, '/clients');
  let second = 0;
  let timer: NodeJS.Timeout | undefined;
  // Samples are taken at full seconds.
  const first = setTimeout(() => (timer = setInterval(() => change(fixture, ++second), 1000)), 500 + 1000 - (Date.now() % 1000));
  await sleep(effort.warmUpSeconds * WARM_UP_FACTOR * 1000);
  const before = [ours, none].map(({ pid }) => readCpu(pid));
  const startedMs = performance.now();
  const measured = await repeat(
    effort.sample,
    () => cpuOfBoth([ours, none], effort.sample.seconds),
    ([a, b]) => a.threads - b.threads,
  );
  const samples = (performance.now() - startedMs) / 1000;
  const [withTable, without] = [ours, none].map(({ pid }, index) => {
    const start = before[index];
    return start ? cpuBetween(start, readCpu(pid)).children / samples : Number.NaN;
  });
  clearTimeout(first);
  clearInterval(timer);
  await stopAll(ours, none);
  const perSample = (ms: number) => ms / effort.sample.seconds;
  return differenceRow({
    figure: `CPU of one sample of 2,000 clients, all threads, above the same service without clients, where ${what}`,
    unit: 'ms',
    ...(atMost !== undefined && { atMost }),
    values: measured.map(([a, b]) => perSample(a.threads - b.threads)),
    details: [
      `${quantity(median(measured.map(([a]) => perSample(a.threads))), 'ms')}, without clients ${quantity(median(measured.map(([, b]) => perSample(b.threads))), 'ms')}`,
      `programs, not included, ${quantity(withTable ?? Number.NaN, 'ms')}, without clients ${quantity(without ?? Number.NaN, 'ms')}`,
    ],
  });
}
