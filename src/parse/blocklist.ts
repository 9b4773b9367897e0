/**
 * Lists of blocked names, which may have a million lines: from the bytes of a file to the bytes of JSON, without a string or an
 * object for each name, and without the file ever being in memory.
 *
 *     {"domains":["ads.example","tracker.example"],"amount":2}
 */
import { SourceError } from '../errors.js';
import type { MetricFamily } from '../model/metrics.js';

/** RFC 1035: a name has 253 characters at most. */
const MOST_NAME_BYTES = 253;

const NEWLINE = 0x0a;
const BLANK = 0x20;
const COMMENT = 0x23; // #
const QUOTE = 0x22;
const COMMA = 0x2c;
const SLASH = 0x2f;

/** 1 for bytes that may be in a name: those of ASCII that stand for themselves in JSON, and part no names. */
const IN_NAME = new Uint8Array(256).map((_, byte) => Number(byte > BLANK && byte < 0x7f && !'",/\\'.includes(String.fromCharCode(byte))));

/** Takes names, and makes the JSON of them, in shared memory: it is not to be copied between threads. */
class List {
  readonly #bytes: Buffer;
  #at: number;
  #amount = 0;

  /** @param most bytes that all names and three more for each may take; what is not needed of them is never real memory */
  constructor(name: string, most: number) {
    this.#bytes = Buffer.from(new SharedArrayBuffer(most + 100));
    this.#at = this.#bytes.write(`{"${name}":[`);
  }

  /** Adds a name that lies in `from`; what is no name is passed over. */
  add(from: Buffer, start: number, end: number): void {
    if (start >= end || end - start > MOST_NAME_BYTES) return;
    const bytes = this.#bytes;
    let at = this.#at;
    if (this.#amount > 0) bytes[at++] = COMMA;
    bytes[at++] = QUOTE;
    for (let index = start; index < end; index++) {
      const byte = from[index] as number;
      if (IN_NAME[byte] === 0) return;
      bytes[at++] = byte;
    }
    bytes[at++] = QUOTE;
    this.#at = at;
    this.#amount++;
  }

  json(): Uint8Array {
    const end = this.#at + this.#bytes.write(`],"amount":${this.#amount}}`, this.#at);
    return this.#bytes.subarray(0, end);
  }
}

const OPTIONS = ['local=/', 'server=/', 'address=/'].map((option) => Buffer.from(option));
const [, , ADDRESS] = OPTIONS;
/** What stands behind the last slash of `address=` if it leads nowhere. Of a server it is only the first, nothing. */
const NOWHERE = ['', '#', '0.0.0.0', '127.0.0.1', '::', '::1'].map((word) => Buffer.from(word));

/**
 * Blocked domains in dnsmasq's own syntax, dnsmasq(8). A name is blocked if it is answered here, with nothing or with an address
 * that leads nowhere; `server=/d/192.0.2.1` asks somebody else, and `server=/d/#` whoever is asked of all others: they block nothing.
 *
 *     local=/ads.example/
 *     server=/tracker.example/
 *     address=/telemetry.example/metrics.example/0.0.0.0
 *
 * @param size bytes of the file
 * @param pieces the same, in pieces
 * @param source named in an error
 * @returns `{"domains":[…],"amount":…}`
 * @throws SourceError it is no text
 */
export function parseDomains(size: number, pieces: Iterable<Buffer>, source: string): Uint8Array {
  // `/a` becomes `"a",`: a line of many short names may grow to twice its size.
  const list = new List('domains', 2 * size);
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
      list.add(text, from, to);
      from = to + 1;
    }
  });
  return list.json();
}

/** Addresses that lead nowhere, in a hosts file. */
const NULL_ADDRESSES = ['0.0.0.0', '127.0.0.1', '::1', '::'].map((address) => Buffer.from(address));
/** What hosts files say of the machine itself. */
const OWN_NAMES = [
  ...['localhost', 'localhost.localdomain', 'localhost4', 'localhost6', 'local', 'broadcasthost', '0.0.0.0'],
  ...['ip6-localhost', 'ip6-loopback', 'ip6-localnet', 'ip6-mcastprefix', 'ip6-allnodes', 'ip6-allrouters', 'ip6-allhosts'],
].map((name) => Buffer.from(name));

/**
 * Blocked names in a hosts file, hosts(5): those of an address that leads nowhere, without the machine's own.
 *
 *     0.0.0.0 ads.example tracker.example   # comment
 *     ::1 localhost
 *
 * @param size bytes of the file
 * @param pieces the same, in pieces
 * @param source named in an error
 * @returns `{"hostnames":[…],"amount":…}`
 * @throws SourceError it is no text
 */
