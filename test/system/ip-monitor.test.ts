/**
 * The neighbours of a network namespace are changed at random, with the machine's own `ip`. What `ip monitor` prints, applied to a dump,
 * gives the same table as a later dump.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { type Neighbour, neighbours, parseNeigh } from '../../src/collectors/network/neighbours.js';
import { monotonicMs } from '../../src/engine/clock.js';
import { followIpMonitor } from '../../src/engine/ip-monitor.js';
import { createMachine, type Machine } from '../../src/machine/machine.js';
import { eventually } from '../support/eventually.js';
import { firstSample } from '../support/sample.js';

const SEQUENCES = 40;
const STEPS = 25;
const SEED = Number(process.env.SEED ?? 1);

/** Whether the test may create network namespaces. */
const mayUnshare = spawnSync('unshare', ['--net', 'ip', 'link']).status === 0;

/** A network namespace, and a machine whose programs run in it. */
function createNamespace() {
  const holder = spawn('unshare', ['--net', 'sleep', '600'], { stdio: 'ignore' });
  const enter = ['--net', '--target', `${holder.pid}`];
  const host = createMachine({ rootfs: '/', path: process.env.PATH ?? '' });
  const machine: Machine = {
    ...host,
    run: (program, args) => host.run('nsenter', [...enter, program, ...args]),
    follow: (program, args, handlers) => host.follow('nsenter', [...enter, program, ...args], handlers),
  };
  /** Runs lines of `ip`. Some fail, such as those that delete an entry that isn't there. */
  const ip = (...lines: readonly string[]) =>
    void spawnSync('nsenter', [...enter, 'sh', '-c', lines.map((line) => `ip ${line}`).join('\n')], { stdio: 'ignore' });
  return { machine, ip, remove: () => holder.kill() };
}

type Namespace = ReturnType<typeof createNamespace>;

/** Follows the neighbours of a namespace. */
function follow({ machine }: Namespace) {
  const ipMonitor = followIpMonitor(machine);
  let carried: Parameters<typeof neighbours.read>[1]['carried'];
  let dumps = 0;
  const counting: Machine = {
    ...machine,
    run(program, args) {
      dumps++;
      return machine.run(program, args);
    },
  };
  /** Takes the next sample, like a cycle does. */
  async function sample(): Promise<Neighbour[]> {
    ipMonitor.read();
    await new Promise(setImmediate);
    const taken = ipMonitor.take();
    const { value, carry } = await neighbours.read(counting, { ...firstSample, monotonicMs: monotonicMs(), ipMonitor: taken, carried });
    carried = carry;
    return value.neighbours;
  }
  /** Waits until samples use the lines only. */
  const untilFollowed = () =>
    eventually(async () => {
      const earlier = dumps;
      await sample();
      assert.equal(dumps, earlier);
    });
  return { sample, stop: ipMonitor.stop, dumps: () => dumps, untilFollowed };
}

/** Asserts that the table is that of the kernel. It may change meanwhile: entries go from one state to the next. */
async function assertCurrent({ machine }: Namespace, sample: ReturnType<typeof follow>['sample'], what: string): Promise<void> {
  const sorted = (rows: readonly Neighbour[]) => rows.map((row) => JSON.stringify(row)).sort();
  await eventually(async () => {
    await sample();
    const kernel = parseNeigh(await machine.run('ip', ['-j', 'neigh', 'show']));
    assert.deepEqual(sorted(await sample()), sorted(kernel), what);
  }, 10_000);
}

/** Random numbers that are the same in each run. */
function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
}

