/** Latency and event-loop delay while a large table of clients is sampled each second. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Delay, eventLoopDelay, MEASURING_DELAY } from './event-loop.js';
import { writeFixture } from './fixture.js';
import { quantity } from './format.js';
import { pace } from './load.js';
import { eachSecond, NOT_SAMPLING, onFixture, PACE_PER_SECOND, untilFresh } from './measure.js';
import { inTurn, repeat } from './rounds.js';
import { differenceRow, type Row, valueRow } from './row.js';
import type { Run } from './run.js';
import { type ApsnapOptions, type Server, startApsnap, temporaryFolder } from './server.js';
import { median } from './statistics.js';

const MANY_CLIENTS = 2_000;
const SAMPLING = eachSecond('stations', 'leases', 'neighbours');
const MAX_ABOVE_IDLE_MS = 5;

/** Latency of `/system`, compared with the same service without sampling. The service and the load have one core each. */
export async function latency(run: Run): Promise<Row[]> {
  const { effort } = run;
  const measure = (server: Server) =>
    pace(`${server.url}/system`, { perSecond: PACE_PER_SECOND, warmUpSeconds: effort.warmUpSeconds, seconds: effort.latency.seconds });
  const measured = await repeat(effort.latency, samplingAndNot(run, {}, measure), ([a, b]) => a.p99Ms / b.p99Ms);
  const p99 = measured.map(([sampling, not]) => [sampling.p99Ms, not.p99Ms] as const);
  return [
    valueRow({
      figure: `p99 latency of \`/system\`, ${PACE_PER_SECOND} requests/s, while a 2,000-client table is sampled each second ÷ without sampling, service and load on one core each`,
      atMost: 1.5,
      values: p99.map(([sampling, not]) => sampling / not),
      details: [
        quantity(median(p99.map(([sampling]) => sampling)), 'ms'),
        `without sampling ${quantity(median(p99.map(([, not]) => not)), 'ms')}`,
      ],
    }),
  ];
}

/** Event-loop delay, compared with a service that samples nothing. */
export async function delay(run: Run): Promise<Row[]> {
  const { effort } = run;
  const measure = async (server: Server) => {
    await sleep(effort.warmUpSeconds * 1000);
    await eventLoopDelay(server);
    await sleep(effort.delay.seconds * 1000);
    return eventLoopDelay(server);
  };
  const round = samplingAndNot(run, { nodeArgs: MEASURING_DELAY }, measure);
  const measured = await repeat(effort.delay, round, ([a, b]) => a.p99Ms - b.p99Ms, MAX_ABOVE_IDLE_MS);
  const middle = (value: (pair: [Delay, Delay]) => number) => quantity(median(measured.map(value)), 'ms');
  return [
    differenceRow({
      figure: 'p99 event-loop delay while a 2,000-client table is sampled each second, above idle',
      unit: 'ms',
      atMost: MAX_ABOVE_IDLE_MS,
      values: measured.map(([sampling, idle]) => sampling.p99Ms - idle.p99Ms),
      details: [
        middle(([sampling]) => sampling.p99Ms),
        `idle ${middle(([, idle]) => idle.p99Ms)}`,
        `maximum ${middle(([sampling]) => sampling.maxMs)}`,
        `idle ${middle(([, idle]) => idle.maxMs)}`,
      ],
    }),
  ];
}

/** Returns a round that measures a service which samples the table each second, and one that samples nothing. */
function samplingAndNot<T>({ subject }: Run, options: ApsnapOptions, measure: (server: Server) => Promise<T>) {
  const fixture = onFixture(writeFixture(temporaryFolder(), { clients: MANY_CLIENTS }));
  const withSchedules = (schedules: readonly string[]) => async () => {
    const server = await startApsnap(subject, { ...options, path: fixture.path, args: [...fixture.args, ...schedules], core: 'server' });
    await Promise.all([untilFresh(server, '/system'), untilFresh(server, '/clients')]);
    const measured = await measure(server);
    await server.stop();
    return measured;
  };
  return inTurn(withSchedules(SAMPLING), withSchedules(NOT_SAMPLING));
}
