/**
 * History in memory. Each series has three rings: one value per second for an hour, per minute for a day, and per ten minutes for a
 * week. Nothing goes to disk.
 *
 * A series is a SharedArrayBuffer, so that a worker can read it while the main thread writes:
 *
 *     newest slot of each level (3 float64) │ value per second │ mean, min, max per minute │ mean, min, max per ten minutes
 */
import type { Bucket, HistoryRows } from '../encode/history-rows.js';
import type { Points } from '../model/collector.js';

interface Level {
  /** Length of a slot. */
  readonly seconds: number;
  readonly slots: number;
  /** Index of its first value, in float32. */
  readonly at: number;
}

const SECONDS: Level = { seconds: 1, slots: 3_600, at: 0 };
const MINUTES: Level = { seconds: 60, slots: 1_440, at: SECONDS.slots };
const TEN_MINUTES: Level = { seconds: 600, slots: 1_008, at: MINUTES.at + 3 * MINUTES.slots };
export const LEVELS = [SECONDS, MINUTES, TEN_MINUTES] as const;

const HEAD_BYTES = LEVELS.length * Float64Array.BYTES_PER_ELEMENT;
const VALUES = TEN_MINUTES.at + 3 * TEN_MINUTES.slots;
/** Memory of a series. */
export const SERIES_BYTES = HEAD_BYTES + VALUES * Float32Array.BYTES_PER_ELEMENT;
/** Maximum memory of all series. Further series are not recorded. */
export const HISTORY_BYTES = 8_000_000;
export const MAX_SERIES = Math.floor(HISTORY_BYTES / SERIES_BYTES);

/** A collector samples every few seconds, so its value also fills up to this many seconds since the previous sample. */
const FILLED_SLOTS = 5;

/** Views of the memory of a series, for any thread. */
export interface Ring {
  /** Newest slot of each level: Unix seconds divided by the level's seconds. -1 if there is none yet. */
  readonly newest: Float64Array;
  readonly values: Float32Array;
}

export function openRing(memory: SharedArrayBuffer): Ring {
  return { newest: new Float64Array(memory, 0, LEVELS.length), values: new Float32Array(memory, HEAD_BYTES, VALUES) };
}

export interface History {
  /**
   * Records values. Leaves out new series once the memory is full.
   *
   * @param nowMs wall clock, Unix milliseconds
   */
  record(points: Points, nowMs: number): void;
  /** Memory of each series by name, oldest series first. */
  readonly series: ReadonlyMap<string, SharedArrayBuffer>;
}

/** Sum and number of the values in the current slot. */
interface Pending {
  sum: number;
  count: number;
}

export function createHistory(): History {
  const series = new Map<string, SharedArrayBuffer>();
  const rings = new Map<string, { readonly ring: Ring; readonly pending: readonly Pending[] }>();

  function ringOf(name: string) {
    const known = rings.get(name);
    if (known || rings.size >= MAX_SERIES) return known;
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

/** Clears slots that were skipped, and slots ahead of a clock that was set back, because they hold old values. */
function forget(values: Float32Array, level: Level, before: number, slot: number): void {
  if (before < 0) return;
  const [first, last] = slot > before ? [before + 1, slot] : [slot, before];
  const width = level === SECONDS ? 1 : 3;
  for (let passed = Math.max(first, last - level.slots + 1); passed <= last; passed++) {
    const at = level.at + width * (passed % level.slots);
    values.fill(Number.NaN, at, at + width);
  }
}

/** A query of the history. Times are Unix seconds. */
export interface HistoryQuery {
  readonly since: number;
  readonly until: number;
  /** Seconds from one row to the next. If undefined, there are enough rows for a plot. */
  readonly step: number | undefined;
}

/** Rows of a query without a step: a plot on a large screen shows about as many points. */
export const GOOD_ROWS = 720;
/** Maximum rows of a response, as in Prometheus. A query for more gets 400. */
export const MAX_ROWS = 11_000;

/**
 * Reads rows. They start at multiples of the step, so that repeated queries return the same times.
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

/** Returns the level that reaches back far enough: the coarsest that still fits the step, or the finest without a step. */
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
