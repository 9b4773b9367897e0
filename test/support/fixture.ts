/**
 * Fixture cases: folders that look like the root of a machine, as a collector or a document finds it.
 *
 *     test/fixtures/stations/wrong-passphrase/
 *       sys/class/ieee80211/phy0/index        files as the machine has them; links of /sys may be links
 *       cmd/iw dev                            what a program printed: the name is its command line,
 *       cmd/iw dev.stderr                     with what it complained of
 *       cmd/iw dev.status                     and its exit status, where it is not 0
 *       before/                               the machine at an earlier sample, for rates
 *       expose-secrets                        if it is there, secrets are shown
 *       statfs.json                           what statfs(2) says of its root file system
 *       expected.json                         what comes of it
 *       expected.prom                         if it is there, what Prometheus is told of it
 */

import assert from 'node:assert/strict';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  type StatsFs,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { type AnyCollector, collectorByName } from '../../src/collectors/index.js';
import type { AnyDocument } from '../../src/documents/index.js';
import { decodeJson, encodeJson, encodeValue } from '../../src/encode/body.js';
import { joinFamilies, renderFamilies } from '../../src/encode/prometheus.js';
import { Absent, SourceError } from '../../src/errors.js';
import { createMachine, type Machine } from '../../src/machine/machine.js';
import type { Sampling } from '../../src/model/collector.js';
import type { MetricFamily } from '../../src/model/metrics.js';
import type { Schema } from '../../src/model/schema.js';

/** The repository's test/fixtures; the compiled tests lie in dist. */
const FIXTURES = fileURLToPath(new URL('../../../test/fixtures/', import.meta.url));
const MACHINES = fileURLToPath(new URL('../../../test/machines/', import.meta.url));

/** When every fixture is sampled: Sun 10 Mar 11:11:11 CET 2024. */
const NOW_MS = Date.UTC(2024, 2, 10, 10, 11, 11);
const MONOTONIC_MS = 3_600_000;
/** Time between `before` and now, where the case has no /proc/uptime in both. */
const INTERVAL_MS = 2_000;
const MOST_STATIONS = 1_000;

export interface FixtureCase {
  /** Name of the collector or document that it is for. */
  readonly subject: string;
  readonly name: string;
  readonly folder: string;
}

/** Every case there is. A new folder is a new case. */
export function listCases(): FixtureCase[] {
  return readdirSync(FIXTURES).flatMap((subject) =>
    readdirSync(join(FIXTURES, subject)).map((name) => ({ subject, name, folder: caseFolder(subject, name) })),
  );
}

export function caseFolder(subject: string, name: string): string {
  return join(FIXTURES, subject, name);
}

/** Names of whole machines. */
export function machines(): string[] {
  return readdirSync(MACHINES).sort();
}

/** Where a whole machine lies in the repository. */
export function machineSource(name: string): string {
  return join(MACHINES, name);
}

/**
 * Where a whole machine is to be looked at, as nobody. Paths in its file `unreadable` may not be read, which git does not know of: such
 * a machine is a copy. Its programs are made ready, as nobody may not do that.
 */
export function machineFolder(name: string): string {
  const folder = withUnreadable(machineSource(name));
  for (const root of [folder, join(folder, 'before')]) replayBin(root);
  return folder;
}

function withUnreadable(folder: string): string {
  const list = join(folder, 'unreadable');
  if (!existsSync(list)) return folder;
  const copy = newFolder();
  cpSync(folder, copy, { recursive: true, verbatimSymlinks: true });
  for (const path of readFileSync(list, 'utf8').trim().split('\n')) {
    chmodSync(join(copy, path), 0);
    unreadable.push(join(copy, path));
  }
  return copy;
}

const bins = new Map<string, string>();
let folders = 0;
let scratch: string | undefined;
/** What is below it and may not be read; a folder must be, to be removed. */
const unreadable: string[] = [];

/** A new folder that every user may enter, below one that is removed when the process ends. */
function newFolder(): string {
  if (scratch === undefined) {
    const created = mkdtempSync(join(tmpdir(), 'apsnap-bin-'));
    process.once('exit', () => {
      for (const path of unreadable) chmodSync(path, 0o700);
      rmSync(created, { recursive: true, force: true });
    });
    chmodSync(created, 0o755);
    scratch = created;
  }
  const folder = join(scratch, String(folders++));
  mkdirSync(folder);
  return folder;
}

/**
 * A folder for PATH, with every program that the case has a recording of: it says what it said then. It is removed when the
 * process ends. Any user may run them; a command line that was not recorded ends with status 127.
 *
 * @param folder a case
 */
export function replayBin(folder: string): string {
  const known = bins.get(folder);
  if (known) return known;
  const bin = newFolder();
  bins.set(folder, bin);
  const recorded = join(folder, 'cmd');
  const names = existsSync(recorded) ? readdirSync(recorded) : [];
  for (const program of new Set(names.map((name) => name.split(' ', 1)[0] ?? ''))) {
    // A program sees no variable but PATH and LC_ALL, so where the recording lies is written into it.
    const script = `#!/bin/sh
said='${join(recorded, program).replaceAll("'", "'\\''")}'
[ $# -eq 0 ] || said="$said $*"
[ -f "$said" ] || { echo "not recorded: \${said##*/}" >&2; exit 127; }
/bin/cat "$said"
[ ! -f "$said.stderr" ] || /bin/cat "$said.stderr" >&2
[ ! -f "$said.status" ] || exit "$(/bin/cat "$said.status")"
`;
    writeFileSync(join(bin, program), script, { mode: 0o755 });
  }
  return bin;
}

