/** CPU time of following a DNS log, compared between a large and a small log. */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LOG_FILE, logLines, writeFixture } from './fixture.js';
import { quantity } from './format.js';
import { cpuOfBoth, onFixture, stopAll, untilFresh } from './measure.js';
import { repeat } from './rounds.js';
import { type Row, valueRow } from './row.js';
import type { Run } from './run.js';
import { type Server, startApsnap, temporaryFolder } from './server.js';
import { median } from './statistics.js';

const LARGE_BYTES = 2 * 2 ** 30;
const SMALL_BYTES = 2 ** 20;
/** The rate of a busy access point. */
const LINES_PER_SECOND = 100;
const LINES_AT_ONCE = 10;

/** Measures two services during the same seconds, on default schedules, while both logs grow. */
export async function log({ subject, effort }: Run): Promise<Row[]> {
  const fixtures = [LARGE_BYTES, SMALL_BYTES].map((logBytes) => writeFixture(temporaryFolder(), { clients: 3, logBytes }));
  let line = 0;
  const grow = () => {
    const lines = logLines(line, LINES_AT_ONCE);
    line += LINES_AT_ONCE;
    for (const { rootfs } of fixtures) appendFileSync(join(rootfs, LOG_FILE), lines);
  };
  const growing = setInterval(grow, (1000 * LINES_AT_ONCE) / LINES_PER_SECOND);
  const [large, small] = (await Promise.all(fixtures.map((fixture) => startApsnap(subject, onFixture(fixture))))) as [Server, Server];
  for (const server of [large, small]) await untilFresh(server, '/dns/logs');
  await sleep(2 * effort.warmUpSeconds * 1000);
  const { seconds } = effort.log;
  const measured = await repeat(
    effort.log,
    () => cpuOfBoth([large, small], seconds),
    ([a, b]) => a.threads / b.threads,
  );
  clearInterval(growing);
  await stopAll(large, small);
  const middle = (index: 0 | 1) => quantity(median(measured.map((pair) => pair[index].threads / seconds)), 'ms per second');
  return [
    valueRow({
      figure: `CPU of the whole service with a DNS log of 2 GB that grows by ${LINES_PER_SECOND} lines a second ÷ with one of 1 MB`,
      atMost: 1.1,
      values: measured.map(([a, b]) => a.threads / b.threads),
      details: [middle(0), `with 1 MB ${middle(1)}`, 'programs not included'],
    }),
  ];
}
