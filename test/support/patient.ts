/** Starts a service on its own machine, to inject faults, and watches all the time that everything else stays fresh. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { collectorByName, collectors } from '../../src/collectors/index.js';
import { documents } from '../../src/documents/index.js';
import { recordSources } from '../../src/engine/sources.js';
import * as sampled from '../../src/machine/machine.js';
import { type Ended, run } from './cli.js';
import { eventually } from './eventually.js';
import type { Control } from './fault-hooks.js';
import { wholeMachine } from './fixture.js';
import { type Answer, ask } from './http.js';
import { createRoot, type Root } from './root.js';
import { firstSample } from './sample.js';
import { startServer, type TestServer } from './server.js';
import { unpackInto } from './unpack.js';

export interface DocumentState {
  readonly state: 'fresh' | 'stale' | 'absent';
  readonly sampledAt: string | null;
  readonly error: { readonly code: string; readonly message: string; readonly advice: string | null } | null;
  readonly data: Record<string, unknown> | null;
}

export interface CollectorState {
  readonly name: string;
  readonly state: 'ok' | 'absent' | 'failing' | 'pending';
  readonly reason: string | null;
  readonly advice: string | null;
  readonly last_success: string | null;
}

/** A Raspberry Pi with RaspAP, and a bridge: every collector has something to read. */
export function createMachine(): Root {
  const root = createRoot();
  root.erase('/sys');
  unpackInto(root.folder, wholeMachine('raspap-pi4').archive.entries);
  root.write('/sys/class/net/br0/brforward', Buffer.from('02000000010001000a00000000000000', 'hex'));
  root.write('/sys/class/net/br0/brif/eth1/port_no', '0x1\n');
  root.write('/proc/1/mountinfo', '22 1 179:2 / / rw,noatime shared:1 - ext4 /dev/mmcblk0p2 rw\n');
  for (const program of ['iw', 'ip', 'vcgencmd']) root.program(program, replay(root, program));
  return root;
}

/**
 * A program that says what it said on that machine.
 *
 * @param faults what it does instead, by arguments: lines of shell
 */
export function replay(root: Root, program: string, faults: Readonly<Record<string, string>> = {}): string {
  const forever = 'exec /bin/sleep 1000';
  const cases = Object.entries({ event: forever, '-o monitor label link address neigh': forever, ...faults });
  return `#!/bin/sh
PATH=/usr/bin:/bin
case "$*" in
${cases.map(([args, script]) => `${args === '*' ? args : `'${args}'`}) ${script} ;;`).join('\n')}
esac
exec cat "${root.folder}/cmd/${program} $*"
`;
}

/** Documents that a collector is a part of. */
export function documentsOf(collector: string): string[] {
  return documents.filter(({ parts }) => parts.some((part) => part === collector)).map(({ name }) => name);
}

export const isRequired = (name: string) => collectors.find((one) => one.name === name)?.required === true;

export interface Patient {
  readonly server: TestServer;
  readonly root: Root;
  /** Injects faults into the service, and into what {@link Patient.doctor} starts; see fault-hooks. */
  control(control: Control): Promise<void>;
  /** The FIFO that `block` waits at until it is opened for writing. */
  readonly fifo: string;
  /** Ends what blocks on the FIFO. */
  unblock(): void;
  /** Names the collectors that have a fault. From now on only their documents may be stale. */
  suspect(...names: string[]): void;
  ask(path: string, method?: string, body?: unknown): Promise<Answer>;
  documents(): Promise<Record<string, DocumentState>>;
  collector(name: string): Promise<CollectorState>;
  /** Touches the files of a collector, so that they are read again. */
  touch(name: string): Promise<void>;
  /** Samples documents now. */
  refresh(names?: readonly string[]): Promise<void>;
  /** Waits until a collector is in a state, for a reason, and /readyz says so. */
  until(name: string, state: CollectorState['state'], reason?: RegExp, withinMs?: number): Promise<CollectorState>;
  /** Rows of `apsnap doctor` on the same machine, by name. */
  doctor(): Promise<Ended & { rows: ReadonlyMap<string, string> }>;
}

