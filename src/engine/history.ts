/**
 * What was: rings in memory, of each series a second for an hour, a minute for a day and ten minutes for a week. Nothing goes to disk.
 *
 *     SharedArrayBuffer of a series, so that a thread can answer queries while this one writes:
 *     newest slot of each level (3 float64) │ values of the seconds │ mean, min, max of the minutes │ the same of ten minutes
 */
import type { Bucket, HistoryRows } from '../encode/history-rows.js';
import type { Points } from '../model/collector.js';

interface Level {
  /** Length of a slot. */
  readonly seconds: number;
  readonly slots: number;
  /** Where its values start, in float32. */
  readonly at: number;
}

const SECONDS: Level = { seconds: 1, slots: 3_600, at: 0 };
const MINUTES: Level = { seconds: 60, slots: 1_440, at: SECONDS.slots };
const TEN_MINUTES: Level = { seconds: 600, slots: 1_008, at: MINUTES.at + 3 * MINUTES.slots };
export const LEVELS = [SECONDS, MINUTES, TEN_MINUTES] as const;

const HEAD_BYTES = LEVELS.length * Float64Array.BYTES_PER_ELEMENT;
const VALUES = TEN_MINUTES.at + 3 * TEN_MINUTES.slots;
/** What a series takes. */
export const SERIES_BYTES = HEAD_BYTES + VALUES * Float32Array.BYTES_PER_ELEMENT;
/** What all of them may take. */
export const HISTORY_BYTES = 8_000_000;
export const MOST_SERIES = Math.floor(HISTORY_BYTES / SERIES_BYTES);

/** A sample is taken every few seconds: what it says holds for the seconds since the one before. */
const FILLED_SLOTS = 5;

/** The memory of a series, seen from any thread. */
export interface Ring {
  /** Newest slot of each level: Unix seconds divided by the level's; -1: none yet. */
  readonly newest: Float64Array;
  readonly values: Float32Array;
}

export function openRing(memory: SharedArrayBuffer): Ring {
  return { newest: new Float64Array(memory, 0, LEVELS.length), values: new Float32Array(memory, HEAD_BYTES, VALUES) };
}

export interface History {
  /** Takes down values. Series that there is no room for are passed over. @param nowMs wall clock, Unix milliseconds */
  record(points: Points, nowMs: number): void;
  /** The memory of each series, by name, in the order in which they came. */
  readonly series: ReadonlyMap<string, SharedArrayBuffer>;
}

/** Sum and number of what a slot that is not over holds so far. */
interface Pending {
  sum: number;
  count: number;
}

export function createHistory(): History {
  const series = new Map<string, SharedArrayBuffer>();
  const rings = new Map<string, { readonly ring: Ring; readonly pending: readonly Pending[] }>();

  function ringOf(name: string) {
    const known = rings.get(name);
    if (known || rings.size >= MOST_SERIES) return known;
    const memory = new SharedArrayBuffer(SERIES_BYTES);
    const ring = openRing(memory);
    ring.newest.fill(-1);
    ring.values.fill(Number.NaN);
    const made = { ring, pending: LEVELS.map(() => ({ sum: 0, count: 0 })) };
    series.set(name, memory);
    rings.set(name, made);
    return made;
  }

  return {
    series,
    record(points, nowMs) {
      for (const [name, value] of Object.entries(points)) {
        const found = value === null ? undefined : ringOf(name);
        if (!found || value === null) continue;
        for (const [index, level] of LEVELS.entries()) write(found.ring, index, level, found.pending[index] as Pending, value, nowMs);
      }
    },
  };
}