/** The case as a machine. Only statfs(2) is made up, and only where the case says so. */
export function createCaseHost(folder: string): Machine {
  const host = createMachine({ rootfs: folder, path: replayBin(folder) });
  const statfs = join(folder, 'statfs.json');
  return existsSync(statfs) ? { ...host, fileSystem: () => JSON.parse(readFileSync(statfs, 'utf8')) as StatsFs } : host;
}

/** What comes of a sample: a value, with what Prometheus is told of it, or as in expected.json. */
export type Outcome =
  | { readonly value: unknown; readonly prom: string }
  | { readonly absent: string }
  | { readonly error: { code: string; message: string } };

/** Takes a sample of a case, as the sampling thread does; where it has a `before`, of that one first. */
export function sampleCase(collector: AnyCollector, folder: string): Outcome {
  const earlier = join(folder, 'before');
  const start = {
    carried: undefined,
    monotonicMs: MONOTONIC_MS,
    nowMs: NOW_MS,
    thorough: false,
    exposeSecrets: exposesSecrets(folder),
    maxStationMetrics: MOST_STATIONS,
  };
  if (!existsSync(earlier)) return sample(collector, folder, start).outcome;
  const { carry } = sample(collector, earlier, start);
  const intervalMs = intervalOf(folder, earlier);
  return sample(collector, folder, { ...start, carried: carry, monotonicMs: MONOTONIC_MS + intervalMs, nowMs: NOW_MS + intervalMs })
    .outcome;
}

function sample(collector: AnyCollector, folder: string, sampling: Sampling<unknown>, attempts = 5): { outcome: Outcome; carry?: unknown } {
  try {
    const { value, carry, metrics } = collector.read(createCaseHost(folder), sampling);
    const seen = decodeJson(encodeValue(value, collector.view, sampling.exposeSecrets));
    return { outcome: { value: seen, prom: promOf(metrics?.()) }, carry: crossThreads(carry) };
  } catch (error) {
    if (error instanceof Absent) return { outcome: { absent: portable(error.message, folder) } };
    if (!(error instanceof SourceError)) throw error;
    // No recording takes long: it is the machine that runs the tests that has no time.
    if (error.code === 'timeout' && attempts > 1) return sample(collector, folder, sampling, attempts - 1);
    return { outcome: { error: { code: error.code, message: portable(error.message, folder) } } };
  }
}

function exposesSecrets(folder: string): boolean {
  return existsSync(join(folder, 'expose-secrets'));
}

/** Composes a document of samples of all its parts, and its pages. */
export function composeCase(document: AnyDocument, folder: string): Outcome {
  const parts: Record<string, unknown> = {};
  for (const name of document.parts) {
    const collector = collectorByName(name);
    if (!collector) throw new Error(`${document.name}: no collector ${name}`);
    const outcome = sampleCase(collector, folder);
    if ('value' in outcome) parts[name] = outcome.value;
    else if ('absent' in outcome) parts[name] = decodeJson(encodeValue(collector.absent, collector.view, exposesSecrets(folder)));
    else if (document.required.includes(name)) return outcome;
  }
  const given = parts as Parameters<typeof document.compose>[0];
  const body = document.compose(given);
  const prom = promOf(document.metrics?.(body, MOST_STATIONS));
  if (!document.pages) return { value: crossThreads({ document: body }), prom };
  return { value: crossThreads({ document: body, pages: Object.fromEntries(document.pages.compose(body, given)) }), prom };
}

function promOf(metrics: readonly MetricFamily[] = []): string {
  return joinFamilies(renderFamilies(metrics), 'prometheus');
}

/** As it comes out of another thread: through JSON. */
function crossThreads(value: unknown): unknown {
  return value === undefined ? undefined : decodeJson(encodeJson(value));
}

function intervalOf(folder: string, earlier: string): number {
  const [now, before] = [folder, earlier].map((root) => {
    const file = join(root, 'proc/uptime');
    return existsSync(file) ? Number.parseFloat(readFileSync(file, 'utf8')) * 1000 : Number.NaN;
  });
  const intervalMs = Math.round(Number(now) - Number(before));
  return Number.isNaN(intervalMs) ? INTERVAL_MS : intervalMs;
}

/** A message without where the repository and the temporary folder lie. */
function portable(message: string, folder: string): string {
  return message.replaceAll(folder, '').replaceAll(replayBin(folder), 'PATH');
}

const ajv = new Ajv2020({ strict: false, allErrors: true });
const validators = new WeakMap<object, ValidateFunction>();

/** Asserts that a value is what its schema promises. */
export function assertValid(value: unknown, { json }: Schema<unknown>): void {
  const validate = validators.get(json) ?? ajv.compile(json);
  validators.set(json, validate);
  assert.ok(validate(value), `${ajv.errorsText(validate.errors)}: ${JSON.stringify(value)?.slice(0, 2000)}`);
}

/** Runs something synchronous without the rights of root, which may read everything. */
export function asNobody<T>(act: () => T): T {
  if (process.geteuid?.() !== 0) return act();
  process.seteuid?.(65534);
  try {
    return act();
  } finally {
    process.seteuid?.(0);
  }
}
