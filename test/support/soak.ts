/** Sampling rounds without end, with faults at random: the service has to hold no more afterwards than before, and to recover from each. */
import { mkdirSync, renameSync, truncateSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { lookAt, type Process } from '../../bench/proc.js';
import { collectors } from '../../src/collectors/index.js';
import type { Fault } from './fault-hooks.js';
import { documentsOf, type Patient, replay } from './patient.js';

export interface SoakOptions {
  /** How often everything is sampled. */
  readonly rounds: number;
  /** How many of the rounds in which there is no fault start one. */
  readonly share: number;
  /** Another one gives other faults. */
  readonly seed: number;
  /** Called now and then, when no fault is in. */
  onLook?(round: number, look: Process): void;
}

export interface Recovery {
  readonly collector: string;
  readonly fault: string;
  /** From the end of the fault, or of what hung then, until all is fresh. */
  readonly tookMs: number;
  readonly intervalMs: number;
}

export interface Soaked {
  readonly looks: readonly Process[];
  readonly recoveries: readonly Recovery[];
  /** How often a fault was not told within half a minute. */
  readonly untold: readonly string[];
}

const IN_READ: readonly Fault[] = ['throw', 'exit', 'memory', 'loop', 'block'];
const MAX_ROUNDS = 5;
const LOOK_EVERY_ROUNDS = 10;

/** Files that may be replaced, and whose they are. */
const FILES: Readonly<Record<string, string>> = {
  load: '/proc/loadavg',
  thermal: '/sys/class/thermal/thermal_zone0/temp',
  traffic: '/sys/class/net/eth0/statistics/rx_bytes',
  leases: '/var/lib/misc/dnsmasq.leases',
  firewall: '/etc/raspap/networking/firewall/iptables_rules.json',
  domains: '/etc/raspap/adblock/domains.txt',
};
const PROGRAMS: Readonly<Record<string, readonly [program: string, args: string]>> = {
  stations: ['iw', 'dev wlan0 station dump'],
  neighbours: ['ip', '-j neigh show'],
  addresses: ['ip', '-j addr'],
};
const SCRIPTS: Readonly<Record<string, string>> = {
  'never ends': 'exec sleep 1000',
  'leaves children': `trap '' TERM; sleep 1000 & sleep 1000`,
  floods: 'exec head -c 100000000 /dev/zero',
  garbage: 'exec head -c 5000 /dev/urandom',
  fails: 'exit 255',
};

/** A fault that can be put in and taken away. */
interface Planned {
  readonly collector: string;
  readonly fault: string;
  start(): Promise<void> | void;
  end(): Promise<void> | void;
}

/** Rounds follow each other as fast as the service takes samples: its schedule continues meanwhile. */
export async function soak(patient: Patient, { rounds, share, seed, onLook }: SoakOptions): Promise<Soaked> {
  const random = randomFrom(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const looks: Process[] = [];
  const recoveries: Recovery[] = [];
  const untold: string[] = [];
  let round = 0;
  const sampleAll = async () => {
    round++;
    // What hangs is not waited for.
    await Promise.race([patient.refresh(), sleep(300)]);
  };

  while (round < rounds) {
    await sampleAll();
    if (round % LOOK_EVERY_ROUNDS === 0) {
      const look = await lookQuietly(patient);
      looks.push(look);
      onLook?.(round, look);
    }
    if (random() >= share) continue;
    const plan = planFault(patient, pick);
    patient.suspect(plan.collector);
    await plan.start();
    await patient.touch(plan.collector);
    if (!(await isTold(patient, plan.collector, sampleAll))) untold.push(`${plan.collector}: ${plan.fault}`);
    const more = Math.floor(random() * MAX_ROUNDS);
    for (let n = 0; n < more; n++) await sampleAll();
    await plan.end();
    const endedMs = performance.now();
    await patient.touch(plan.collector);
    // A try that was under way when the fault ended hangs on until it is abandoned.
    const { at, lastTroubleMs } = await recovered(patient, plan.collector, endedMs);
    const intervalMs = (await intervalOf(patient, plan.collector)) * 1_000;
    recoveries.push({ collector: plan.collector, fault: plan.fault, tookMs: at - lastTroubleMs, intervalMs });
    patient.suspect();
  }
  return { looks, recoveries, untold };
}

/** Returns the minimum of a column in the first and in the last quarter of all looks: what grows shows in both. */
export function quarters(looks: readonly Process[], column: keyof Process): [first: number, last: number] {
  const size = Math.ceil(looks.length / 4);
  const minimum = (some: readonly Process[]) => Math.min(...some.map((look) => look[column]));
  return [minimum(looks.slice(0, size)), minimum(looks.slice(-size))];
}

/** Returns the minimum of several looks: programs and connections come and go. */
async function lookQuietly(patient: Patient): Promise<Process> {
  const looks: Process[] = [];
  for (let n = 0; n < 5; n++) {
    await sleep(50);
    looks.push(lookAt(patient.server.process.pid as number));
  }
  const minimum = (column: keyof Process) => Math.min(...looks.map((look) => look[column]));
  return {
    residentKb: minimum('residentKb'),
    threads: minimum('threads'),
    descriptors: minimum('descriptors'),
    children: minimum('children'),
  };
}

function planFault(patient: Patient, pick: <T>(list: readonly T[]) => T): Planned {
  const { root } = patient;
  const kind = pick(['read', 'file', 'program'] as const);
  if (kind === 'file') {
    const [collector, file] = pick(Object.entries(FILES));
    const kept = root.locate('/kept');
    const fault = pick(['a folder', 'a flood', 'garbage'] as const);
    return {
      collector,
      fault,
      start() {
        renameSync(root.locate(file), kept);
        if (fault === 'a folder') mkdirSync(root.locate(file));
        else root.write(file, Buffer.from('\0garbage\n'.repeat(100)));
        if (fault === 'a flood') truncateSync(root.locate(file), 100_000_000);
      },
      end() {
        root.erase(file);
        renameSync(kept, root.locate(file));
      },
    };
  }
  if (kind === 'program') {
    const [collector, [program, args]] = pick(Object.entries(PROGRAMS));
    const [fault, script] = pick(Object.entries(SCRIPTS));
    return {
      collector,
      fault,
      start: () => root.program(program, replay(root, program, { [args]: script })),
      end: () => root.program(program, replay(root, program)),
    };
  }
  const fault = pick(IN_READ);
  // What is heavy may take a minute before it is abandoned.
  const possible = collectors.filter(
    ({ lane, name }) => documentsOf(name).length > 0 && !(lane === 'heavy' && (fault === 'loop' || fault === 'block')),
  );
  const { name } = pick(possible);
  return {
    collector: name,
    fault,
    start: () => patient.control({ faults: { [name]: fault } }),
    async end() {
      await patient.control({});
      if (fault === 'block') patient.unblock();
    },
  };
}

async function isTold(patient: Patient, name: string, sampleAll: () => Promise<void>): Promise<boolean> {
  const deadlineMs = performance.now() + 30_000;
  while (performance.now() < deadlineMs) {
    await sampleAll();
    if ((await patient.collector(name)).state === 'failing') return true;
  }
  return false;
}

/** Waits, without asking for samples, until all is fresh. */
async function recovered(patient: Patient, name: string, endedMs: number): Promise<{ at: number; lastTroubleMs: number }> {
  let lastTroubleMs = endedMs;
  let reason: string | null = null;
  let tries = 0;
  for (;;) {
    const row = await patient.collector(name);
    // Another try came to its end that had started while there was the fault.
    if (tries++ > 0 && row.state === 'failing' && row.reason !== reason) lastTroubleMs = performance.now();
    reason = row.reason;
    const states = Object.values(await patient.documents()).map(({ state }) => state);
    if (row.state === 'ok' && states.every((state) => state === 'fresh')) return { at: performance.now(), lastTroubleMs };
    if (performance.now() - endedMs > 120_000) return { at: Number.POSITIVE_INFINITY, lastTroubleMs };
    await sleep(20);
  }
}

async function intervalOf(patient: Patient, name: string): Promise<number> {
  return ((await patient.collector(name)) as unknown as { interval_seconds: number }).interval_seconds;
}

/** The same numbers for the same seed: mulberry32. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
