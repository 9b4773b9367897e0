/** Time and CPU time from the start of the process to the first fresh response. */
import { quantity } from './format.js';
import { untilFresh } from './measure.js';
import { cpuBetween, readCpu } from './proc.js';
import { isDone } from './rounds.js';
import { missingRow, type Row, valueRow } from './row.js';
import type { Run } from './run.js';
import { type BareResponse, responseOf, type Server, startApsnap, startBare } from './server.js';
import { median } from './statistics.js';
import type { Program, Subject } from './subject.js';

const MAX_MS = 220;
/** The same with another Node: with Node 20, starting Node alone takes 71 ms. */
const MAX_RATIO = 3.1;

interface Start {
  readonly ms: number;
  readonly cpuMs: number;
}

/** Starts the bundle, the tree and the bare server in turn, until the ratio of the bundle to the bare server is settled. */
export async function start({ subject, effort, isOtherNode }: Run): Promise<Row[]> {
  const { bundle, tree } = subject;
  const response = await anyResponse(subject);
  const programs = {
    bundle: () => started(startApsnap(subject, { program: bundle })),
    tree: () => started(startApsnap(subject, { program: tree as Program })),
    bare: () => started(startBare(subject, response, 'any')),
  };
  const names = (['bundle', 'tree', 'bare'] as const).filter((name) => name !== 'tree' || tree);
  const starts: Record<keyof typeof programs, Start[]> = { bundle: [], tree: [], bare: [] };
  const ratios = () => starts.bundle.map(({ ms }, index) => ms / (starts.bare[index]?.ms ?? Number.NaN));
  while (!isDone(ratios(), effort.start)) {
    const order = ratios().length % 2 === 0 ? names : names.toReversed();
    for (const name of order) starts[name].push(await programs[name]());
  }

  const times = (name: keyof typeof programs, value: keyof Start) => starts[name].map((one) => one[value]);
  const middle = (name: keyof typeof programs, value: keyof Start) => quantity(median(times(name, value)), 'ms');
  const figure = 'Start of the process to the first fresh `/system`';
  const ofTree = `${figure}, compiled tree of \`npm start\``;
  return [
    valueRow({ figure: `${figure}, bundle`, unit: 'ms', ...(!isOtherNode && { atMost: MAX_MS }), values: times('bundle', 'ms') }),
    valueRow({
      figure: 'The same ÷ start of the bare server to its first response',
      ...(isOtherNode && { atMost: MAX_RATIO }),
      values: ratios(),
      details: [`bare server ${middle('bare', 'ms')}`],
    }),
    tree ? valueRow({ figure: ofTree, unit: 'ms', values: times('tree', 'ms') }) : missingRow(ofTree, 'this Node is too old for it'),
    valueRow({
      figure: 'CPU until then, programs included, bundle',
      unit: 'ms',
      values: times('bundle', 'cpuMs'),
      details: [...(tree ? [`tree ${middle('tree', 'cpuMs')}`] : []), `bare server ${middle('bare', 'cpuMs')}`],
    }),
  ];
}

async function anyResponse(subject: Subject): Promise<BareResponse> {
  const server = await startApsnap(subject);
  await untilFresh(server, '/system');
  const response = await responseOf(server, '/system');
  await server.stop();
  return response;
}

async function started(starting: Promise<Server>): Promise<Start> {
  const server = await starting;
  await untilFresh(server, '/system');
  const ms = performance.now() - server.startedMs;
  const nothing = { pid: server.pid, threads: new Map(), ticksMs: 0, childrenMs: 0 };
  const { all: cpuMs } = cpuBetween(nothing, readCpu(server.pid));
  await server.stop();
  return { ms, cpuMs };
}
