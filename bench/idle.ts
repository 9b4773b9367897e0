/** CPU time and memory without requests. */
import { setTimeout as sleep } from 'node:timers/promises';
import { writeFixture } from './fixture.js';
import { quantity } from './format.js';
import { onFixture, stopAll, untilFresh } from './measure.js';
import { cpuOf, residentMb } from './proc.js';
import { type Row, valueRow } from './row.js';
import type { Run } from './run.js';
import { responseOf, type Server, startApsnap, startBare, temporaryFolder } from './server.js';
import { median } from './statistics.js';

const MAX_CPU = 5;
const MAX_MB = 60;
/** The same with another Node: the bare server has 42 MB with Node 20. */
const MAX_MEMORY_RATIO = 1.43;
/** Maximum growth of the memory after the first minute. */
const MAX_GROWTH = 1.05;
/** Readings of memory, one per second, of which the median counts: a garbage collection changes it for a moment. */
const READINGS = 5;

/** Values of this machine's service, one on an access point with three clients, and the bare server. */
type Values = readonly [machine: number, accessPoint: number, bare: number];

/** Measures three processes during the same time, on default schedules. */
export async function idle({ subject, effort, isOtherNode }: Run): Promise<Row[]> {
  const { settleSeconds, windows, seconds } = effort.idle;
  const fixture = onFixture(writeFixture(temporaryFolder(), { clients: 3 }));
  const machine = await startApsnap(subject, { core: 'server' });
  const accessPoint = await startApsnap(subject, { ...fixture, core: 'load' });
  for (const server of [machine, accessPoint]) await untilFresh(server, '/system');
  const bare = await startBare(subject, await responseOf(machine, '/system'), 'load');
  // Each has responded once: the first response loads parts of Node.
  await responseOf(bare, '/system');
  const servers = [machine, accessPoint, bare] as const;

  const readingSeconds = Math.min(READINGS, settleSeconds);
  await sleep((settleSeconds - readingSeconds) * 1000);
  const first = await memoryOf(servers, readingSeconds);
  const cpu: Values[] = [];
  for (let window = 0; window < windows; window++) cpu.push(await cpuPerSecond(servers, seconds));
  const last = await memoryOf(servers, readingSeconds);
  await stopAll(...servers);

  const middle = (index: 0 | 1 | 2) => median(cpu.map((values) => values[index]));
  const withClients = ([, clients]: Values) => `access point with 3 clients ${quantity(clients, 'MB')}`;
  return [
    valueRow({
      figure: `CPU of the whole service, idle, default schedules, programs included, in windows of ${seconds} s`,
      unit: 'ms per second',
      atMost: MAX_CPU,
      values: cpu.map(([ours]) => ours),
      details: [
        `access point with 3 clients, where \`iw\` and \`ip\` are shell scripts, ${quantity(middle(1), 'ms per second')}`,
        `bare server ${quantity(middle(2), 'ms per second')}`,
      ],
    }),
    valueRow({
      figure: `Resident memory, idle, after ${settleSeconds} s`,
      unit: 'MB',
      ...(!isOtherNode && { atMost: MAX_MB }),
      values: [first[0]],
      details: [withClients(first)],
    }),
    valueRow({
      figure: 'Resident memory then ÷ bare server',
      ...(isOtherNode && { atMost: MAX_MEMORY_RATIO }),
      values: [first[0] / first[2]],
      details: [`bare server ${quantity(first[2], 'MB')}`],
    }),
    valueRow({
      figure: `Resident memory, idle, after ${settleSeconds + windows * seconds} s ÷ after ${settleSeconds} s`,
      atMost: MAX_GROWTH,
      values: [last[0] / first[0]],
      details: [quantity(last[0], 'MB'), withClients(last)],
    }),
  ];
}

async function cpuPerSecond([machine, accessPoint, bare]: readonly [Server, Server, Server], seconds: number): Promise<Values> {
  const during = sleep(seconds * 1000);
  const used = ({ pid }: Server) => cpuOf(pid, () => during);
  const [a, b, c] = await Promise.all([used(machine), used(accessPoint), used(bare)]);
  return [a.all / seconds, b.all / seconds, c.all / seconds];
}

/** Returns the median of one reading per second. */
async function memoryOf(servers: readonly [Server, Server, Server], readings: number): Promise<Values> {
  const read: Values[] = [];
  for (let reading = 0; reading < readings; reading++) {
    await sleep(1000);
    const [a, b, c] = servers;
    read.push([residentMb(a.pid), residentMb(b.pid), residentMb(c.pid)]);
  }
  const middle = (index: 0 | 1 | 2) => median(read.map((values) => values[index]));
  return [middle(0), middle(1), middle(2)];
}
