/**
 * Faults in what each collector reads, in a running service: a FIFO, a folder, 100 MB or random bytes in place of a file, and a
 * program that hangs, floods or is gone. Other content is tried without a service, in test/unit/collectors/fixtures.test.ts. All other documents must stay fresh. What a collector reads is recorded, so a new one is found automatically.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, truncateSync } from 'node:fs';
import { describe, test } from 'node:test';
import { type AnyCollector, type CollectorName, collectors } from '../../src/collectors/index.js';
import { Absent, SourceError } from '../../src/errors.js';
import { createMachine, type Machine } from '../../src/machine/machine.js';
import type { Sampling } from '../../src/model/collector.js';
import { record } from '../fuzz/replay.js';
import { eventually } from '../support/eventually.js';
import { BINARY } from '../support/faults.js';
import {
  assertAllFresh,
  type CollectorState,
  createMachine as createPatientRoot,
  documentsOf,
  eachSecond,
  type Patient,
  replay,
  withPatient,
} from '../support/patient.js';
import type { Root } from '../support/root.js';
import { firstSample } from '../support/sample.js';

const FLOOD_BYTES = 100_000_000;

/** Replaces a file, which is kept at /kept. */
const faults = {
  fifo(patient: Patient, path: string) {
    execFileSync('mkfifo', [patient.root.locate(path)]);
  },
  folder(patient: Patient, path: string) {
    mkdirSync(patient.root.locate(path));
  },
  flood(patient: Patient, path: string) {
    patient.root.write(path, BINARY);
    truncateSync(patient.root.locate(path), FLOOD_BYTES);
  },
  binary: (patient: Patient, path: string) => patient.root.write(path, BINARY),
} as const;

const SAMPLING: Sampling<unknown> = { ...firstSample, thorough: true };

/** What each collector reads on the machine: files and folders, and programs with their arguments. */
async function readsOf(
  root: Root,
): Promise<ReadonlyMap<CollectorName, { readonly files: readonly string[]; readonly programs: readonly string[] }>> {
  const reads = await Promise.all(
    collectors.map(async (collector) => {
      const { host, recording } = record(createMachine({ rootfs: root.folder, path: root.path }));
      await sampleWith(collector, host);
      const keys = [...recording].filter(([, seen]) => seen.is !== 'error' && seen.is !== 'exists');
      const named = (...kinds: string[]) =>
        kinds.flatMap((kind) => keys.flatMap(([key]) => (key.startsWith(`${kind} `) ? key.slice(kind.length + 1) : [])));
      const files = [...named('file'), ...named('list', 'entries')].filter(
        (path) => lstatSync(root.locate(path), { throwIfNoEntry: false })?.isSymbolicLink() === false,
      );
      return [collector.name, { files, programs: named('run') }] as const;
    }),
  );
  return new Map(reads);
}

/** State that a sample of the sound machine carries over, by collector: the service has that too when a fault happens. */
const carried = new Map<string, unknown>();

/** Samples a collector in this process. */
async function sampleWith(collector: AnyCollector, machine: Machine): Promise<'ok' | 'absent' | 'failing'> {
  try {
    const { carry } = await collector.read(machine, {
      ...SAMPLING,
      carried: carried.get(collector.name),
      monotonicMs: carried.has(collector.name) ? 60_000 : 0,
    });
    if (!carried.has(collector.name)) carried.set(collector.name, carry);
    return 'ok';
  } catch (error) {
    if (error instanceof Absent) return 'absent';
    if (error instanceof SourceError) return 'failing';
    throw error;
  }
}

function outcomeOf(name: CollectorName, root: Root): Promise<'ok' | 'absent' | 'failing'> {
  const collector = collectors.find((one) => one.name === name) as AnyCollector;
  return sampleWith(collector, createMachine({ rootfs: root.folder, path: root.path }));
}

