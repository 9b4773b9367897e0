/** How each figure is measured. */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type EventsEffort, measureEvents } from './events.js';
import { type CrowdEffort, measureCrowd } from './everyone.js';
import { writeFixture } from './fixture.js';
import { type ListsEffort, measureListChange, measureListDelay, measureListQueries } from './lists.js';
import { pace, saturate } from './load.js';
import { type LogEffort, measureLog } from './log.js';
import {
  eachSecond,
  eventLoopDelay,
  inTurn,
  MEASURING_DELAY,
  median,
  NOT_SAMPLING,
  onFixture,
  PACE_PER_SECOND,
  type Row,
  spread,
  untilFresh,
} from './measure.js';
import { cpuMs, cpuWithChildrenMs, mainThreadCpuMs, residentKb } from './proc.js';
import { KEY, type Server, startBare, startOurs, temporaryFolder } from './server.js';

/** How long measuring may take. */
export interface Effort {
  /** Before each measurement, until the servers are compiled and at rest. */
  readonly warmUpSeconds: number;
  /** Load in rounds, the servers in turn. */
  readonly system: { readonly rounds: number; readonly seconds: number };
  readonly clients: { readonly rounds: number; readonly seconds: number };
  readonly latency: { readonly rounds: number; readonly seconds: number };
  readonly delaySeconds: number;
  readonly idleSeconds: number;
  readonly starts: number;
  readonly events: EventsEffort;
  readonly lists: ListsEffort;
  readonly log: LogEffort;
  readonly crowd: CrowdEffort;
}

const MANY = 2_000;

const SAMPLING = eachSecond('stations', 'leases', 'neighbours');

export const figures: Readonly<Record<string, (effort: Effort) => Promise<Row[]>>> = {
  system,
  tls,
  clients,
  latency,
  delay,
  idle,
  metrics,
  start,
  events: (effort) => measureEvents(effort.events),
  listDelay: (effort) => measureListDelay(effort.lists),
  listChange: (effort) => measureListChange(effort.lists),
  listQueries: (effort) => measureListQueries(effort.lists),
  log: (effort) => measureLog(effort.log),
  crowd: (effort) => measureCrowd(effort.crowd),
};

/** CPU time of the server for each request, and memory after as many requests as go. Sampling goes on, and counts as ours. */
async function system({ warmUpSeconds, system: { rounds, seconds } }: Effort): Promise<Row[]> {
  const ours = await startOurs({ core: 'server' });
  const figure = 'CPU per request, `/system`, ours ÷ bare `node:http`';
  const { row, bare } = await compareCpu(ours, '/system', figure, { warmUpSeconds, rounds, seconds });
  const memory = [ours, bare].map(({ pid }) => residentKb(pid) / 1024);
  const [oursMb = Number.NaN, bareMb = Number.NaN] = memory;
  await Promise.all([ours.stop(), bare.stop()]);
  return [
    row,
    {
      figure: `resident memory after ${rounds * seconds} s of load ÷ bare server's`,
      target: 'at most 1.25',
      measured: `${(oursMb / bareMb).toFixed(2)} (${oursMb.toFixed(1)} MB, bare ${bareMb.toFixed(1)} MB)`,
      reached: oursMb / bareMb <= 1.25,
    },
  ];
}

/** CPU time for each request on connections that are kept: what encryption adds, without handshakes. */
async function tls({ warmUpSeconds, clients: { rounds, seconds } }: Effort): Promise<Row[]> {
  const certificate = fileURLToPath(new URL('../../test/tls/server', import.meta.url));
  const flags = ['--tls-cert', `${certificate}.pem`, '--tls-key', `${certificate}.key.pem`];
  const [secure, plain] = [await startOurs({ core: 'server', args: flags }), await startOurs({ core: 'server' })];
  for (const server of [secure, plain]) {
    await untilFresh(server, '/system');
    if (warmUpSeconds > 0) await saturate(`${server.url}/system`, warmUpSeconds);
  }
  const measured = await inTurn(
    rounds,
    () => cpuPerRequest(secure, '/system', seconds),
    () => cpuPerRequest(plain, '/system', seconds),
  );
  const ratios = measured.map(([a, b]) => a.all / b.all);
  const [secureUs, plainUs] = [median(measured.map(([a]) => a.all)), median(measured.map(([, b]) => b.all))];
  await Promise.all([secure.stop(), plain.stop()]);
  return [
    {
      figure: 'CPU per request, `/system` over TLS, connections kept ÷ plain HTTP',
      target: null,
      measured: `${median(ratios).toFixed(2)} (${spread(ratios)}; ${secureUs.toFixed(1)} µs, plain ${plainUs.toFixed(1)} µs)`,
      reached: null,
    },
  ];
}

