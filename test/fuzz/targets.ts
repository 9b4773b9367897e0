/**
 * Fuzz targets: every collector and every document, on machines recorded from the fixtures, and every parser, on captured text.
 */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import fc from 'fast-check';
import { type AnyCollector, collectorByName, collectors } from '../../src/collectors/index.js';
import { type AnyDocument, documents } from '../../src/documents/index.js';
import { decodeJson, encodeBody, encodeJson, encodeValue } from '../../src/encode/body.js';
import { joinFamilies, renderFamilies } from '../../src/encode/prometheus.js';
import { Absent, SourceError, type SourceErrorCode } from '../../src/errors.js';
import type { Machine } from '../../src/machine/machine.js';
import type { Sampling } from '../../src/model/collector.js';
import { slug } from '../../src/model/document.js';
import type { MetricFamily } from '../../src/model/metrics.js';
import { parseExposition } from '../support/exposition.js';
import { allFixtures, fixturesOf, machineBefore, machineOf, wholeMachines } from '../support/fixture.js';
import { assertValid } from '../support/schema.js';
import { edits, mutated } from './mutations.js';
import { type Parser, parsers } from './parsers.js';
import { type Change, type Recording, record, replay, withContent } from './replay.js';

export interface Target {
  readonly name: string;
  /** The property that must hold for any input. */
  property(): fc.IRawProperty<[unknown]>;
  /** Work on inputs of about a megabyte, by the form of the input. */
  large(): Iterable<readonly [shape: string, work: () => void | Promise<void>]>;
}

type Exports = Readonly<Record<string, unknown>>;

/** Modules of src/collectors, by folder. */
const folders = new Map<string, Exports[]>();
const root = new URL('../../src/collectors/', import.meta.url);
for (const entry of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
  if (!entry.includes('/') || !entry.endsWith('.js')) continue;
  const folder = entry.slice(0, entry.lastIndexOf('/'));
  folders.set(folder, [...(folders.get(folder) ?? []), (await import(new URL(entry, root).href)) as Exports]);
}

const collectorsIn = (modules: readonly Exports[]) =>
  collectors.filter((one) => modules.some((exports) => Object.values(exports).includes(one)));

/**
 * Parsers that a collector's file exports, unless `parsers` describes them. They get all text that the collectors of the file read; if the
 * file has no collector, that of all collectors in its folder.
 */
const foundParsers = [...folders.values()].flatMap((modules) =>
  modules.flatMap((exports) =>
    Object.entries(exports).flatMap(([name, parse]) => {
      if (!/^parse[A-Z]/.test(name) || typeof parse !== 'function' || Object.hasOwn(parsers, name)) return [];
      const own = collectorsIn([exports]);
      const users = own.length > 0 ? own : collectorsIn(modules);
      const target = async () => {
        const recordings = await Promise.all(users.map((user) => recordAll(user.name, [user])));
        const texts = recordings.flatMap(textsOf);
        return parserTarget(name, { parse: (text) => parse(text) as unknown, texts });
      };
      return [[`parser ${name}`, target] as const];
    }),
  ),
);

/** All targets, in order. A target is created on demand, as a recording takes a while. */
export const targets: ReadonlyMap<string, () => Target | Promise<Target>> = new Map<string, () => Target | Promise<Target>>([
  ...foundParsers,
  ...collectors.map((one) => [`collector ${one.name}`, () => collectorTarget(one)] as const),
  ...documents.map((one) => [`document ${one.name}`, () => documentTarget(one)] as const),
  ...Object.entries(parsers).map(([name, parser]) => [`parser ${name}`, () => parserTarget(name, parser)] as const),
]);

const FIRST: Sampling<unknown> = {
  carried: undefined,
  monotonicMs: 3_600_000,
  nowMs: Date.UTC(2024, 2, 10, 10, 11, 11),
  thorough: false,
  ipMonitor: undefined,
  exposeSecrets: true,
  maxStationMetrics: 1_000,
};

/** Machines for a collector or a document: its own fixtures, at the sample and before, and whole ones. */
function machinesFor(subject: string): Machine[] {
  return [...fixturesOf(subject), ...wholeMachines()].flatMap((one) => [machineOf(one), machineBefore(one) ?? []].flat());
}