interface ProgramRead {
  readonly name: CollectorName;
  readonly program: string;
  readonly args: string;
}

/** Programs that collectors start on the machine, if its kernel doesn't report under-voltage: then vcgencmd does. */
async function readPrograms(): Promise<readonly ProgramRead[]> {
  const root = createPatientRoot();
  try {
    root.erase('/sys/class/hwmon/hwmon1/in0_lcrit_alarm');
    return [...(await readsOf(root))].flatMap(([name, read]) =>
      read.programs.map((line) => ({ name, program: line.split(' ', 1)[0] ?? '', args: line.slice(line.indexOf(' ') + 1) })),
    );
  } finally {
    root.remove();
  }
}

/** Samples now and returns the collector's state; undefined if no document needs the collector, as that one waits for its schedule. */
async function sampled(patient: Patient, name: string): Promise<CollectorState | undefined> {
  const documents = documentsOf(name);
  if (documents.length === 0) return undefined;
  await patient.refresh(documents);
  return patient.collector(name);
}

/** Asserts that every document of a collector is stale, with the collector's reason, in `/snapshot`. */
async function assertFailing(patient: Patient, name: string, what: string): Promise<void> {
  await eventually(async () => {
    // A share of processor time needs a third of a second.
    const row = await sampled(patient, name);
    assert.equal(row?.state, 'failing', what);
    const documents = await patient.documents();
    for (const document of documentsOf(name)) {
      const { state, error, data } = documents[document] as (typeof documents)[string];
      assert.equal(state, 'stale', `${what}: ${document}`);
      assert.equal(error?.message, row.reason);
      assert.ok(error?.advice && data, `${what}: ${document}`);
      // The message is for people and logs: one line, without the file's content.
      assert.match(error.message, /^[^\p{Cc}]{1,400}$/u, what);
    }
  });
}

const programs = await readPrograms();