export interface PatientOptions {
  readonly args?: readonly string[];
  /** Whether faults of {@link Patient.control} are wanted. */
  readonly hooks?: boolean;
  /** What ends the service, where that is not itself. */
  readonly signal?: NodeJS.Signals;
}

/** Returns flags that sample collectors each second. */
export const eachSecond = (names: readonly string[]) => names.flatMap((name) => [`--schedule.${name}`, '* * * * * *']);
const WATCH_EVERY_MS = 250;
/** A timer that is this late shows that the machine is busy with something else, and stays so for a while. */
const STARVED_MS = 150;
const STARVED_FOR_MS = 10_000;
/** More waiting processes for each processor are not the service's. */
const STARVED_LOAD = 4;

/** Starts the service on a machine, and watches what it tells as long as `use` takes: of what is not suspected all has to be fresh. */
export async function withPatient(options: PatientOptions, use: (patient: Patient) => Promise<void>): Promise<void> {
  const root = createMachine();
  const folder = mkdtempSync(join(tmpdir(), 'apsnap-faults-'));
  const controlFile = join(folder, 'control.json');
  const fifo = join(folder, 'fifo');
  execFileSync('mkfifo', [fifo]);
  const write = (wanted: Control) => {
    const text = JSON.stringify({ fifo, ...wanted });
    writeFileSync(`${controlFile}.new`, text);
    renameSync(`${controlFile}.new`, controlFile);
    return text;
  };
  const control = async (wanted: Control) => {
    const text = write(wanted);
    await eventually(() => assert.equal(readFileSync(`${controlFile}.applied`, 'utf8'), text));
  };
  write({});
  const hooks = new URL(`fault-hooks.js?control=${controlFile}`, import.meta.url).href;
  const env = { PATH: root.path, ...(options.hooks && { NODE_OPTIONS: `--import ${hooks}` }) };
  const args = ['--path.rootfs', root.folder, ...(options.args ?? [])];
  let server: TestServer | undefined;
  try {
    server = await startServer({ args, env });
    const patient = createPatient(server, root, control, fifo, env);
    await eventually(() => assertAllFresh(patient));
    const watch = watchOthers(patient);
    try {
      await use(patient);
    } finally {
      watch.stop();
    }
    assert.deepEqual(watch.violations.slice(0, 5), []);
    assert.ok(watch.looks > 0);
    const status = await server.stop();
    assert.equal(status ?? server.process.signalCode, options.signal ?? 0, `it ends as it should: ${server.output()}`);
    assert.doesNotMatch(server.output(), /ERROR|\bat .*\.js:\d+/);
  } finally {
    await server?.stop();
    root.remove();
    rmSync(folder, { recursive: true, force: true });
  }
}

const suspects = new WeakMap<Patient, ReadonlySet<string>>();