async function recordAll(subject: string, parts: readonly AnyCollector[]): Promise<Recording[]> {
  const recordings: Recording[] = [];
  for (const machine of machinesFor(subject)) {
    const { host, recording } = record(machine);
    for (const part of parts) {
      try {
        (await part.read(host, FIRST)).metrics?.();
      } catch (error) {
        if (!(error instanceof SourceError || error instanceof Absent)) throw error;
      }
    }
    recordings.push(recording);
  }
  return recordings;
}

/** Whatever was read as text. */
function textsOf(recordings: readonly Recording[]): string[] {
  const texts = recordings.flatMap((recording) =>
    [...recording.values()].flatMap((seen) => (seen.is === 'bytes' ? [seen.bytes.toString()] : seen.is === 'text' ? [seen.text] : [])),
  );
  const known = [...new Set(texts)].filter((text) => text !== '');
  return known.length > 0 ? known : ['x\n'];
}

const failures: readonly SourceErrorCode[] = ['not-found', 'permission', 'not-a-file', 'unreadable', 'malformed', 'too-large', 'timeout'];

const changes: fc.Arbitrary<Change[]> = fc.array(
  fc.record({
    where: fc.nat(9_999).map((part) => part / 10_000),
    edits,
    failure: fc.option(fc.constantFrom(...failures), { freq: 12, nil: undefined }),
  }),
  { minLength: 1, maxLength: 3 },
);

const INTERVALS_MS = [2_000, 500, 1_000, 299, 1, 0, 86_400_000, -3_600_000];

interface Input {
  readonly machine: number;
  readonly before: readonly Change[] | undefined;
  readonly now: readonly Change[];
  readonly intervalMs: number;
  readonly thorough: boolean;
  readonly exposeSecrets: boolean;
}

function inputOn(amount: number): fc.Arbitrary<Input> {
  return fc.record({
    machine: fc.nat(amount - 1),
    before: fc.option(changes, { nil: undefined }),
    now: changes,
    intervalMs: fc.constantFrom(...INTERVALS_MS),
    thorough: fc.boolean(),
    exposeSecrets: fc.boolean(),
  });
}

async function collectorTarget(collector: AnyCollector): Promise<Target> {
  const recordings = await recordAll(collector.name, [collector]);
  const texts = textsOf(recordings);

  async function take(recording: Recording, made: readonly Change[], sampling: Sampling<unknown>): Promise<unknown> {
    const sampled = await sample(collector, () => collector.read(replay(recording, made, texts), sampling));
    if (!sampled) return undefined;
    const json = encodeValue(sampled.value, collector.view, sampling.exposeSecrets);
    assertAnswer(json);
    const value = decodeJson(json);
    assertValid(value, collector.view);
    assertExposition(sampled.metrics?.());
    for (const point of Object.values(sampled.points ?? {})) assert.ok(point === null || Number.isFinite(point), 'a point is a number');
    return sampled.carry === undefined ? undefined : decodeJson(encodeJson(sampled.carry));
  }

  return {
    name: `collector ${collector.name}`,
    property: () =>
      fc.asyncProperty(inputOn(recordings.length), async ({ machine, before, now, intervalMs, thorough, exposeSecrets }) => {
        const recording = recordings[machine] as Recording;
        const kept = before && (await take(recording, before, { ...FIRST, exposeSecrets }));
        const monotonicMs = FIRST.monotonicMs + Math.max(intervalMs, 0);
        await take(recording, now, { ...FIRST, carried: kept, monotonicMs, nowMs: FIRST.nowMs + intervalMs, thorough, exposeSecrets });
        assertNothingPolluted();
      }),
    *large() {
      for (const [recording, key] of kindsOf(recordings)) {
        for (const [shape, content] of largeShapes(textOf(recording, key))) {
          const host = withContent(recording, key, Buffer.from(content));
          yield [`${key}: ${shape}`, () => sample(collector, () => collector.read(host, FIRST)).then(() => {})];
        }
      }
    },
  };
}

