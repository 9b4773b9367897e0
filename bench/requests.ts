/** CPU time per request, and memory under load. */
import { fileURLToPath } from 'node:url';
import { writeFixture } from './fixture.js';
import { quantity } from './format.js';
import { onFixture, stopAll, untilFresh } from './measure.js';
import { cpuOf, residentMb } from './proc.js';
import { inTurn, isDone, repeat } from './rounds.js';
import { type Row, valueRow } from './row.js';
import type { Rounds, Run } from './run.js';
import { responseOf, type Server, startApsnap, startBare, temporaryFolder } from './server.js';
import { median } from './statistics.js';

/** Maximum CPU time per request, as a multiple of the bare server's. */
const MAX_RATIO = 1.1;
const MAX_MEMORY_RATIO = 1.25;
const MANY_CLIENTS = 2_000;

/** CPU time per request, in microseconds. */
interface PerRequest {
  /** The whole server, sampling included. */
  readonly all: number;
  readonly mainThread: number;
}

/** What apsnap and its peer took in the same round. */
type Pair = [ours: PerRequest, peer: PerRequest];

/** CPU time per request, and memory after the load. */
export async function system(run: Run): Promise<Row[]> {
  const { starts, rounds, seconds } = run.effort.system;
  const pairs: Pair[] = [];
  const memory: [ours: number, bare: number][] = [];
  const memoryRatios = () => memory.map(([ours, bare]) => ours / bare);
  while (!isDone(memoryRatios(), starts)) {
    const ours = await startApsnap(run.subject, { core: 'server' });
    const bare = await startPeer(run, ours, '/system');
    pairs.push(...(await comparePairs(run, [ours, bare], '/system', { min: rounds, max: rounds, seconds })));
    memory.push([residentMb(ours.pid), residentMb(bare.pid)]);
    await stopAll(ours, bare);
  }
  const [oursMb, bareMb] = [median(memory.map(([a]) => a)), median(memory.map(([, b]) => b))];
  return [
    cpuRow('CPU per request of `/system` ÷ bare `node:http`', pairs, 'bare server', MAX_RATIO),
    valueRow({
      figure: `Resident memory after ${rounds * seconds} s of load ÷ bare server`,
      atMost: MAX_MEMORY_RATIO,
      values: memoryRatios(),
      details: [quantity(oursMb, 'MB'), `bare server ${quantity(bareMb, 'MB')}`],
    }),
  ];
}

/** CPU time of encryption per request, on connections that stay open. */
export async function tls(run: Run): Promise<Row[]> {
  const certificate = fileURLToPath(new URL('../../test/tls/server', import.meta.url));
  const args = ['--tls-cert', `${certificate}.pem`, '--tls-key', `${certificate}.key.pem`];
  const secure = await startApsnap(run.subject, { core: 'server', args });
  const plain = await startApsnap(run.subject, { core: 'server' });
  for (const server of [secure, plain]) await untilFresh(server, '/system');
  const pairs = await comparePairs(run, [secure, plain], '/system', run.effort.tls);
  await stopAll(secure, plain);
  return [cpuRow('CPU per request of `/system` over TLS ÷ plain HTTP, connections kept open', pairs, 'plain HTTP')];
}

/** CPU time per request of client tables of several sizes, sampled on the default schedule. */
export async function clients(run: Run): Promise<Row[]> {
  const rows: Row[] = [];
  for (const amount of [3, 100, MANY_CLIENTS]) {
    const fixture = onFixture(writeFixture(temporaryFolder(), { clients: amount }));
    const ours = await startApsnap(run.subject, { ...fixture, core: 'server' });
    const bare = await startPeer(run, ours, '/clients');
    const pairs = await comparePairs(run, [ours, bare], '/clients', run.effort.clients);
    const figure = `CPU per request of \`/clients\` with ${amount.toLocaleString('en')} clients ÷ bare \`node:http\``;
    rows.push(cpuRow(figure, pairs, 'bare server', MAX_RATIO));
    await stopAll(ours, bare);
  }
  return rows;
}

async function startPeer({ subject }: Run, ours: Server, path: string): Promise<Server> {
  await untilFresh(ours, path);
  return startBare(subject, await responseOf(ours, path), 'server');
}

/** Warms both servers up, and loads them in turn until the ratio is settled. */
async function comparePairs({ load, effort }: Run, servers: readonly [Server, Server], path: string, limits: Rounds): Promise<Pair[]> {
  if (effort.warmUpSeconds > 0) for (const { url } of servers) await load.saturate(`${url}${path}`, effort.warmUpSeconds);
  const measure = async ({ pid, url }: Server): Promise<PerRequest> => {
    let requests = Number.NaN;
    const cpu = await cpuOf(pid, async () => {
      ({ requests } = await load.saturate(`${url}${path}`, limits.seconds));
    });
    return { all: (cpu.threads * 1000) / requests, mainThread: (cpu.mainThread * 1000) / requests };
  };
  const [first, second] = servers;
  return repeat(
    limits,
    inTurn(
      () => measure(first),
      () => measure(second),
    ),
    ([a, b]) => a.all / b.all,
  );
}

function cpuRow(figure: string, pairs: readonly Pair[], peer: string, atMost?: number): Row {
  const [ours, others] = [median(pairs.map(([a]) => a.all)), median(pairs.map(([, b]) => b.all))];
  const mainThread = median(pairs.map(([a, b]) => a.mainThread / b.mainThread));
  return valueRow({
    figure,
    values: pairs.map(([a, b]) => a.all / b.all),
    ...(atMost !== undefined && { atMost }),
    details: [quantity(ours, 'µs'), `${peer} ${quantity(others, 'µs')}`, `ratio of the main threads ${quantity(mainThread, '')}`],
  });
}
