/** Parses `iw dev IFACE station dump`: what an access point knows of its stations. */
import { quote, SourceError } from '../../errors.js';
import { parseMac } from '../../parse/mac.js';

/** A station as `iw` describes it, from the access point's side: what it received is the client's upload. */
export interface StationDump {
  mac: string;
  authorized: boolean;
  signalDbm: number | null;
  receivedBytes: number | null;
  sentBytes: number | null;
  receiveMbps: number | null;
  sendMbps: number | null;
  connectedSeconds: number | null;
  inactiveMs: number | null;
  sendRetries: number | null;
  sendFailures: number | null;
}

/** Lines that are needed, by name. The value of each is a number, except for `authorized`. */
const NAMES = [
  'authorized',
  'signal',
  'signal avg',
  'rx bytes',
  'tx bytes',
  'rx bitrate',
  'tx bitrate',
  'connected time',
  'inactive time',
  'tx retries',
  'tx failed',
] as const;

interface Field {
  /** Its place in {@link NAMES}. */
  readonly index: number;
  /** Start of its line, behind the tab. */
  readonly start: string;
}

/** Fields by letters of their names; see {@link letters}. They rule out most lines: two thirds of a station's thirty aren't needed. */
const fieldsByLetters: (readonly Field[] | undefined)[] = Array(1024).fill(undefined);
for (const [index, name] of NAMES.entries()) {
  const at = letters(name.charCodeAt(0), name.charCodeAt(4));
  fieldsByLetters[at] = [...(fieldsByLetters[at] ?? []), { index, start: `${name}:` }];
}

const STATION = 'Station ';
const MAC_LENGTH = 17;
/** Start of what a multi-link station repeats for each link. */
const LINK = /[ \t]*Link \d+:/y;
const TAB = 9;
const SPACE = 32;
const MINUS = 45;
const POINT = 46;
const ZERO = 48;
const LETTER_A = 65;
const LETTER_L = 76;
/** Maximum digits of a number. More may not be exact. */
const MAX_DIGITS = 15;

/**
 * Parses `iw dev IFACE station dump`. Drivers leave out what they don't know; the Raspberry Pi's brcmfmac may report a signal of 0,
 * which means the same. A multi-link station repeats its keys in `Link N:` blocks; the first ones are its own.
 *
 *     Station 02:00:00:00:01:00 (on wlan0)
 *     	inactive time:	420 ms
 *     	rx bytes:	3061
 *     	signal:  	-20 [-22, -24] dBm
 *     	tx bitrate:	117.0 MBit/s MCS 14
 *     	authorized:	yes
 *     	connected time:	7 seconds
 *
 * It goes through the text once, because 2,000 stations are 2 MB: splitting the text takes twice as long.
 *
 * @param expected MAC addresses in their probable order. One that is where it is expected isn't parsed
 */
export function parseStationDump(text: string, expected: readonly string[] = []): StationDump[] {
  const dumps: StationDump[] = [];
  const values = new Float64Array(NAMES.length);
  let at = text.startsWith(STATION) ? 0 : nextStation(text, 0);
  let next = 0;
  if (text.slice(0, at).trim()) throw new SourceError('malformed', `iw station dump: expected "Station" at the start: ${quote(text)}`);
  while (at < text.length) {
    const start = at + STATION.length;
    const probable = expected[next];
    const mac = probable && text.startsWith(probable, start) ? probable : parseMac(copied(text, start, start + MAC_LENGTH));
    at = readFields(text, start, values.fill(Number.NaN));
    if (!mac) {
      throw new SourceError('malformed', `iw station dump: expected a MAC address after "Station": ${quote(text.slice(start, at))}`);
    }
    next = expected.indexOf(mac, next) + 1 || next;
    dumps.push(stationOf(mac, values));
  }
  return dumps;
}

/** Copies a part of the text. A slice would keep the whole text in memory, 2 MB, for as long as the station stays. */
function copied(text: string, start: number, end: number): string {
  return Buffer.from(text.slice(start, end)).toString();
}

