/** CPU time of following a DNS log, compared between a large and a small log. */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LOG_FILE, logLines, writeFixture } from './fixture.js';
import { median, onFixture, type Row, spread, untilFresh } from './measure.js';
import { threadsCpuMs } from './proc.js';
import { startApsnap, temporaryFolder } from './server.js';

export interface LogEffort {
  readonly warmUpSeconds: number;
  readonly rounds: number;
  readonly seconds: number;
}

const LARGE_BYTES = 2 * 2 ** 30;
const SMALL_BYTES = 2 ** 20;
/** The rate of a busy access point. */
const LINES_PER_SECOND = 100;
const LINES_AT_ONCE = 10;

/** Measures two services at the same time, on default schedules, while both logs grow. */
export async function measureLog({ warmUpSeconds, rounds, seconds }: LogEffort): Promise<Row[]> {
  const fixtures = [LARGE_BYTES, SMALL_BYTES].map((logBytes) => writeFixture(temporaryFolder(), { clients: 3, logBytes }));
  let line = 0;
  const growing = setInterval(
    () => {
      const lines = logLines(line, LINES_AT_ONCE);
      line += LINES_AT_ONCE;
      for (const { rootfs } of fixtures) appendFileSync(join(rootfs, LOG_FILE), lines);
    },
    (1000 * LINES_AT_ONCE) / LINES_PER_SECOND,
  );
  const servers = await Promise.all(fixtures.map((fixture) => startApsnap(onFixture(fixture))));
  await Promise.all(servers.map((server) => untilFresh(server, '/dns/logs')));
  await sleep(warmUpSeconds * 1000);
  const measured: { large: number; small: number }[] = [];
  for (let round = 0; round < rounds; round++) {
    const before = servers.map(({ pid }) => threadsCpuMs(pid));
    await sleep(seconds * 1000);
    const [large = Number.NaN, small = Number.NaN] = servers.map(({ pid }, index) => (threadsCpuMs(pid) - (before[index] ?? 0)) / seconds);
    measured.push({ large, small });
  }
  clearInterval(growing);
  await Promise.all(servers.map((server) => server.stop()));
  const ratios = measured.map(({ large, small }) => large / small);
  const [large, small] = [median(measured.map((both) => both.large)), median(measured.map((both) => both.small))];
  return [
    {
      figure: `CPU of the whole service with a DNS log of 2 GB that grows by ${LINES_PER_SECOND} lines a second ÷ with one of 1 MB`,
      target: 'at most 1.1',
      measured: `${median(ratios).toFixed(2)} (${spread(ratios)})`,
      details: `${large.toFixed(1)} ms per second, with 1 MB ${small.toFixed(1)} ms per second, programs not included`,
      met: median(ratios) <= 1.1,
    },
  ];
}
