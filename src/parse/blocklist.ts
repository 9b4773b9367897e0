/**
 * Parses lists of blocked names, which may have a million lines, without a string or an object for each name and without
 * holding the file in memory.
 *
 *     {"domains":["ads.example","tracker.example"],"amount":2}
 */
import { SourceError } from '../errors.js';
import type { MetricFamily } from '../model/metrics.js';
import { BLANK, isOneOf, startsWith, wordEnd } from './bytes.js';

export type ListName = 'domains' | 'hostnames';

/** Maximum size of a list's file. The largest lists have a million lines of 30 bytes. */
export const MAX_LIST_BYTES = 128 << 20;
/** Maximum length of a name, RFC 1035. Longer ones are skipped. */
const MAX_NAME_BYTES = 253;

const NEWLINE = 0x0a;
const COMMENT = 0x23; // #
const QUOTE = 0x22;
const COMMA = 0x2c;
const SLASH = 0x2f;

/** 1 for bytes that may be in a name: ASCII that stands for itself in JSON and doesn't separate names. */
const IN_NAME = new Uint8Array(256).map((_, byte) => Number(byte > BLANK && byte < 0x7f && !'",/\\'.includes(String.fromCharCode(byte))));

/** Takes the place of a name in a text. */
type UseName = (text: Buffer, start: number, end: number) => void;

/**
 * Calls with each name of a list in order, however the pieces divide the file.
 *
 * @param source named in an error
 * @throws {SourceError} if the file isn't text
 */
export type EachName = (pieces: Iterable<Buffer>, source: string, use: UseName) => void;

function isName(text: Buffer, start: number, end: number): boolean {
  if (start >= end || end - start > MAX_NAME_BYTES) return false;
  for (let index = start; index < end; index++) if (IN_NAME[text[index] as number] === 0) return false;
  return true;
}

/**
 * Makes the JSON of a list: `{"domains":[…],"amount":…}`.
 *
 * @param size of the file in bytes. `/a` becomes `"a",`, so a line of many short names may grow to twice its size. Memory that is not
 * needed is never written to, so the kernel never provides it.
 */
function jsonOf(name: ListName, size: number, each: (use: UseName) => void): Uint8Array {
  const bytes = Buffer.from(new ArrayBuffer(2 * size + 100));
  let at = bytes.write(`{"${name}":[`);
  let amount = 0;
  each((text, start, end) => {
    if (amount++ > 0) bytes[at++] = COMMA;
    bytes[at++] = QUOTE;
    for (let index = start; index < end; index++) bytes[at++] = text[index] as number;
    bytes[at++] = QUOTE;
  });
  at += bytes.write(`],"amount":${amount}}`, at);
  return bytes.subarray(0, at);
}

const OPTIONS = ['local=/', 'server=/', 'address=/'].map((option) => Buffer.from(option));
const [, , ADDRESS] = OPTIONS;
/** Words after the last slash of `address=` that lead nowhere. After `server=` only the first one does, the empty word. */
const NOWHERE = ['', '#', '0.0.0.0', '127.0.0.1', '::', '::1'].map((word) => Buffer.from(word));

/**
 * Parses blocked domains in dnsmasq's own syntax, dnsmasq(8). A name is blocked if dnsmasq answers it with nothing, or with an
 * address that leads nowhere. `server=/d/192.0.2.1` asks another server and `server=/d/#` the usual ones: they block nothing.
 *
 *     local=/ads.example/
 *     server=/tracker.example/
 *     address=/telemetry.example/metrics.example/0.0.0.0
 */
export const eachDomain: EachName = (pieces, source, use) => {
  eachLine(pieces, source, (text, start, lineEnd) => {
    const end = commentStart(text, start, lineEnd, true);
    const option = OPTIONS.find((known) => startsWith(text, start, end, known));
    if (!option) return;
    let last = end - 1;
    while (text[last] !== SLASH) last--; // the option has one
    const targets = option === ADDRESS ? NOWHERE.length : 1;
    if (!isOneOf(text, last + 1, wordEnd(text, last + 1, end), NOWHERE, targets)) return;
    for (let from = start + option.length; from <= last; ) {
      let to = from;
      while (text[to] !== SLASH) to++;
      if (isName(text, from, to)) use(text, from, to);
      from = to + 1;
    }
  });
};

/**
 * @param size of the file in bytes
 * @param pieces the file, in pieces
 * @returns the domains as JSON: `{"domains":[…],"amount":…}`
 * @throws {SourceError} if the file isn't text
 */