export function parseHostnames(size: number, pieces: Iterable<Buffer>, source: string): Uint8Array {
  const list = new List('hostnames', 2 * size);
  eachLine(pieces, source, (text, start, lineEnd) => {
    const end = commentStart(text, start, lineEnd, false);
    let from = wordEnd(text, start, end);
    if (!isOneOf(text, start, from, NULL_ADDRESSES, NULL_ADDRESSES.length)) return;
    for (;;) {
      while (from < end && (text[from] as number) <= BLANK) from++;
      const to = wordEnd(text, from, end);
      if (to === from) return;
      if (!isOneOf(text, from, to, OWN_NAMES, OWN_NAMES.length)) list.add(text, from, to);
      from = to;
    }
  });
  return list.json();
}

const MOST_LINE_BYTES = 1 << 16;

/** Calls with where each line lies, without blanks around it; comments and empty lines are left out. */
function eachLine(pieces: Iterable<Buffer>, source: string, use: (text: Buffer, start: number, end: number) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  for (const piece of pieces) {
    if (piece.includes(0)) throw new SourceError('malformed', `${source}: has a byte that is zero: it is no text`);
    const text = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    const end = text.lastIndexOf(NEWLINE) + 1;
    eachLineOf(text.subarray(0, end), source, use);
    if (text.length - end > MOST_LINE_BYTES) throw longLine(source);
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
    // Refused wherever the pieces part it.
    if (end - from > MOST_LINE_BYTES) throw longLine(source);
    from = end + 1;
    while (end > start && (text[end - 1] as number) <= BLANK) end--;
    if (start < end && text[start] !== COMMENT) use(text, start, end);
  }
}

function longLine(source: string): SourceError {
  return new SourceError('malformed', `${source}: has a line of more than ${MOST_LINE_BYTES} bytes`);
}

/** Where the comment of a line starts, if it has one; else where the line ends. */
function commentStart(text: Buffer, start: number, end: number, afterBlank: boolean): number {
  for (let at = start; at < end; at++) {
    if (text[at] === COMMENT && (!afterBlank || (text[at - 1] as number) <= BLANK)) return at;
  }
  return end;
}

function wordEnd(text: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end && (text[at] as number) > BLANK) at++;
  return at;
}

function startsWith(text: Buffer, start: number, end: number, word: Buffer): boolean {
  if (end - start < word.length) return false;
  for (let index = 0; index < word.length; index++) if (text[start + index] !== word[index]) return false;
  return true;
}

/** Whether it is one of the first so many words, which are in lower case. */
function isOneOf(text: Buffer, start: number, end: number, words: readonly Buffer[], amount: number): boolean {
  for (let index = 0; index < amount; index++) {
    const word = words[index] as Buffer;
    if (word.length === end - start && isAt(text, start, word)) return true;
  }
  return false;
}

/** Whether a word in lower case is at a place, in either case. */
function isAt(text: Buffer, start: number, word: Buffer): boolean {
  for (let index = 0; index < word.length; index++) if (lowerCase(text[start + index] as number) !== word[index]) return false;
  return true;
}

/**
 * How long a list is, for Prometheus.
 *
 * @param name of the list
 * @param list as {@link parseDomains} and {@link parseHostnames} make it
 */
export function blockedNames(name: 'domains' | 'hostnames', list: Uint8Array): MetricFamily {
  const end = Buffer.from(list.subarray(-30)).toString('latin1');
  const samples = [{ labels: { list: name }, value: Number(end.slice(end.lastIndexOf(':') + 1, -1)) }];
  return { name: 'apsnap_blocked_names', help: 'Names that are blocked.', type: 'gauge', samples };
}

/** What part of a list is wanted. */
export interface PageOfList {
  readonly offset: number;
  readonly limit: number;
  /** Names must hold it; letters of either case are the same. */
  readonly contains?: string;
}

/**
 * @param list as {@link parseDomains} and {@link parseHostnames} make it
 * @returns some names, and how many there are in all that hold the text
 */
export function pageOfList(list: Uint8Array, { offset, limit, contains = '' }: PageOfList): { names: string[]; amount: number } {
  const bytes = Buffer.from(list.buffer, list.byteOffset, list.byteLength);
  const end = bytes.lastIndexOf(']');
  const wanted = Buffer.from(contains.toLowerCase(), 'latin1');
  const names: string[] = [];
  let amount = 0;
  for (let at = bytes.indexOf('[') + 1; at < end; ) {
    // at is that of a quote
    let close = at + 1;
    while (bytes[close] !== QUOTE) close++;
    if (wanted.length === 0 || holds(bytes, at + 1, close, wanted)) {
      if (amount >= offset && names.length < limit) names.push(bytes.toString('latin1', at + 1, close));
      amount++;
    }
    at = close + 2; // behind the comma
  }
  return { names, amount };
}

/** Whether the text is between two places, which hold ASCII. */
function holds(bytes: Buffer, start: number, end: number, wanted: Buffer): boolean {
  const last = end - wanted.length;
  for (let at = start; at <= last; at++) if (isAt(bytes, at, wanted)) return true;
  return false;
}

function lowerCase(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
}
