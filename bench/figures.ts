/** Figures of requests, sampling and start-up, and the list of all figures. */
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
import { KEY, type Server, startApsnap, startBare, temporaryFolder } from './server.js';

/** Durations and sizes of a run. */
export interface Effort {
  /** Seconds before each measurement, until V8 has compiled the servers. */
  readonly warmUpSeconds: number;
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

const MANY_CLIENTS = 2_000;

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
  listChange: (effort) => measureListChange({ ...effort.lists, names: effort.lists.maxNames }),
  listQueries: (effort) => measureListQueries({ ...effort.lists, names: effort.lists.maxNames }),
  log: (effort) => measureLog(effort.log),
  crowd: (effort) => measureCrowd(effort.crowd),
};

/** CPU time per request, and memory after the load. The CPU time includes sampling, which goes on meanwhile. */
async function system({ warmUpSeconds, system: { rounds, seconds } }: Effort): Promise<Row[]> {
  const ours = await startApsnap({ core: 'server' });
  const figure = 'CPU per request of `/system` ÷ bare `node:http`';
  const { row, bare } = await compareCpu(ours, '/system', figure, { warmUpSeconds, rounds, seconds });
  const memory = [ours, bare].map(({ pid }) => residentKb(pid) / 1024);
  const [oursMb = Number.NaN, bareMb = Number.NaN] = memory;
  await Promise.all([ours.stop(), bare.stop()]);
  return [
    row,
    {
      figure: `Resident memory after ${rounds * seconds} s of load ÷ bare server`,
      target: 'at most 1.25',
      measured: (oursMb / bareMb).toFixed(2),
      details: `${oursMb.toFixed(1)} MB, bare server ${bareMb.toFixed(1)} MB`,
      met: oursMb / bareMb <= 1.25,
    },
  ];
}

/** CPU time of encryption per request, on connections that stay open. */
async function tls({ warmUpSeconds, clients: { rounds, seconds } }: Effort): Promise<Row[]> {
  const certificate = fileURLToPath(new URL('../../test/tls/server', import.meta.url));
  const flags = ['--tls-cert', `${certificate}.pem`, '--tls-key', `${certificate}.key.pem`];
  const [secure, plain] = [await startApsnap({ core: 'server', args: flags }), await startApsnap({ core: 'server' })];
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
      figure: 'CPU per request of `/system` over TLS ÷ plain HTTP, connections kept open',
      target: null,
      measured: `${median(ratios).toFixed(2)} (${spread(ratios)})`,
      details: `${secureUs.toFixed(1)} µs, plain HTTP ${plainUs.toFixed(1)} µs`,
      met: null,
    },
  ];
}

/** CPU time per request of client tables of several sizes, sampled on the default schedule. */
async function clients({ warmUpSeconds, clients: { rounds, seconds } }: Effort): Promise<Row[]> {
  const rows: Row[] = [];
  for (const amount of [3, 100, MANY_CLIENTS]) {
    const ours = await startApsnap({ ...onFixture(writeFixture(temporaryFolder(), { clients: amount })), core: 'server' });
    await untilFresh(ours, '/clients');
    const figure = `CPU per request of \`/clients\` with ${amount.toLocaleString('en')} clients ÷ bare \`node:http\``;
    const { row, bare } = await compareCpu(ours, '/clients', figure, { warmUpSeconds, rounds, seconds });
    rows.push(row);
    await Promise.all([ours.stop(), bare.stop()]);
  }
  return rows;
}

/** CPU time per request, in microseconds. */
interface PerRequest {
  /** The whole server, sampling included. */
  readonly all: number;
  readonly mainThread: number;
}

interface Rounds {
  readonly warmUpSeconds: number;
  readonly rounds: number;
  readonly seconds: number;
}