export function parseDomains(size: number, pieces: Iterable<Buffer>, source: string): Uint8Array {
  return jsonOf('domains', size, (use) => eachDomain(pieces, source, use));
}

/** Addresses that lead nowhere, in a hosts file. */
const NULL_ADDRESSES = ['0.0.0.0', '127.0.0.1', '::1', '::'].map((address) => Buffer.from(address));
/** Names of the machine itself in hosts files. */
const OWN_NAMES = [
  ...['localhost', 'localhost.localdomain', 'localhost4', 'localhost6', 'local', 'broadcasthost', '0.0.0.0'],
  ...['ip6-localhost', 'ip6-loopback', 'ip6-localnet', 'ip6-mcastprefix', 'ip6-allnodes', 'ip6-allrouters', 'ip6-allhosts'],
].map((name) => Buffer.from(name));

/**
 * Parses blocked names in a hosts file, hosts(5): those of an address that leads nowhere, without the machine's own.
 *
 *     0.0.0.0 ads.example tracker.example   # comment
 *     ::1 localhost
 */
export const eachHostname: EachName = (pieces, source, use) => {
  eachLine(pieces, source, (text, start, lineEnd) => {
    const end = commentStart(text, start, lineEnd, false);
    let from = wordEnd(text, start, end);
    if (!isOneOf(text, start, from, NULL_ADDRESSES, NULL_ADDRESSES.length)) return;
    for (;;) {
      while (from < end && (text[from] as number) <= BLANK) from++;
      const to = wordEnd(text, from, end);
      if (to === from) return;
      if (!isOneOf(text, from, to, OWN_NAMES, OWN_NAMES.length) && isName(text, from, to)) use(text, from, to);
      from = to;
    }
  });
};

/** Parses a hosts file like {@link parseDomains}: `{"hostnames":[…],"amount":…}`. */
export function parseHostnames(size: number, pieces: Iterable<Buffer>, source: string): Uint8Array {
  return jsonOf('hostnames', size, (use) => eachHostname(pieces, source, use));
}

const MAX_LINE_BYTES = 1 << 16;

/** Calls with the place of each line, without blanks around it. Comments and empty lines are skipped. */
function eachLine(pieces: Iterable<Buffer>, source: string, use: (text: Buffer, start: number, end: number) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  for (const piece of pieces) {
    if (piece.includes(0)) throw new SourceError('malformed', `${source}: has a NUL byte, expected text`);
    const text = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    const end = text.lastIndexOf(NEWLINE) + 1;
    eachLineOf(text.subarray(0, end), source, use);
    if (text.length - end > MAX_LINE_BYTES) throw longLine(source);
    rest = Buffer.from(text.subarray(end)); // a copy: the piece is used again
  }
  eachLineOf(rest, source, use);
}

function eachLineOf(text: Buffer, source: string, use: (text: Buffer, start: number, end: number) => void): void {
  const { length } = text;
  for (let from = 0; from < length; ) {
    let start = from;
    while (start < length && (text[start] as number) <= BLANK && text[start] !== NEWLINE) start++;
    let end = start;
    while (end < length && text[end] !== NEWLINE) end++;
    // Checked here too, so that it doesn't depend on where the pieces divide the line.
    if (end - from > MAX_LINE_BYTES) throw longLine(source);
    from = end + 1;
    while (end > start && (text[end - 1] as number) <= BLANK) end--;
    if (start < end && text[start] !== COMMENT) use(text, start, end);
  }
}

function longLine(source: string): SourceError {
  return new SourceError('malformed', `${source}: has a line of more than ${MAX_LINE_BYTES} bytes`);
}

/** Returns where the comment of a line starts; if it has none, where the line ends. */
function commentStart(text: Buffer, start: number, end: number, afterBlank: boolean): number {
  for (let at = start; at < end; at++) {
    if (text[at] === COMMENT && (!afterBlank || (text[at - 1] as number) <= BLANK)) return at;
  }
  return end;
}

/**
 * Returns the length of a list, for Prometheus.
 *
 * @param list as {@link parseDomains} and {@link parseHostnames} make it
 */
export function blockedNames(name: ListName, list: Uint8Array): MetricFamily {
  const end = Buffer.from(list.subarray(-30)).toString('latin1');
  const samples = [{ labels: { list: name }, value: Number(end.slice(end.lastIndexOf(':') + 1, -1)) }];
  return { name: 'apsnap_blocked_names', help: 'Number of blocked names.', type: 'gauge', samples };
}
