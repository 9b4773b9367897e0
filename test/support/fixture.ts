/**
 * Fixtures: one text archive per case (see archive.ts), which holds a machine as a collector or a document finds it.
 *
 *     test/fixtures/stations/wrong-passphrase.txt
 *       sys/class/ieee80211/phy0/index        files as the machine has them
 *       cmd/iw dev                            output of a program, named after its command line
 *       cmd/iw dev.stderr                     its standard error
 *       cmd/iw dev.status                     its exit status, if that isn't 0
 *       statfs.json                           block counts of the root file system, statfs(2)
 *       before/…                              the machine at the previous sample, for rates
 *       ip-monitor                            what `ip monitor` has printed since then
 *       expose-secrets                        if it exists, secrets are shown
 *       expected.json                         the value, or `{"absent": REASON}`, or `{"error": {…}}`
 *       expected.prom                         the Prometheus metrics; optional
 *       expected.faults                       results of faults in what the collector reads; UPDATE_FIXTURES=1 writes it to one fixture
 *
 * Whole machines are in test/fixtures/machines: what they have in `expected/` is the body of each document.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type AnyCollector, collectorByName } from '../../src/collectors/index.js';
import type { AnyDocument } from '../../src/documents/index.js';
import { decodeJson, encodeJson, encodeValue } from '../../src/encode/body.js';
import { joinFamilies, renderFamilies } from '../../src/encode/prometheus.js';
import { Absent, SourceError } from '../../src/errors.js';
import type { Machine } from '../../src/machine/machine.js';
import type { IpMonitorLines, Sampling } from '../../src/model/collector.js';
import type { MetricFamily } from '../../src/model/metrics.js';
import { type Archive, type ArchiveEntries, formatArchive, parseArchive } from './archive.js';
import { createMemoryMachine } from './memory-machine.js';

/** The compiled tests are in dist. */
const FIXTURES = fileURLToPath(new URL('../../../test/fixtures/', import.meta.url));
const MACHINES = 'machines';

/** The time of every sample: Sun 10 Mar 11:11:11 CET 2024. */
const NOW_MS = Date.UTC(2024, 2, 10, 10, 11, 11);
const MONOTONIC_MS = 3_600_000;
/** Time between `before` and the sample, if not both have a /proc/uptime. */
const INTERVAL_MS = 2_000;
const MAX_STATIONS = 1_000;

export interface Fixture {
  /** Name of the collector or document, or `machines`. */
  readonly subject: string;
  readonly name: string;
  readonly file: string;
  readonly archive: Archive;
}

/** Fixtures of a collector or a document. A new archive is a new case. */
export function fixturesOf(subject: string): Fixture[] {
  return readdirSync(`${FIXTURES}${subject}`)
    .sort()
    .map((file) => fixture(subject, basename(file, '.txt')));
}

/** Fixtures of all collectors and documents. */
export function allFixtures(): Fixture[] {
  return readdirSync(FIXTURES)
    .filter((subject) => subject !== MACHINES)
    .flatMap(fixturesOf);
}

/** Whole machines. */
export function wholeMachines(): Fixture[] {
  return fixturesOf(MACHINES);
}

const loaded = new Map<string, Fixture>();

export function fixture(subject: string, name: string): Fixture {
  const file = `${FIXTURES}${subject}/${name}.txt`;
  const known = loaded.get(file) ?? { subject, name, file, archive: parseArchive(readFileSync(file, 'utf8')) };
  loaded.set(file, known);
  return known;
}

export function wholeMachine(name: string): Fixture {
  return fixture(MACHINES, name);
}

/** Bytes of a file in a fixture. */
export function fixtureBytes({ archive, file }: Fixture, path: string): Buffer {
  const entry = archive.entries.get(path);
  if (entry?.kind !== 'file') throw new Error(`${file} has no file ${path}`);
  return entry.bytes;
}

export function fixtureText(from: Fixture, path: string): string {
  return fixtureBytes(from, path).toString();
}

export function exposesSecrets({ archive }: Fixture): boolean {
  return archive.entries.has('expose-secrets');
}

const BEFORE = 'before/';

/** The machine in a fixture. */
export function machineOf({ archive }: Fixture): Machine {
  return createMemoryMachine(archive.entries);
}

/** The machine in a fixture at the previous sample; undefined if there was none. */
export function machineBefore({ archive }: Fixture): Machine | undefined {
  const entries = entriesBefore(archive.entries);
  return entries.size > 0 ? createMemoryMachine(entries) : undefined;
}

/** What `ip monitor` has printed since the previous sample of a fixture. Undefined if it didn't run. */
export function ipMonitorOf(from: Fixture): IpMonitorLines | undefined {
  if (!from.archive.entries.has('ip-monitor')) return undefined;
  return { sinceMs: 0, lines: fixtureText(from, 'ip-monitor').split('\n').slice(0, -1) };
}

function entriesBefore(entries: ArchiveEntries): ArchiveEntries {
  return new Map([...entries].flatMap(([path, entry]) => (path.startsWith(BEFORE) ? [[path.slice(BEFORE.length), entry]] : [])));
}

/** The result of a sample: a value and its metrics, or a failure as in expected.json. */
export type Outcome =
  | { readonly value: unknown; readonly prom: string }
  | { readonly absent: string }
  | { readonly error: { code: string; message: string } };