/** CPU time for each request of a table of clients that is sampled on the default schedule. */
async function clients({ warmUpSeconds, clients: { rounds, seconds } }: Effort): Promise<Row[]> {
  const rows: Row[] = [];
  for (const amount of [3, 100, MANY]) {
    const ours = await startOurs({ ...onFixture(writeFixture(temporaryFolder(), { clients: amount })), core: 'server' });
    await untilFresh(ours, '/clients');
    const figure = `the same, \`/clients\` with ${amount.toLocaleString('en')} clients`;
    const { row, bare } = await compareCpu(ours, '/clients', figure, { warmUpSeconds, rounds, seconds });
    rows.push(row);
    await Promise.all([ours.stop(), bare.stop()]);
  }
  return rows;
}

/** CPU time for each request, in microseconds. */
interface PerRequest {
  /** Of the whole server: sampling too. */
  readonly all: number;
  /** Of the thread that answers. */
  readonly answering: number;
}

interface Rounds {
  readonly warmUpSeconds: number;
  readonly rounds: number;
  readonly seconds: number;
}

async function cpuPerRequest({ pid, url }: Server, path: string, seconds: number): Promise<PerRequest> {
  const before = { all: cpuMs(pid), answering: mainThreadCpuMs(pid) };
  const requests = await saturate(`${url}${path}`, seconds);
  const micros = (now: number, then: number) => ((now - then) * 1000) / requests;
  return { all: micros(cpuMs(pid), before.all), answering: micros(mainThreadCpuMs(pid), before.answering) };
}

async function compareCpu(ours: Server, path: string, figure: string, { warmUpSeconds, rounds, seconds }: Rounds) {
  await untilFresh(ours, path);
  const bare = await startBare(ours, path, 'server');
  const measure = (server: Server) => cpuPerRequest(server, path, seconds);
  if (warmUpSeconds > 0) for (const { url } of [ours, bare]) await saturate(`${url}${path}`, warmUpSeconds);
  const measured = await inTurn(
    rounds,
    () => measure(ours),
    () => measure(bare),
  );
  const ratios = measured.map(([a, b]) => a.all / b.all);
  const answering = median(measured.map(([a, b]) => a.answering / b.answering));
  const [oursUs, bareUs] = [median(measured.map(([a]) => a.all)), median(measured.map(([, b]) => b.all))];
  const row: Row = {
    figure,
    target: 'at most 1.15',
    measured: `${median(ratios).toFixed(2)} (${spread(ratios)}; ${oursUs.toFixed(1)} µs, bare ${bareUs.toFixed(1)} µs; the answering thread alone ${answering.toFixed(2)})`,
    reached: median(ratios) <= 1.15,
  };
  return { row, bare };
}

/**
 * How long `/system` takes while a large table is sampled each second, against the same service when it samples nothing.
 * Not tied to one core: that sampling has another is what its threads are for.
 */
async function latency({ warmUpSeconds, latency: { rounds, seconds } }: Effort): Promise<Row[]> {
  const fixture = onFixture(writeFixture(temporaryFolder(), { clients: MANY }));
  const measure = async (schedules: readonly string[]) => {
    const server = await startOurs({ path: fixture.path, args: [...fixture.args, ...schedules], core: 'any' });
    await Promise.all([untilFresh(server, '/system'), untilFresh(server, '/clients')]);
    const { p99Ms } = await pace(`${server.url}/system`, { perSecond: PACE_PER_SECOND, warmUpSeconds, seconds });
    await server.stop();
    return p99Ms;
  };
  const measured = await inTurn(
    rounds,
    () => measure(SAMPLING),
    () => measure(NOT_SAMPLING),
  );
  const ratios = measured.map(([sampling, not]) => sampling / not);
  const [sampling, not] = [median(measured.map(([a]) => a)), median(measured.map(([, b]) => b))];
  return [
    {
      figure: `p99 latency of \`/system\`, ${PACE_PER_SECOND} requests/s, while a 2,000-client table is sampled each second ÷ without sampling`,
      target: 'at most 1.5',
      measured: `${median(ratios).toFixed(2)} (${spread(ratios)}; ${sampling.toFixed(2)} ms, without ${not.toFixed(2)} ms)`,
      reached: median(ratios) <= 1.5,
    },
  ];
}