describe('faults in what collectors read', { concurrency: 3 }, () => {
  test('a fault in the first file of each collector makes only that collector fail', () =>
    withPatient({}, async (patient) => {
      const { root } = patient;
      const reads = await readsOf(root);
      const broken: { readonly name: CollectorName; readonly file: string }[] = [];
      for (const collector of collectors) {
        const { name } = collector;
        const [file] = reads.get(name)?.files ?? [];
        if (file === undefined) continue;
        const readers = collectors.filter((one) => reads.get(one.name)?.files.includes(file)).map((one) => one.name);
        patient.suspect(...readers);
        for (const [fault, put] of Object.entries(faults)) {
          const what = `${name}: ${fault} in place of ${file}`;
          renameSync(root.locate(file), root.locate('/kept'));
          put(patient, file);
          // The test samples the same machine, and so knows whether the fault can be told from a good file.
          const isFailing = (await outcomeOf(name, root)) === 'failing';
          if (isFailing) await assertFailing(patient, name, what);
          else assert.notEqual((await sampled(patient, name))?.state, 'failing', what);
          if (isFailing && fault === 'flood') broken.push({ name, file });
          root.erase(file);
          renameSync(root.locate('/kept'), root.locate(file));
        }
        await sampled(patient, name);
        await eventually(() => assertAllFresh(patient));
      }
      assert.ok(broken.length > 10, `${broken.length}`);

      // All of them at once: the service goes on to report why.
      patient.suspect(...collectors.map(({ name }) => name));
      for (const { file } of broken) {
        root.erase(file);
        faults.flood(patient, file);
      }
      await patient.refresh();
      const { status, rows, stderr } = await patient.doctor();
      assert.equal(status, 1);
      for (const { name } of broken) {
        // A share of processor time needs a third of a second, so the refresh may have come too early for it.
        const { reason, advice } = await eventually(async () => {
          const row = await patient.collector(name);
          assert.equal(row.state, 'failing', name);
          return row;
        });
        const row = rows.get(name) ?? '';
        assert.match(row, /^\w+ +failing /, `${name}: ${reason} ${stderr}`);
        assert.ok(row.includes(`why: ${reason?.slice(name.length + 2)}`) && row.endsWith(`do:  ${advice}`), `${row}: ${reason}`);
      }
      for (const name of ['neighbours', 'disk', 'key']) assert.match(rows.get(name) ?? '', /^\w+ +ok /);
    }));

  const programFaults: Readonly<Record<string, string>> = {
    'never ends': 'exec sleep "$NAP"',
    'ignores SIGTERM': `trap '' TERM INT HUP; while :; do sleep "$NAP"; done`,
    'leaves children': 'sleep "$NAP" & sleep "$NAP"; exit',
    floods: 'exec head -c 100000000 /dev/zero',
  };
  const places: Readonly<Record<string, (patient: Patient, program: string) => void>> = {
    'a folder': ({ root }, program) => mkdirSync(root.locate(`/bin/${program}`)),
    'not executable': ({ root }, program) => {
      root.program(program, '#!/bin/sh\n');
      chmodSync(root.locate(`/bin/${program}`), 0o644);
    },
    'a FIFO': ({ root }, program) => void execFileSync('mkfifo', ['-m', '755', root.locate(`/bin/${program}`)]),
  };
  for (const [index, { name, program, args }] of programs.entries()) {
    /** No other process sleeps for this number of seconds. */
    const nap = `${4_000_000 + 8 * process.pid + index}`;
    test(`a fault in ${program} ${args} makes only ${name} fail`, () =>
      withPatient({ args: eachSecond([name]) }, async (patient) => {
        const { root } = patient;
        root.erase('/sys/class/hwmon/hwmon1/in0_lcrit_alarm'); // it says the same as vcgencmd
        await patient.refresh();
        const users = programs.flatMap((one) => (one.program === program ? [one.name] : []));
        for (const [fault, script] of Object.entries(programFaults)) {
          patient.suspect(name);
          root.program(program, replay(root, program, { [args]: `ROOT='${root.folder}'; NAP=${nap}; ${script}` }));
          await assertFailing(patient, name, `${program} ${args} ${fault}`);
          root.program(program, replay(root, program));
          await patient.until(name, 'ok');
          await eventually(() => assertAllFresh(patient));
          assert.deepEqual(sleepers(nap), [], `${fault}: what it had started is gone`);
        }
        patient.suspect(name, ...users);
        for (const [what, put] of Object.entries(places)) {
          root.erase(`/bin/${program}`);
          put(patient, program);
          await assertFailing(patient, name, what);
          root.erase(`/bin/${program}`);
          root.program(program, replay(root, program));
          await eventually(async () => {
            await patient.refresh();
            await assertAllFresh(patient);
          });
        }
        // A program that isn't installed makes its collector absent, or leaves it what other sources provide.
        patient.suspect();
        root.erase(`/bin/${program}`);
        const row = await sampled(patient, name);
        const { rows } = await patient.doctor();
        const isAbsent = (await outcomeOf(name, root)) === 'absent';
        assert.ok(isAbsent || name === 'neighbours', '/proc/net/arp replaces ip');
        if (!isAbsent) assert.equal(row?.state, 'ok');
        else {
          assert.equal(row?.state, 'absent');
          assert.match(row?.reason ?? '', new RegExp(`${program}: no such program on PATH`));
          assert.match(rows.get(name) ?? '', new RegExp(`^${name} absent .*${program}: no such program on PATH`));
        }
        await assertAllFresh(patient);
      }));
  }
});

/** Returns command lines of processes that sleep for this number of seconds. */
function sleepers(seconds: string): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    try {
      const line = /^\d+$/.test(pid) ? readFileSync(`/proc/${pid}/cmdline`, 'latin1') : '';
      return line.split('\0').includes(seconds) ? [line] : [];
    } catch {
      return []; // it has ended
    }
  });
}
