/** Damages text that a machine wrote: by characters, words and lines, and as JSON if it is JSON. */
import fc from 'fast-check';
import { anyCharacter } from '../support/arbitraries.js';

/** Text that programs trip over, to replace a word or to stand between two. */
const NASTY = [
  ...['', ' ', '\t', '\n', '\r', '\r\n', '\0', '\u000b', '\u0085', '\u2028', '\u00a0', '\ufeff', '\u202e', '\ud800', '\u{1f4a9}', 'ÿ', 'İ'],
  ...['0', '-0', '-1', '1', '255', '256', '65536', '4294967296', '9007199254740993', '9'.repeat(30), '9'.repeat(400), '1e999', '-1e-9'],
  ...['0x10', '0b1', '1.5.5', '٣', 'NaN', 'Infinity', '-Infinity', 'null', 'true', 'undefined', '[object Object]'],
  ...['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '__defineGetter__', 'length'],
  ...[
    '"',
    "'",
    '`',
    '\\',
    '\\"',
    '{',
    '}',
    '[',
    ']',
    '(',
    ')',
    '<',
    '>',
    ',',
    ';',
    ':',
    '=',
    '#',
    '/',
    '//',
    '..',
    '%00',
    '%',
    '$',
    '*',
    '|',
  ],
  ...['00:00:00:00:00:00', 'ff:ff:ff:ff:ff:ff', '02:00:00:00:01:00', '0.0.0.0', '255.255.255.255', '::', '::1', 'fe80::1%wlan0', '1::2::3'],
  ...['wlan0', 'lo', 'x'.repeat(300), '['.repeat(300), '{"a":'.repeat(50), ' '.repeat(1_000), '\n'.repeat(50)],
] as const;

/** JSON that replaces another value. Text, because only JSON can have an own key `__proto__`. */
const NASTY_JSON = [
  ...[
    'null',
    'true',
    '0',
    '-1',
    '1e308',
    '-0',
    '1.5',
    '9007199254740993',
    '""',
    '"\\u0000"',
    '"\\ud800"',
    '"__proto__"',
    '[]',
    '{}',
    '[[]]',
  ],
  ...['{"__proto__":{"polluted":1}}', '{"constructor":{"prototype":{"polluted":1}}}', '{"length":4294967296}', '{"toString":null}'],
  ...['[null]', '["a","a"]', `${'['.repeat(200)}${']'.repeat(200)}`, `"${'x'.repeat(3_000)}"`],
] as const;

const KINDS = [
  ...['replace-word', 'replace-word', 'replace-number', 'delete-word', 'double-word', 'swap-words', 'insert', 'cut-characters'],
  ...['flip-bit', 'delete-line', 'double-line', 'repeat-line', 'swap-lines', 'splice-line', 'join-lines', 'end-here', 'start-here'],
  ...['blanks', 'line-ends', 'upper-case', 'long-line', 'json', 'json', 'json-key', 'other'],
] as const;

export interface Edit {
  readonly kind: (typeof KINDS)[number];
  /** Place, as a share of the text. */
  readonly at: number;
  readonly to: number;
  readonly nasty: string;
  readonly json: string;
}

const share = fc.nat(9_999).map((part) => part / 10_000);

export const edit: fc.Arbitrary<Edit> = fc.record({
  kind: fc.constantFrom(...KINDS),
  at: share,
  to: share,
  nasty: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom<string>(...NASTY) },
    { weight: 1, arbitrary: fc.string({ unit: anyCharacter, maxLength: 6 }) },
  ),
  json: fc.constantFrom<string>(...NASTY_JSON),
});

/** Few edits: a parser rejects heavily damaged text at its first line. */
export const edits = fc.array(edit, { minLength: 1, maxLength: 5 });

/** Maximum characters of damaged text. Longer text is for the measurements. */
const MAX_CHARS = 1 << 17;

/**
 * @param others texts of the same kind, to take lines from
 * @returns the text after all edits, one after the other
 */
export function applyEdits(text: string, made: readonly Edit[], others: readonly string[]): string {
  return made.reduce((before, one) => {
    const after = applyEdit(before, one, others);
    return after.length > MAX_CHARS ? before : after;
  }, text);
}