function write({ newest, values }: Ring, index: number, level: Level, pending: Pending, value: number, nowMs: number): void {
  const slot = Math.floor(nowMs / 1000 / level.seconds);
  const before = newest[index] as number;
  if (slot !== before) {
    pending.sum = 0;
    pending.count = 0;
    forget(values, level, before, slot);
    newest[index] = slot;
  }
  pending.sum += value;
  pending.count++;
  if (level === SECONDS) {
    const since = before >= 0 && slot > before && slot - before <= FILLED_SLOTS ? before + 1 : slot;
    for (let filled = since; filled <= slot; filled++) values[level.at + (filled % level.slots)] = value;
    return;
  }
  const at = level.at + 3 * (slot % level.slots);
  const first = pending.count === 1;
  values[at] = pending.sum / pending.count;
  values[at + 1] = first ? value : Math.min(values[at + 1] as number, value);
  values[at + 2] = first ? value : Math.max(values[at + 2] as number, value);
}

/** Clears slots that were passed over since, or that lie ahead of a clock that was set back: their places hold something else. */
function forget(values: Float32Array, level: Level, before: number, slot: number): void {
  if (before < 0) return;
  const [first, last] = slot > before ? [before + 1, slot] : [slot, before];
  const width = level === SECONDS ? 1 : 3;
  for (let passed = Math.max(first, last - level.slots + 1); passed <= last; passed++) {
    const at = level.at + width * (passed % level.slots);
    values.fill(Number.NaN, at, at + width);
  }
}

/** What is asked of the history. Times are Unix seconds. */
export interface HistoryQuery {
  readonly since: number;
  readonly until: number;
  /** Seconds from row to row; undefined: as fine as makes a good plot. */
  readonly step: number | undefined;
}

/** As many points as a plot on a large screen has room for. */
export const GOOD_ROWS = 720;
/** More rows than this are not given at once; as Prometheus has it. */
export const MOST_ROWS = 11_000;

/**
 * Reads rows. They start at multiples of the step, so that the same times come however often one asks.

 */
export function readHistory(
  series: ReadonlyMap<string, SharedArrayBuffer>,
  { since, until, step }: HistoryQuery,
  nowSeconds: number,
): HistoryRows {
  const level = levelFor(since, step, nowSeconds);
  const wanted = step ?? Math.ceil((until - since) / GOOD_ROWS);
  const width = Math.max(1, Math.ceil(wanted / level.seconds)) * level.seconds;
  const first = Math.floor(since / width) * width;
  const amount = Math.max(0, Math.floor((until - first) / width) + 1);
  const times = Array.from({ length: amount }, (_, index) => first + index * width);
  const buckets = new Map(
    [...series].map(([name, memory]) => {
      const ring = openRing(memory);
      return [name, times.map((time) => readBucket(ring, level, time, width))] as const;
    }),
  );
  return { times, step: width, buckets };
}

/** The finest level that goes back far enough and is not finer than need be. */
function levelFor(since: number, step: number | undefined, nowSeconds: number): Level {
  const reaches = LEVELS.filter(({ seconds, slots }) => nowSeconds - since <= seconds * slots);
  const fits = reaches.filter(({ seconds }) => step === undefined || seconds <= step);
  return (step === undefined ? fits[0] : fits.at(-1)) ?? reaches[0] ?? TEN_MINUTES;
}

function readBucket({ newest, values }: Ring, level: Level, time: number, width: number): Bucket {
  const last = newest[LEVELS.indexOf(level as (typeof LEVELS)[number])] as number;
  let sum = 0;
  let count = 0;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  const start = time / level.seconds;
  for (let slot = start; slot < start + width / level.seconds; slot++) {
    if (slot > last || slot <= last - level.slots || slot < 0) continue;
    const own = level === SECONDS;
    const at = level.at + (own ? 1 : 3) * (slot % level.slots);
    const mean = values[at] as number;
    if (Number.isNaN(mean)) continue;
    sum += mean;
    count++;
    min = Math.min(min, own ? mean : (values[at + 1] as number));
    max = Math.max(max, own ? mean : (values[at + 2] as number));
  }
  if (count === 0) return { mean: Number.NaN, min: Number.NaN, max: Number.NaN };
  return { mean: sum / count, min, max };
}