/** One file or program of each kind, where there are many of the same. */
function* kindsOf(recordings: readonly Recording[]): Iterable<readonly [Recording, string]> {
  const kinds = new Set<string>();
  // Where the collector got farther it read more: those first.
  for (const recording of [...recordings].sort((a, b) => b.size - a.size)) {
    for (const [key, seen] of recording) {
      const kind = key.replaceAll(/\d+/g, '0').replaceAll(/\/(?:wlan|eth|uap|br|docker|veth|wg|tun|lo)\d*(?=\/|$)/g, '/IFACE');
      if ((seen.is !== 'bytes' && seen.is !== 'text') || kinds.has(kind)) continue;
      kinds.add(kind);
      yield [recording, key];
    }
  }
}

function textOf(recording: Recording, key: string): string {
  const seen = recording.get(key);
  return seen?.is === 'bytes' ? seen.bytes.toString() : seen?.is === 'text' ? seen.text : '';
}

async function sample<T>(collector: AnyCollector, read: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof SourceError || error instanceof Absent)) throw error;
    assertMessage(error.message);
    if (error instanceof Absent) assertValid(collector.absent, collector.view);
    return undefined;
  }
}

/** Errors are one line in a log and a field of an answer. */
function assertMessage(message: string): void {
  assert.ok(!/[\p{C}\p{Zl}\p{Zp}]/u.test(message), `a message has no control characters: ${JSON.stringify(message)}`);
  assert.ok(message.length < 7_000, `a message of ${message.length} characters`);
}

/** Text inside of JSON has its quotes escaped, so this is a key. */
function assertAnswer(json: Uint8Array): void {
  assert.ok(!Buffer.from(json.buffer, json.byteOffset, json.byteLength).includes('"__proto__":'), '__proto__ is a key of an answer');
}

function assertExposition(families: readonly MetricFamily[] | undefined): void {
  const rendered = renderFamilies(families ?? []);
  for (const format of ['prometheus', 'openmetrics'] as const) {
    const series = parseExposition(joinFamilies(rendered, format)).map(({ name, labels }) => JSON.stringify([name, labels]));
    assert.equal(new Set(series).size, series.length, 'no series stands twice');
  }
}

const prototypes = [Object.prototype, Array.prototype, Function.prototype, String.prototype, Map.prototype];
const untouched = prototypes.map((prototype) => Reflect.ownKeys(prototype).length);

function assertNothingPolluted(): void {
  for (const [index, prototype] of prototypes.entries())
    assert.equal(Reflect.ownKeys(prototype).length, untouched[index], 'a prototype changed');
}

async function documentTarget(document: AnyDocument): Promise<Target> {
  const parts = document.parts.map((name) => collectorByName(name) as AnyCollector);
  const recordings = await recordAll(slug(document), parts);
  const texts = textsOf(recordings);

  /** Composes it of samples of a machine; undefined where it cannot be. */
  async function compose(recording: Recording, made: readonly Change[], sampling: Sampling<unknown>): Promise<unknown> {
    const host = replay(recording, made, texts);
    const values: Record<string, unknown> = {};
    for (const part of parts) {
      try {
        values[part.name] = decodeJson(encodeValue((await part.read(host, sampling)).value, part.view, sampling.exposeSecrets));
      } catch (error) {
        if (error instanceof Absent) values[part.name] = part.absent;
        else if (!(error instanceof SourceError)) throw error;
        else if ((document.required as readonly string[]).includes(part.name)) return undefined;
      }
    }
    const given = values as Parameters<typeof document.compose>[0];
    const value = document.compose(given);
    const { json } = encodeBody(null, value);
    assertAnswer(json);
    const answered = decodeJson(json);
    assertValid(answered, document.view);
    assertExposition(document.metrics?.(value, sampling.maxStationMetrics));
    for (const [page, body] of document.pages?.compose(value, given) ?? []) {
      const encoded = encodeBody(page, body).json;
      assertAnswer(encoded);
      if (document.pages) assertValid(decodeJson(encoded), document.pages.view);
    }
    return answered;
  }

  return {
    name: `document ${document.name}`,
    property: () =>
      fc.asyncProperty(inputOn(recordings.length), async ({ machine, before, now, exposeSecrets }) => {
        const recording = recordings[machine] as Recording;
        const earlier = before && (await compose(recording, before, { ...FIRST, exposeSecrets }));
        const value = await compose(recording, now, { ...FIRST, exposeSecrets });
        if (earlier !== undefined && value !== undefined) encodeJson(document.changes?.(value, earlier) ?? []);
        assertNothingPolluted();
      }),
    *large() {},
  };
}