function createPatient(server: TestServer, root: Root, control: Patient['control'], fifo: string, env: Record<string, string>): Patient {
  const headers = { access_token: server.key };
  const patient: Patient = {
    server,
    root,
    control,
    fifo,
    unblock: () => execFileSync('/bin/sh', ['-c', `: <>"$1"`, 'sh', fifo]),
    suspect: (...names) => void suspects.set(patient, new Set(names)),
    ask: (path, method = 'GET', body) =>
      ask(server.url, path, {
        method,
        headers: body === undefined ? headers : { ...headers, 'Content-Type': 'application/json' },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
    async documents() {
      return (await patient.ask(`/snapshot?documents=${documents.map(({ name }) => name)}`)).json<{
        documents: Record<string, DocumentState>;
      }>().documents;
    },
    async collector(name) {
      const { collectors: rows } = (await patient.ask('/collectors')).json<{ collectors: CollectorState[] }>();
      return rows.find((row) => row.name === name) as CollectorState;
    },
    async refresh(names) {
      assert.equal((await patient.ask('/snapshot/refresh', 'POST', names && { documents: names })).status, 200);
    },
    async touch(name) {
      const { machine, sources } = recordSources(sampled.createMachine({ rootfs: root.folder, path: root.path }));
      try {
        await collectorByName(name)?.read(machine, { ...firstSample, thorough: true, exposeSecrets: true });
      } catch {
        // A broken source has been read all the same.
      }
      for (const source of sources) if (existsSync(root.locate(source))) utimesSync(root.locate(source), new Date(), new Date());
    },
    until: (name, state, reason = /^/, withinMs = 30_000) =>
      eventually(async () => {
        const row = await patient.collector(name);
        assert.equal(row.state, state, `${name}: ${row.reason}`);
        assert.match(row.reason ?? '', reason, name);
        const { status, text } = await patient.ask('/readyz');
        assert.equal(status, state === 'failing' && isRequired(name) ? 503 : 200, text);
        if (status === 503) assert.deepEqual(JSON.parse(text).collectors, [name]);
        return row;
      }, withinMs),
    async doctor() {
      const main = new URL('../../src/main.js', import.meta.url).pathname;
      const args = [main, 'doctor', '--path.rootfs', root.folder, '--dotenv', server.dotenv, '--host', '127.0.0.1'];
      const ended = await run(process.execPath, args, { env });
      const [rows = '', absent = ''] = ended.stdout.split('\n\nNot on this machine, or not set up:\n');
      const absentRows = absent.split('\n').flatMap((line) => {
        const [, name, reason] = /^ {2}(\S+) +(.*)/.exec(line) ?? [];
        return name === undefined ? [] : [`${name} absent ${reason}`];
      });
      return { ...ended, rows: new Map([...rows.split(/\n(?=\S)/), ...absentRows].map((row) => [row.slice(0, row.indexOf(' ')), row])) };
    },
  };
  patient.suspect();
  return patient;
}

/** Asserts that everything is fresh. */
export async function assertAllFresh(patient: Patient): Promise<void> {
  const troubled = Object.entries(await patient.documents()).filter(([, { state }]) => state !== 'fresh');
  assert.deepEqual(troubled, []);
  const { status, text } = await patient.ask('/readyz');
  assert.equal(status, 200, text);
}

/** Polls, and records everything that is neither fresh nor suspected. */
function watchOthers(patient: Patient): { readonly violations: string[]; readonly looks: number; stop(): void } {
  const violations: string[] = [];
  let looks = 0;
  let stopped = false;
  let starvedUntilMs = 0;
  const look = async () => {
    const suspected = suspects.get(patient) ?? new Set();
    const mayFail = new Set([...suspected].flatMap(documentsOf));
    const [documentStates, ready] = await Promise.all([patient.documents(), patient.ask('/readyz')]);
    for (const [name, { state, error }] of Object.entries(documentStates)) {
      if (state === 'fresh' && error === null) continue;
      if (isStarved() && isForLackOfTime(error?.code)) continue;
      if (!mayFail.has(name)) violations.push(`${[...suspected]} was at fault, and ${name} was ${state}: ${error?.message}`);
      else if (!suspected.has(error?.message.split(':', 1)[0] ?? '')) violations.push(`${name} was ${state} and blamed: ${error?.message}`);
    }
    const failing = ready.status === 200 ? [] : ready.json<{ collectors: string[] }>().collectors;
    const innocent = failing.filter((name) => !suspected.has(name));
    if (!isStarved() && ready.status !== 200 && (innocent.length > 0 || failing.length === 0)) violations.push(`not ready: ${ready.text}`);
    looks++;
  };
  // A machine that has no time for this process has none for the service: what was late then says nothing.
  const isStarved = () => performance.now() < starvedUntilMs || (loadavg()[0] as number) > STARVED_LOAD * availableParallelism();
  const isForLackOfTime = (code = '') => ['overdue', 'timeout', 'thread-lost'].includes(code);
  void (async () => {
    while (!stopped) {
      const beforeMs = performance.now();
      await sleep(WATCH_EVERY_MS);
      if (performance.now() - beforeMs > WATCH_EVERY_MS + STARVED_MS) starvedUntilMs = performance.now() + STARVED_FOR_MS;
      // It ends in the middle of a look.
      await look().catch((error: Error) => void (stopped || violations.push(error.message)));
    }
  })();
  return {
    violations,
    get looks() {
      return looks;
    },
    stop() {
      stopped = true;
    },
  };
}
