/** An offset from UTC (east is positive) and its name: 3600 and `CET`. */
type LocalTime = { readonly offsetSeconds: number; readonly abbreviation: string };

/** A yearly change of local time: `seconds` after midnight UTC of a day in a POSIX TZ rule. */
type Change = { readonly to: LocalTime; readonly day: string; readonly seconds: number };

/** A parsed zone: plain data, so it may cross threads. */
export type TimeZone = {
  /** Unix seconds, ascending. */
  readonly transitions: readonly { readonly at: number; readonly to: LocalTime }[];
  /** Valid before the first transition. */
  readonly first: LocalTime;
  /** Valid after the last transition, except during `changes`. */
  readonly rest: LocalTime;
  /** Yearly changes after the last transition: none, or the start and the end of daylight saving time. */
  readonly changes: readonly Change[];
};

const utcTime: LocalTime = { offsetSeconds: 0, abbreviation: 'UTC' };

/** Coordinated Universal Time, for machines without a zone file. */
export const utc: TimeZone = { transitions: [], first: utcTime, rest: utcTime, changes: [] };

const headerBytes = 44;

/**
 * Parses a compiled zone such as `/etc/localtime` or `/usr/share/zoneinfo/Europe/Paris`, of version 1 to 4, fat or slim.
 *
 * Format: RFC 8536, and RFC 9636 for version 4.
 *
 * @param bytes the whole file
 * @throws {Error} `tzif: …` if the bytes aren't a zone, and for the `right/` zones, whose clock counts leap seconds
 */
export function parseTzif(bytes: Uint8Array): TimeZone {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const old = readBlock(view, 0, 4);
  // Versions 2 and up repeat the 32-bit block with 64-bit times, and only that one is worth reading.
  const block = old.version === 0 ? old : readBlock(view, old.end, 8);
  if (block.leapCount > 0) throw new Error('tzif: leap seconds (a right/ zone) are not supported');
  if (block.typeCount === 0) throw new Error('tzif: no local time types');
  const names = latin1(bytes.subarray(block.namesStart, block.namesStart + block.nameBytes));
  const types = Array.from({ length: block.typeCount }, (_, index) => readType(view, block.typesStart + index * 6, names));
  const typeAt = (index: number): LocalTime => {
    const type = types[index];
    if (type === undefined) throw new Error(`tzif: there are ${types.length} local time types, and no number ${index}`);
    return type;
  };
  const transitions = Array.from({ length: block.timeCount }, (_, index) => {
    const offset = block.timesStart + index * block.timeBytes;
    const at = block.timeBytes === 4 ? view.getInt32(offset) : view.getInt32(offset) * 2 ** 32 + view.getUint32(offset + 4);
    return { at, to: typeAt(view.getUint8(block.indexesStart + index)) };
  });
  for (const [index, { at }] of transitions.entries()) {
    if (at <= (transitions[index - 1]?.at ?? -Infinity)) throw new Error(`tzif: transition ${index} is not later than the one before`);
  }
  const first = typeAt(0);
  const plain = { transitions, first, rest: transitions.at(-1)?.to ?? first, changes: [] };
  if (old.version === 0) return plain;
  const footer = /^\n([^\n]*)\n$/.exec(latin1(bytes.subarray(block.end)))?.[1];
  if (footer === undefined) throw new Error('tzif: the footer is not one line between two line feeds');
  return footer === '' ? plain : { transitions, first, ...parseFooter(footer) };
}

/** Reads the header at `start` and the places of its data. `end` is the first byte after them, at most the end of the file. */
function readBlock(view: DataView, start: number, timeBytes: 4 | 8) {
  if (view.byteLength < start + headerBytes) throw new Error(`tzif: cut off at ${view.byteLength} bytes, in a header`);
  if (view.getUint32(start) !== 0x545a6966) throw new Error(`tzif: no TZif at byte ${start}`);
  const count = (index: number) => view.getUint32(start + 20 + index * 4);
  const [leapCount, timeCount, typeCount, nameBytes] = [count(2), count(3), count(4), count(5)];
  const timesStart = start + headerBytes;
  const indexesStart = timesStart + timeCount * timeBytes;
  const typesStart = indexesStart + timeCount;
  const namesStart = typesStart + typeCount * 6;
  const end = namesStart + nameBytes + leapCount * (timeBytes + 4) + count(0) + count(1);
  if (end > view.byteLength) throw new Error(`tzif: cut off at ${view.byteLength} bytes, the header promises ${end}`);
  const version = view.getUint8(start + 4);
  return { version, timeBytes, leapCount, timeCount, typeCount, nameBytes, timesStart, indexesStart, typesStart, namesStart, end };
}

function readType(view: DataView, offset: number, names: string): LocalTime {
  const offsetSeconds = view.getInt32(offset);
  if (offsetSeconds < -89_999 || offsetSeconds > 93_599) throw new Error(`tzif: ${offsetSeconds} seconds is not an offset from UTC`);
  const start = view.getUint8(offset + 5);
  const end = names.indexOf('\0', start);
  if (end < 0) throw new Error(`tzif: the abbreviation at ${start} does not end`);
  return { offsetSeconds, abbreviation: names.slice(start, end) };
}