/** One change. Links 0 to 2 are pairs whose other end is `p`, and `br0` is a bridge. */
function randomStep(random: (below: number) => number): string {
  const pick = <T>(values: readonly T[]) => values[random(values.length)] as T;
  const [link, number] = [random(3), 2 + random(12)];
  const dev = `dev ${pick([`e${link}`, `e${link}`, `e${link}`, 'br0'])}`;
  const address = pick([`10.0.${link}.${number}`, `fd0${link}::${number}`, `fe80::${number}`]);
  const lladdr = `lladdr 02:00:00:00:0${random(3)}:${10 + number}`;
  const state = pick(['reachable', 'reachable', 'stale', 'delay', 'probe', 'permanent', 'noarp']);
  const flags = pick(['', '', '', ' router', ' extern_learn', ' protocol zebra']);
  return pick([
    ...Array.from({ length: 12 }, () => `neigh replace ${address} ${lladdr} nud ${state}${flags} ${dev}`),
    ...Array.from({ length: 4 }, () => `neigh del ${address} ${dev}`),
    `neigh replace ${address} nud ${pick(['failed', 'incomplete'])} ${dev}`,
    `neigh ${pick(['add', 'del'])} proxy ${address} ${dev}`,
    `neigh flush ${dev}`,
    `link set e${link} ${pick(['down', 'up', 'up', 'nomaster', 'master br0'])}`,
    `link set p${link} ${pick(['down', 'up', 'up'])}`,
    `link set e${link} address 02:00:00:00:aa:${10 + random(90)}`,
    `address ${pick(['replace', 'del'])} 10.0.${link}.${number}/24 ${dev}`,
    `link del e${link}`,
    `link add e${link} type veth peer name p${link}`,
    `link ${pick(['add br0 type bridge', 'set br0 up', 'set br0 down', 'del br0'])}`,
  ]);
}

const linkUp = (number: number) => [
  `link add e${number} type veth peer name p${number}`,
  `link set e${number} up`,
  `link set p${number} up`,
  `address replace 10.0.${number}.1/24 dev e${number}`,
];

describe('ip monitor', { skip: !mayUnshare && 'needs the right to create network namespaces' }, () => {
  test(`gives the same table as a dump, after ${SEQUENCES} random sequences (SEED=${SEED})`, { timeout: 300_000 }, async () => {
    const namespace = createNamespace();
    const { sample, stop, dumps } = follow(namespace);
    try {
      const random = createRandom(SEED);
      let followed = 0;
      for (let sequence = 0; sequence < SEQUENCES; sequence++) {
        namespace.ip(...[0, 1, 2].flatMap(linkUp), 'link add br0 type bridge', 'link set br0 up');
        await sample();
        const steps = Array.from({ length: STEPS }, () => randomStep(random));
        const earlier = dumps();
        namespace.ip(...steps);
        await assertCurrent(namespace, sample, `sequence ${sequence}:\n${steps.join('\n')}`);
        if (dumps() === earlier) followed++;
      }
      assert.ok(followed > SEQUENCES / 2, `${followed} sequences without a dump`);
    } finally {
      stop();
      namespace.remove();
    }
  });

  test('a link that is renamed keeps its neighbours, under its new name', { timeout: 60_000 }, async () => {
    const namespace = createNamespace();
    const { sample, stop, untilFollowed } = follow(namespace);
    try {
      namespace.ip(...linkUp(0));
      await untilFollowed();
      namespace.ip('link set e0 down', 'link set e0 name n0', 'link set n0 up', 'link add e0 type veth peer name q0', 'link set q0 up');
      namespace.ip('link set e0 up');
      for (const dev of ['n0', 'e0']) namespace.ip(`neigh replace 10.0.0.3 lladdr 02:00:00:00:00:03 nud stale dev ${dev}`);
      await assertCurrent(namespace, sample, 'after');
      assert.deepEqual((await sample()).map((row) => row.interface).sort(), ['e0', 'n0']);
    } finally {
      stop();
      namespace.remove();
    }
  });

  test('a burst that is too long for the pipe ends with the table of the kernel', { timeout: 60_000 }, async () => {
    const namespace = createNamespace();
    const { sample, stop, untilFollowed } = follow(namespace);
    try {
      namespace.ip(...linkUp(0));
      await untilFollowed();
      const addresses = Array.from({ length: 600 }, (_, index) => `10.0.0.${2 + (index % 250)}`);
      namespace.ip(
        ...addresses.map((address, index) => `neigh replace ${address} lladdr 02:00:00:00:00:${10 + (index % 89)} nud permanent dev e0`),
      );
      await assertCurrent(namespace, sample, 'after the burst');
    } finally {
      stop();
      namespace.remove();
    }
  });
});