/** Takes a sample of a fixture like a worker does, after one of `before` if it has that. */
export async function sampleFixture(collector: AnyCollector, from: Fixture): Promise<Outcome> {
  const earlier = machineBefore(from);
  const now = machineOf(from);
  const start = {
    carried: undefined,
    monotonicMs: MONOTONIC_MS,
    nowMs: NOW_MS,
    thorough: false,
    ipMonitor: undefined,
    exposeSecrets: exposesSecrets(from),
    maxStationMetrics: MAX_STATIONS,
  };
  if (!earlier) return (await sample(collector, now, start)).outcome;
  const { carry } = await sample(collector, earlier, start);
  const intervalMs = intervalBetween(earlier, now);
  const again = {
    ...start,
    carried: carry,
    ipMonitor: ipMonitorOf(from),
    monotonicMs: MONOTONIC_MS + intervalMs,
    nowMs: NOW_MS + intervalMs,
  };
  return (await sample(collector, now, again)).outcome;
}

async function sample(
  collector: AnyCollector,
  machine: Machine,
  sampling: Sampling<unknown>,
): Promise<{ outcome: Outcome; carry?: unknown }> {
  try {
    const { value, carry, metrics } = await collector.read(machine, sampling);
    const seen = decodeJson(encodeValue(value, collector.view, sampling.exposeSecrets));
    return { outcome: { value: seen, prom: promOf(metrics?.()) }, carry: throughJson(carry) };
  } catch (error) {
    if (error instanceof Absent) return { outcome: { absent: error.message } };
    if (!(error instanceof SourceError)) throw error;
    return { outcome: { error: { code: error.code, message: error.message } } };
  }
}

function intervalBetween(earlier: Machine, now: Machine): number {
  const [from, to] = [earlier, now].map((machine) => Number.parseFloat(machine.readTextIfThere('/proc/uptime') ?? '') * 1000);
  const intervalMs = Math.round(Number(to) - Number(from));
  return Number.isNaN(intervalMs) ? INTERVAL_MS : intervalMs;
}

/** Composes a document, and its pages, from samples of all its parts. */
export async function composeFixture(document: AnyDocument, from: Fixture): Promise<Outcome> {
  const parts: Record<string, unknown> = {};
  for (const name of document.parts) {
    const collector = collectorByName(name);
    if (!collector) throw new Error(`${document.name}: no collector ${name}`);
    const outcome = await sampleFixture(collector, from);
    if ('value' in outcome) parts[name] = outcome.value;
    else if ('absent' in outcome) parts[name] = decodeJson(encodeValue(collector.absent, collector.view, exposesSecrets(from)));
    else if (document.required.includes(name)) return outcome;
  }
  const given = parts as Parameters<typeof document.compose>[0];
  const body = document.compose(given);
  const prom = promOf(document.metrics?.(body, MAX_STATIONS));
  if (!document.pages) return { value: throughJson({ document: body }), prom };
  return { value: throughJson({ document: body, pages: Object.fromEntries(document.pages.compose(body, given)) }), prom };
}

function promOf(metrics: readonly MetricFamily[] = []): string {
  return joinFamilies(renderFamilies(metrics), 'prometheus');
}

/** The value as the next worker gets it. */
function throughJson(value: unknown): unknown {
  return value === undefined ? undefined : decodeJson(encodeJson(value));
}

/** `UPDATE_FIXTURES=1` writes the outcome into the archive instead of comparing it. Read the difference before you commit it. */
const isUpdate = process.env.UPDATE_FIXTURES === '1';

/**
 * Asserts that an outcome is the expected one. Metrics are compared if the fixture has any.
 *
 * @param path the entry that holds the expected outcome
 */
export function assertExpected(outcome: Outcome, from: Fixture, path = 'expected.json'): void {
  const got = `${JSON.stringify('value' in outcome ? outcome.value : outcome, null, 2)}\n`;
  const prom = 'prom' in outcome ? outcome.prom : '';
  const metrics = path.replace(/\.json$/, '.prom');
  const comparesMetrics = from.archive.entries.has(metrics);
  if (isUpdate) updateArchive(from.file, { [path]: got, ...(comparesMetrics && { [metrics]: prom }) });
  const expected = isUpdate ? { ...from, archive: parseArchive(readFileSync(from.file, 'utf8')) } : from;
  assert.deepEqual(JSON.parse(got), JSON.parse(fixtureText(expected, path)));
  if (comparesMetrics) assert.equal(prom, fixtureText(expected, metrics));
}

/** Asserts that a text is that of an entry. Does nothing if the fixture doesn't have the entry. `UPDATE_FIXTURES=1` writes it instead. */
export function assertText(text: string, from: Fixture, path: string): void {
  if (isUpdate) updateArchive(from.file, { [path]: text });
  else if (from.archive.entries.has(path)) assert.equal(text, fixtureText(from, path));
}

function updateArchive(file: string, texts: Readonly<Record<string, string>>): void {
  const before = readFileSync(file, 'utf8');
  const { comment, entries } = parseArchive(before);
  const changed = new Map(entries);
  for (const [path, text] of Object.entries(texts)) changed.set(path, { kind: 'file', bytes: Buffer.from(text), unreadable: false });
  const after = formatArchive({ comment, entries: changed });
  if (after === before) return;
  writeFileSync(file, after);
  loaded.delete(file);
}
