/** CPU time of Prometheus scrapes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { writeFixture } from './fixture.js';
import { quantity } from './format.js';
import { cpuOfBoth, onFixture, stopAll, untilFresh } from './measure.js';
import { cpuOf } from './proc.js';
import { repeat } from './rounds.js';
import { differenceRow, type Row } from './row.js';
import type { Run } from './run.js';
import { KEY, startApsnap, temporaryFolder } from './server.js';
import { median, medianInterval } from './statistics.js';

const MAX_MS = 5;
const STATIONS = 100;
/** Headers that Prometheus 2 sends. */
const AS_PROMETHEUS = {
  access_token: KEY,
  accept:
    'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
  'accept-encoding': 'gzip',
};

/** Compares an access point that is scraped each second with one that isn't, during the same seconds. */
export async function metrics({ subject, load, effort }: Run): Promise<Row[]> {
  const fixture = onFixture(writeFixture(temporaryFolder(), { clients: STATIONS }));
  const scraped = await startApsnap(subject, { ...fixture, core: 'server' });
  const other = await startApsnap(subject, { ...fixture, core: 'load' });
  for (const server of [scraped, other]) await Promise.all([untilFresh(server, '/system'), untilFresh(server, '/clients')]);
  const scrape = async () => (await fetch(`${scraped.url}/metrics`, { headers: AS_PROMETHEUS })).text();
  // The first one loads prom-client.
  const { length } = await scrape();
  const timer = setInterval(() => scrape().catch(() => {}), 1000);
  await sleep(effort.warmUpSeconds * 1000);
  const { seconds } = effort.metrics;
  const measured = await repeat(
    effort.metrics,
    () => cpuOfBoth([scraped, other], seconds),
    ([a, b]) => (a.threads - b.threads) / seconds,
    MAX_MS,
  );
  clearInterval(timer);
  const above = measured.map(([a, b]) => (a.threads - b.threads) / seconds);
  let requests = Number.NaN;
  const { threads } = await cpuOf(scraped.pid, async () => {
    ({ requests } = await load.saturate(`${scraped.url}/system`, seconds));
  });
  await stopAll(scraped, other);
  return [
    differenceRow({
      figure: `CPU of a scrape of \`/metrics\` each second, ${STATIONS} stations, ${Math.round(length / 1024)} KiB before compression`,
      unit: 'ms per second',
      atMost: MAX_MS,
      values: above,
      details: [
        `without scrapes ${quantity(median(measured.map(([, b]) => b.threads / seconds)), 'ms per second')}`,
        ...(medianInterval(above).low > 0 ? [`equals ${quantity(median(above) / (threads / requests), 'requests of `/system`')}`] : []),
      ],
    }),
  ];
}