async function cpuPerRequest({ pid, url }: Server, path: string, seconds: number): Promise<PerRequest> {
  const before = { all: cpuMs(pid), mainThread: mainThreadCpuMs(pid) };
  const requests = await saturate(`${url}${path}`, seconds);
  const micros = (now: number, then: number) => ((now - then) * 1000) / requests;
  return { all: micros(cpuMs(pid), before.all), mainThread: micros(mainThreadCpuMs(pid), before.mainThread) };
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
  const mainThread = median(measured.map(([a, b]) => a.mainThread / b.mainThread));
  const [oursUs, bareUs] = [median(measured.map(([a]) => a.all)), median(measured.map(([, b]) => b.all))];
  const row: Row = {
    figure,
    target: 'at most 1.15',
    measured: `${median(ratios).toFixed(2)} (${spread(ratios)})`,
    details: `${oursUs.toFixed(1)} µs, bare server ${bareUs.toFixed(1)} µs, ratio of the main threads ${mainThread.toFixed(2)}`,
    met: median(ratios) <= 1.15,
  };
  return { row, bare };
}

/**
 * Latency of `/system` while a large table is sampled each second, compared with the same service without sampling.
 * The server may use both cores, because worker threads exist to keep sampling off the main thread's core.
 */
async function latency({ warmUpSeconds, latency: { rounds, seconds } }: Effort): Promise<Row[]> {
  const fixture = onFixture(writeFixture(temporaryFolder(), { clients: MANY_CLIENTS }));
  const measure = async (schedules: readonly string[]) => {
    const server = await startApsnap({ path: fixture.path, args: [...fixture.args, ...schedules], core: 'any' });
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
      measured: `${median(ratios).toFixed(2)} (${spread(ratios)})`,
      details: `${sampling.toFixed(2)} ms, without sampling ${not.toFixed(2)} ms`,
      met: median(ratios) <= 1.5,
    },
  ];
}

/** Event-loop delay while a large table is sampled each second, compared with a service that samples nothing. */
async function delay({ warmUpSeconds, delaySeconds }: Effort): Promise<Row[]> {
  const fixture = onFixture(writeFixture(temporaryFolder(), { clients: MANY_CLIENTS }));
  const measure = async (schedules: readonly string[]) => {
    const server = await startApsnap({
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
      figure: 'p99 event-loop delay while a 2,000-client table is sampled each second, above idle',
      target: 'under 5 ms',
      measured: `${above.toFixed(2)} ms`,
      details: `${sampling.p99Ms.toFixed(2)} ms, idle ${idle.p99Ms.toFixed(2)} ms, maximum ${sampling.maxMs.toFixed(1)} ms, idle ${idle.maxMs.toFixed(1)} ms`,
      met: above < 5,
    },
  ];
}

const STATIONS = 100;
/** Headers that Prometheus 2 sends. */
const AS_PROMETHEUS = {
  access_token: KEY,
  accept:
    'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
  'accept-encoding': 'gzip',
};

/** CPU time of one scrape per second, on an access point with stations: the difference to a service without scrapes. */
async function metrics({ warmUpSeconds, system: { seconds }, clients: { rounds }, idleSeconds }: Effort): Promise<Row[]> {
  const server = await startApsnap(onFixture(writeFixture(temporaryFolder(), { clients: STATIONS })));
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
      measured: `${perScrapeMs.toFixed(1)} ms per second`,
      details: `without scrapes ${without.toFixed(1)} ms per second, equals ${Math.round(perScrapeMs / perRequestMs)} requests of \`/system\``,
      met: perScrapeMs <= 5,
    },
  ];
}

/** CPU time without requests, on this machine and on an access point with three clients. */
async function idle({ warmUpSeconds, idleSeconds }: Effort): Promise<Row[]> {
  const servers = await Promise.all([startApsnap({}), startApsnap(onFixture(writeFixture(temporaryFolder(), { clients: 3 })))]);
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
      measured: `${machine.toFixed(1)} ms per second`,
      details: `access point with 3 clients, where \`iw\` is a shell script: ${accessPoint.toFixed(1)} ms per second`,
      met: machine <= 10,
    },
  ];
}

/** Time from the start of the process to the first fresh response. */
async function start({ starts }: Effort): Promise<Row[]> {
  const tookMs: number[] = [];
  for (let round = 0; round < starts; round++) {
    const server = await startApsnap({});
    await untilFresh(server, '/system');
    tookMs.push(performance.now() - server.startedMs);
    await server.stop();
  }
  return [
    {
      figure: `Start of the process to the first fresh \`/system\`, median of ${starts}`,
      target: 'at most 500 ms',
      measured: `${median(tookMs).toFixed(0)} ms (${spread(tookMs, 0)})`,
      details: '',
      met: median(tookMs) <= 500,
    },
  ];
}