const namePattern = '([A-Za-z]{3,}|<[A-Za-z0-9+-]{3,}>)';
const timePattern = '([+-]?\\d{1,3}(?::[0-5]\\d){0,2})';
const dayPattern = `(J?\\d{1,3}|M\\d{1,2}\\.[1-5]\\.[0-6])(?:/${timePattern})?`;
const footerPattern = new RegExp(`^${namePattern}${timePattern}(?:${namePattern}${timePattern}?,${dayPattern},${dayPattern})?$`);

/** Parses `CET-1CEST,M3.5.0,M10.5.0/3`: POSIX's TZ, with the times of -167 to 167 hours that RFC 8536 adds. POSIX counts offsets west of UTC. */
function parseFooter(footer: string): Pick<TimeZone, 'rest' | 'changes'> {
  const fields = footerPattern.exec(footer);
  const fail = () => new Error(`tzif: the footer is not a TZ string: ${JSON.stringify(footer.slice(0, 100))}`);
  if (fields === null) throw fail();
  const [, name = '', west = '', dstName, dstWest, startDay = '', startTime = '2', endDay = '', endTime = '2'] = fields;
  const seconds = (text: string, maximumHours: number) => {
    const [hours = 0, minutes = 0, remainder = 0] = text.replace(/^[+-]/, '').split(':').map(Number);
    if (hours > maximumHours) throw fail();
    return (text.startsWith('-') ? -1 : 1) * (hours * 3600 + minutes * 60 + remainder);
  };
  const local = (text: string, offsetSeconds: number) => ({ offsetSeconds, abbreviation: text.replace(/[<>]/g, '') });
  const rest = local(name, 0 - seconds(west, 24));
  if (dstName === undefined) return { rest, changes: [] };
  const dst = local(dstName, dstWest === undefined ? rest.offsetSeconds + 3600 : 0 - seconds(dstWest, 24));
  const change = (day: string, time: string, from: LocalTime, to: LocalTime): Change => {
    const [, kind, number] = /^([JM]?)(\d+)/.exec(day) ?? [];
    const [low, high] = kind === 'M' ? [1, 12] : [kind === 'J' ? 1 : 0, 365];
    if (Number(number) < low || Number(number) > high) throw fail();
    return { to, day, seconds: seconds(time, 167) - from.offsetSeconds };
  };
  return { rest, changes: [change(startDay, startTime, rest, dst), change(endDay, endTime, dst, rest)] };
}

/** Returns the Unix second at which `change` happens in `year`. */
function changeAt({ day, seconds }: Change, year: number): number {
  // setUTCFullYear, because Date.UTC reads the years 0 to 99 as 1900 to 1999.
  const midnight = (month: number, date: number) => new Date(new Date(0).setUTCFullYear(year, month, date));
  const [first = 0, week = 0, weekday = 0] = day.replace(/^[JM]/, '').split('.').map(Number);
  let date = first + 1;
  // J60 is the first of March in every year.
  if (day.startsWith('J')) date = first > 59 && midnight(1, 29).getUTCMonth() === 1 ? first + 1 : first;
  if (!day.startsWith('M')) return midnight(0, date).getTime() / 1000 + seconds;
  date = 1 + ((weekday - midnight(first - 1, 1).getUTCDay() + 7) % 7) + (week - 1) * 7;
  // The fifth Sunday is the last one, even where there are four.
  if (date > midnight(first, 0).getUTCDate()) date -= 7;
  return midnight(first - 1, date).getTime() / 1000 + seconds;
}

/** Returns the offset and its name in `zone` at `unixSeconds`, which must be in Date's range: 8.64e12 s around 1970. Never throws. */
export function localTime(zone: TimeZone, unixSeconds: number): LocalTime {
  const last = zone.transitions.at(-1);
  if (last !== undefined && unixSeconds < last.at) return zone.transitions.findLast(({ at }) => at <= unixSeconds)?.to ?? zone.first;
  const year = new Date((unixSeconds + zone.rest.offsetSeconds) * 1000).getUTCFullYear();
  let local = zone.rest;
  let since = -Infinity;
  // Start two years ago, because a time of 167 hours moves December's change into January. A tie goes to the later year's change: that
  // is how a zone encodes daylight saving time all year.
  for (let candidate = year - 2; candidate <= year + 1; candidate++) {
    for (const change of zone.changes) {
      const at = changeAt(change, candidate);
      if (at <= unixSeconds && at >= since) [since, local] = [at, change.to];
    }
  }
  return local;
}

const weekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/**
 * Formats a time as `date` does in the en_GB locale, `%a %e %b %H:%M:%S %Z %Y`: `Sun 10 Mar 11:11:11 CET 2024`. Never throws.
 *
 * @param unixSeconds in Date's range, 8.64e12 s around 1970; a fraction is dropped
 */
export function formatDate(zone: TimeZone, unixSeconds: number): string {
  const { offsetSeconds, abbreviation } = localTime(zone, unixSeconds);
  const local = new Date((Math.floor(unixSeconds) + offsetSeconds) * 1000);
  const day = `${weekdays[local.getUTCDay()]} ${String(local.getUTCDate()).padStart(2)} ${months[local.getUTCMonth()]}`;
  const clock = [local.getUTCHours(), local.getUTCMinutes(), local.getUTCSeconds()].map((part) => String(part).padStart(2, '0'));
  return `${day} ${clock.join(':')} ${abbreviation} ${local.getUTCFullYear()}`;
}

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