/** Reads the values of one station, and returns where the next one starts. The first line of a name counts. */
function readFields(text: string, from: number, values: Float64Array): number {
  let read = 0;
  let end = text.indexOf('\n', from);
  while (end >= 0) {
    const line = end + 1;
    const first = text.charCodeAt(line);
    const second = text.charCodeAt(line + 1);
    if (first !== TAB || second < LETTER_A || second === LETTER_L) {
      if (text.startsWith(STATION, line)) return line;
      if (isLink(text, line)) return nextStation(text, line);
    }
    end = text.indexOf('\n', line);
    if (first !== TAB) continue;
    const fields = fieldsByLetters[letters(second, text.charCodeAt(line + 5))];
    const field = fields && fieldAt(fields, text, line + 1);
    if (!field || (read & (1 << field.index)) !== 0) continue;
    read |= 1 << field.index;
    const at = line + 1 + field.start.length;
    values[field.index] = field.index === 0 ? Number(text.slice(at, end < 0 ? undefined : end).trim() !== 'no') : numberAt(text, at);
  }
  return text.length;
}

/** Finds the next station. Returns the length of the text after the last station. */
function nextStation(text: string, from: number): number {
  const at = text.indexOf(`\n${STATION}`, from);
  return at < 0 ? text.length : at + 1;
}

function isLink(text: string, line: number): boolean {
  LINK.lastIndex = line;
  return LINK.test(text);
}

function fieldAt(fields: readonly Field[], text: string, at: number): Field | undefined {
  for (const field of fields) {
    if (text.startsWith(field.start, at)) return field;
  }
  return undefined;
}

/** Combines five bits of the first letter of a name with five of the fifth. */
function letters(first: number, fifth: number): number {
  return ((first & 31) << 5) | (fifth & 31);
}

/** Parses the number at the start of a value such as `117.0 MBit/s`. Returns NaN if the value starts with no number. */
function numberAt(text: string, from: number): number {
  let start = from;
  while (isBlank(text.charCodeAt(start))) start++;
  const isNegative = text.charCodeAt(start) === MINUS;
  const first = isNegative ? start + 1 : start;
  let end = first;
  let value = 0;
  for (; isDigit(text.charCodeAt(end)); end++) value = 10 * value + text.charCodeAt(end) - ZERO;
  if (end === first || end - first > MAX_DIGITS) return Number.NaN;
  if (text.charCodeAt(end) === POINT) {
    const point = end;
    let scale = 1;
    for (end++; isDigit(text.charCodeAt(end)); end++) {
      value = 10 * value + text.charCodeAt(end) - ZERO;
      scale *= 10;
    }
    if (end === point + 1 || text.charCodeAt(end) === POINT) return Number.NaN;
    // A quotient of exact numbers is the nearest one to the decimal fraction.
    if (end - first > MAX_DIGITS) return Number(text.slice(start, end));
    value /= scale;
  }
  return isNegative ? -value : value;
}

function isBlank(code: number): boolean {
  return code === TAB || code === SPACE;
}

function isDigit(code: number): boolean {
  return code >= ZERO && code < ZERO + 10;
}

/** @param values in the order of {@link NAMES}; NaN if the station has no such line */
function stationOf(mac: string, values: Float64Array): StationDump {
  return {
    mac,
    authorized: values[0] !== 0,
    signalDbm: measured(values[1]) ?? measured(values[2]),
    receivedBytes: counted(values[3]),
    sentBytes: counted(values[4]),
    receiveMbps: measured(values[5]),
    sendMbps: measured(values[6]),
    connectedSeconds: counted(values[7]),
    inactiveMs: counted(values[8]),
    sendRetries: counted(values[9]),
    sendFailures: counted(values[10]),
  };
}

/** Returns null for a number that isn't known. */
function counted(value: number | undefined): number | null {
  return value === undefined || Number.isNaN(value) ? null : compact(value);
}

/** Returns null for a number that isn't known. Of a signal or a rate, zero means the same. */
function measured(value: number | undefined): number | null {
  return value ? compact(value) : null;
}

/** Has V8 hold a small integer as such. As a float, which it is in a Float64Array, it takes memory and more time to encode. */
function compact(value: number): number {
  const small = value | 0;
  return small === value ? small : value;
}