function parserTarget(name: string, { parse, captures, texts: own = [], refuses = () => false, most = LARGE, check }: Parser): Target {
  const texts = [...new Set([...own, ...(captures ? captured(captures) : [])])];
  assert.ok(texts.length > 0, `${name}: no capture`);
  const tryParse = (text: string) => {
    try {
      return { value: parse(text) };
    } catch (error) {
      if (!(error instanceof SourceError) && !refuses(error as Error)) throw error;
      assertMessage((error as Error).message);
      return undefined;
    }
  };
  return {
    name: `parser ${name}`,
    property: () =>
      fc.property(mutated(texts), (text) => {
        const parsed = tryParse(text.slice(0, most));
        if (parsed) {
          // What a parser gives need not be JSON: a Map, a Date. What it holds must be sound all the same.
          const json = JSON.stringify(parsed.value instanceof Map ? [...parsed.value] : parsed.value) ?? 'null';
          assertAnswer(Buffer.from(json));
          check?.(parsed.value, text);
        }
        assertNothingPolluted();
      }),
    *large() {
      for (const [shape, text] of largeShapes(texts.join('\n'))) yield [shape, () => void tryParse(text.slice(0, most))];
    },
  };
}

/** As many bytes as the promise names, and characters, as nearly all are ASCII. */
const LARGE = 1 << 20;

/** What lines are filled with to make them long: what regular expressions repeat. */
const FILLERS = [
  ' ',
  '\t',
  '0',
  'a',
  ',',
  '=',
  '"',
  "'",
  '\\',
  '/',
  '.',
  ':',
  '#',
  '[',
  '{',
  '-',
  '_',
  '<',
  ' #',
  'a=',
  '1.',
  '\r',
  '\u2028',
] as const;

/** A text as large as the promise is about: repeated whole, line by line, and with parts of lines made long. */
function* largeShapes(text: string): Iterable<readonly [shape: string, text: string]> {
  const fill = (piece: string, before = '', after = '') =>
    `${before}${piece.repeat(Math.ceil((LARGE - before.length - after.length) / Buffer.byteLength(piece)))}${after}`;
  if (text !== '') yield ['repeated', fill(text)];
  // JSON that is repeated is none.
  const json = /^\s*\[([\s\S]*)\]\s*$/.exec(text)?.[1];
  if (json) yield ['list repeated', `[${fill(`${json},`)}0]`];
  for (const open of ['[', '{"a":']) yield [`${open} nested`, fill(open)];
  yield ['nested whole', '['.repeat(LARGE / 2) + ']'.repeat(LARGE / 2)];
  const lines = [...new Set(text.split('\n').map((line) => line.slice(0, 300)))].filter(Boolean).slice(0, 12);
  for (const line of lines) yield [`${JSON.stringify(line.slice(0, 40))} repeated`, fill(`${line}\n`)];
  for (const line of ['', ...lines.slice(0, 5)]) {
    const head = /^[^=:\t ]*[=:\t ]+/.exec(line)?.[0] ?? line;
    for (const filler of FILLERS)
      yield [`${JSON.stringify(head.slice(0, 40))} and ${JSON.stringify(filler)} repeated`, fill(filler, head, 'x\u2028\n')];
  }
  for (const filler of ['\n', '\r\n', ' \n', '#\n', '=\n', '\0']) yield [`${JSON.stringify(filler)} repeated`, fill(filler)];
}

const MAX_CAPTURE_BYTES = 1 << 17;

/** Content of every file in all fixtures, by its path in the machine. Outputs of programs have paths such as `cmd/iw dev`. */
let captures: readonly (readonly [path: string, bytes: Buffer])[] | undefined;

/** Returns the texts of all captures whose path matches. */
function captured(path: RegExp): string[] {
  captures ??= [...allFixtures(), ...wholeMachines()].flatMap(({ archive }) =>
    [...archive.entries].flatMap(([name, entry]) =>
      entry.kind === 'file' && entry.bytes.length < MAX_CAPTURE_BYTES ? [[name.replace(/^before\//, ''), entry.bytes] as const] : [],
    ),
  );
  return captures.filter(([name]) => path.test(name)).map(([, bytes]) => bytes.toString('latin1'));
}