function applyEdit(text: string, { kind, at, to, nasty, json }: Edit, others: readonly string[]): string {
  const index = Math.floor(at * (text.length + 1));
  switch (kind) {
    case 'insert':
      return text.slice(0, index) + nasty + text.slice(index);
    case 'cut-characters':
      return text.slice(0, index) + text.slice(index + 1 + Math.floor(to * 20));
    case 'flip-bit':
      return text.slice(0, index) + String.fromCharCode((text.charCodeAt(index) || 0) ^ (1 << Math.floor(to * 8))) + text.slice(index + 1);
    case 'end-here':
      return text.slice(0, index);
    case 'start-here':
      return text.slice(index);
    case 'blanks':
      return text.replaceAll(at < 0.5 ? ' ' : '\t', nasty.slice(0, 20));
    case 'line-ends':
      return text.replaceAll('\n', at < 0.3 ? '\r\n' : at < 0.6 ? '\r' : '\n\n');
    case 'upper-case':
      return at < 0.5 ? text.toUpperCase() : text.toLowerCase();
    case 'other':
      return pick(others, at) ?? text;
    case 'json':
    case 'json-key':
      return editJson(text, kind === 'json-key', at, kind === 'json-key' ? nasty : json);
    case 'replace-word':
    case 'replace-number':
    case 'delete-word':
    case 'double-word':
    case 'swap-words':
      return editWords(text, kind, at, to, nasty);
    default:
      return editLines(text, kind, at, to, nasty, others);
  }
}

function pick<T>(from: readonly T[], at: number): T | undefined {
  return from[Math.floor(at * from.length)];
}

/** Edits words and numbers. Searches from a place on, because splitting a long text for each edit would be most of the work. */
function editWords(text: string, kind: Edit['kind'], at: number, to: number, nasty: string): string {
  const word = (from: number) => {
    const expression = kind === 'replace-number' ? /\d[\d.]*/g : /[^\s,;:=()[\]{}"']+/g;
    expression.lastIndex = Math.floor(from * text.length);
    const found = expression.exec(text);
    return found && { start: found.index, end: found.index + found[0].length, word: found[0] };
  };
  const one = word(at);
  if (!one) return text + nasty;
  const put = (instead: string) => text.slice(0, one.start) + instead + text.slice(one.end);
  if (kind === 'delete-word') return put('');
  if (kind === 'double-word') return put(`${one.word} ${one.word}`);
  if (kind === 'swap-words') return put(word(to)?.word ?? nasty);
  return put(nasty);
}

function editLines(text: string, kind: Edit['kind'], at: number, to: number, nasty: string, others: readonly string[]): string {
  const lines = text.split('\n');
  const [index, target] = [Math.floor(at * lines.length), Math.floor(to * lines.length)];
  const line = lines[index] ?? '';
  switch (kind) {
    case 'delete-line':
      return lines.toSpliced(index, 1).join('\n');
    case 'double-line':
      return lines.toSpliced(target, 0, line).join('\n');
    case 'repeat-line':
      return lines.toSpliced(index, 0, ...Array.from({ length: 1 + Math.floor(to * 100) }, () => line)).join('\n');
    case 'swap-lines':
      return lines
        .with(index, lines[target] ?? '')
        .with(target, line)
        .join('\n');
    case 'splice-line':
      return lines.toSpliced(index, 0, pick(pick(others, to)?.split('\n') ?? [], at) ?? '').join('\n');
    case 'join-lines':
      return lines.toSpliced(index, 2, `${line}${lines[index + 1] ?? ''}`).join('\n');
    case 'long-line':
      return lines.with(index, `${line}${(nasty || 'x').repeat(Math.min(2_000, Math.ceil(20_000 / (nasty.length || 1))))}`).join('\n');
    default:
      throw new Error(`no edit ${kind}`);
  }
}

/** Replaces a value or a key in JSON. Returns other text unchanged. */
function editJson(text: string, isKey: boolean, at: number, put: string): string {
  const start = text.trimStart()[0];
  if (start !== '[' && start !== '{') return text;
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch {
    return text;
  }
  type Place = { readonly holder: Record<string, unknown>; readonly key: string };
  const places: Place[] = [];
  // Bounded, because inserted JSON may nest deeply.
  const visit = (holder: unknown, depth: number) => {
    if (typeof holder !== 'object' || holder === null || depth > 20) return;
    for (const key of Object.keys(holder)) {
      places.push({ holder: holder as Record<string, unknown>, key });
      visit((holder as Record<string, unknown>)[key], depth + 1);
    }
  };
  visit({ root }, 0);
  const place = pick(places, at);
  if (!place) return text;
  const { holder, key } = place;
  const own = (name: string, value: unknown) =>
    Object.defineProperty(holder, name, { value, enumerable: true, configurable: true, writable: true });
  if (isKey && !Array.isArray(holder)) own(put, holder[key]);
  else own(key, JSON.parse(isKey ? JSON.stringify(put) : put));
  return JSON.stringify(places[0]?.holder.root ?? null);
}

/** Generates one of the texts with some edits, and random text once in a while. */
export function mutated(texts: readonly string[]): fc.Arbitrary<string> {
  const edited = fc.tuple(fc.constantFrom(...texts), edits).map(([text, made]) => applyEdits(text, made, texts));
  return fc.oneof({ weight: 12, arbitrary: edited }, { weight: 1, arbitrary: fc.string({ unit: anyCharacter, maxLength: 100 }) });
}
