/** CPU time of sampling a large table of clients. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Fixture, replaceStations, writeFixture } from './fixture.js';
import { quantity } from './format.js';
import { cpuOfBoth, eachSecond, onFixture, stopAll, untilFresh } from './measure.js';
import type { CpuTime } from './proc.js';
import { repeat } from './rounds.js';
import { differenceRow, type Row } from './row.js';
import type { Run } from './run.js';
import { startApsnap, temporaryFolder } from './server.js';
import { median } from './statistics.js';

const MANY_CLIENTS = 2_000;
const SCHEDULES = eachSecond('stations', 'leases', 'neighbours');
/** Multiple of the usual time before measuring starts: V8 compiles the parsers after some ten samples. */
const WARM_UP_FACTOR = 5;

/** Measures a table in which every station changes from sample to sample, and one that doesn't change. */
export async function sample(run: Run): Promise<Row[]> {
  const change = (fixture: Fixture, second: number) => replaceStations(fixture, MANY_CLIENTS, second);
  return [
    tableRow('every station changes', await measureTable(run, change), 25),
    tableRow('nothing changes', await measureTable(run, () => {})),
  ];
}

/** CPU time per sample of a service that samples the table, and of one that samples an empty table. */
type Pair = readonly [table: CpuTime, empty: CpuTime];

/** Samples both tables each second, on a core of its own each. `change` writes the next station dump between two samples. */
async function measureTable({ subject, effort }: Run, change: (fixture: Fixture, second: number) => void): Promise<Pair[]> {
  const start = async (clients: number, core: 'server' | 'load') => {
    const fixture = writeFixture(temporaryFolder(), { clients, dumps: 1 });
    const { args, path } = onFixture(fixture);
    const server = await startApsnap(subject, { path, args: [...args, ...SCHEDULES], core });
    await untilFresh(server, '/clients');
    return { fixture, server };
  };
  const [table, empty] = [await start(MANY_CLIENTS, 'server'), await start(0, 'load')];
  // Samples are taken at full seconds.
  await sleep(1500 - (Date.now() % 1000));
  let second = 0;
  const timer = setInterval(() => change(table.fixture, ++second), 1000);
  await sleep(effort.warmUpSeconds * WARM_UP_FACTOR * 1000);
  const pairs = await repeat(
    effort.sample,
    () => cpuOfBoth([table.server, empty.server], effort.sample.seconds),
    ([a, b]) => a.threads - b.threads,
  );
  clearInterval(timer);
  await stopAll(table.server, empty.server);
  const perSample = (cpu: CpuTime): CpuTime => ({
    ...cpu,
    threads: cpu.threads / effort.sample.seconds,
    children: cpu.children / effort.sample.seconds,
  });
  return pairs.map(([a, b]) => [perSample(a), perSample(b)]);
}

function tableRow(what: string, pairs: readonly Pair[], atMost?: number): Row {
  const [table, empty] = [pairs.map(([a]) => a), pairs.map(([, b]) => b)];
  const threads = (all: readonly CpuTime[]) => quantity(median(all.map((one) => one.threads)), 'ms');
  // Ended programs are counted in clock ticks, so their mean is more precise than their median.
  const programs = (all: readonly CpuTime[]) => quantity(all.reduce((sum, one) => sum + one.children, 0) / all.length, 'ms');
  return differenceRow({
    figure: `CPU of one sample of 2,000 clients, all threads, above the same service without clients, where ${what}`,
    unit: 'ms',
    ...(atMost !== undefined && { atMost }),
    values: pairs.map(([a, b]) => a.threads - b.threads),
    details: [
      threads(table),
      `without clients ${threads(empty)}`,
      `programs, not included, ${programs(table)}`,
      `without clients ${programs(empty)}`,
    ],
  });
}