/** How late the event loop is while a large table is sampled each second, against one that samples nothing. */
async function delay({ warmUpSeconds, delaySeconds }: Effort): Promise<Row[]> {
  const fixture = onFixture(writeFixture(temporaryFolder(), { clients: MANY }));
  const measure = async (schedules: readonly string[]) => {
    const server = await startOurs({
      path: fixture.path,
      args: [...fixture.args, ...schedules],
      nodeArgs: MEASURING_DELAY,
      core: 'server',
    });
    await untilFresh(server, '/clients');
    await sleep(warmUpSeconds * 1000);
    await eventLoopDelay(server);
    await sleep(delaySeconds * 1000);
    const measured = await eventLoopDelay(server);
    await server.stop();
    return measured;
  };
  const idle = await measure(NOT_SAMPLING);
  const sampling = await measure(SAMPLING);
  const above = sampling.p99Ms - idle.p99Ms;
  return [
    {
      figure: 'event-loop delay p99 under that sampling, above idle',
      target: 'under 5 ms',
      measured: `${above.toFixed(2)} ms (${sampling.p99Ms.toFixed(2)} ms, idle ${idle.p99Ms.toFixed(2)} ms; longest ${sampling.maxMs.toFixed(1)} ms, idle ${idle.maxMs.toFixed(1)} ms)`,
      reached: above < 5,
    },
  ];
}

const STATIONS = 100;
/** What Prometheus 2 asks with. */
const AS_PROMETHEUS = {
  access_token: KEY,
  accept:
    'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
  'accept-encoding': 'gzip',
};

/** CPU time of a scrape each second, by the difference to none, on an access point with stations; and how many requests of `/system` that is. */
async function metrics({ warmUpSeconds, system: { seconds }, clients: { rounds }, idleSeconds }: Effort): Promise<Row[]> {
  const server = await startOurs(onFixture(writeFixture(temporaryFolder(), { clients: STATIONS })));
  await Promise.all([untilFresh(server, '/system'), untilFresh(server, '/clients')]);
  const scrape = async () => (await fetch(`${server.url}/metrics`, { headers: AS_PROMETHEUS })).text();
  // The first one loads prom-client.
  const { length } = await scrape();
  await sleep(warmUpSeconds * 1000);
  const roundSeconds = Math.ceil(idleSeconds / rounds);
  const msPerSecond = async (eachSecond: () => Promise<unknown>) => {
    const before = cpuMs(server.pid);
    const startMs = performance.now();
    for (let second = 1; second <= roundSeconds; second++) {
      await eachSecond();
      await sleep(startMs + second * 1000 - performance.now());
    }
    return (cpuMs(server.pid) - before) / roundSeconds;
  };
  const measured = await inTurn(
    rounds,
    () => msPerSecond(scrape),
    () => msPerSecond(async () => {}),
  );
  const perScrapeMs = median(measured.map(([scraped, not]) => scraped - not));
  const without = median(measured.map(([, not]) => not));
  const before = cpuMs(server.pid);
  const requests = await saturate(`${server.url}/system`, seconds);
  const perRequestMs = (cpuMs(server.pid) - before) / requests;
  await server.stop();
  return [
    {
      figure: `CPU of a scrape of \`/metrics\` each second, ${STATIONS} stations, ${Math.round(length / 1024)} KiB before compression`,
      target: 'at most 5 ms per second',
      measured: `${perScrapeMs.toFixed(1)} ms (without it ${without.toFixed(1)} ms per second); as much as ${Math.round(perScrapeMs / perRequestMs)} requests of \`/system\``,
      reached: perScrapeMs <= 5,
    },
  ];
}

/** CPU time while nobody asks: on this machine as it is, and on an access point with three clients. */
async function idle({ warmUpSeconds, idleSeconds }: Effort): Promise<Row[]> {
  const servers = await Promise.all([startOurs({}), startOurs(onFixture(writeFixture(temporaryFolder(), { clients: 3 })))]);
  await sleep(warmUpSeconds * 1000);
  const total = () => servers.map(({ pid }) => cpuWithChildrenMs(pid));
  const before = total();
  await sleep(idleSeconds * 1000);
  const [machine = Number.NaN, accessPoint = Number.NaN] = total().map((cpu, index) => (cpu - (before[index] ?? 0)) / idleSeconds);
  await Promise.all(servers.map((server) => server.stop()));
  return [
    {
      figure: `CPU of the whole service, idle, default schedules, over ${idleSeconds} s`,
      target: 'at most 10 ms per second',
      measured: `${machine.toFixed(1)} ms per second (as an access point with 3 clients, \`iw\` being a shell script: ${accessPoint.toFixed(1)})`,
      reached: machine <= 10,
    },
  ];
}

/** From the start of the process to the first fresh answer. */
async function start({ starts }: Effort): Promise<Row[]> {
  const tookMs: number[] = [];
  for (let round = 0; round < starts; round++) {
    const server = await startOurs({});
    await untilFresh(server, '/system');
    tookMs.push(performance.now() - server.startedMs);
    await server.stop();
  }
  return [
    {
      figure: `start of the process to the first fresh \`/system\`, median of ${starts}`,
      target: 'at most 500 ms',
      measured: `${median(tookMs).toFixed(0)} ms (${spread(tookMs, 0)})`,
      reached: median(tookMs) <= 500,
    },
  ];
}
