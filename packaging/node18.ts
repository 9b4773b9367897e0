/**
 * Functions that Node 18 lacks, the version of Debian 12 and Raspberry Pi OS bookworm. Only the bundle contains this file: it runs
 * first, and replaces the modules that it names (scripts/bundle.ts). Node's own functions are used where they exist.
 */
import * as util from 'node:util';
import * as zlib from 'node:zlib';

/** Computes zlib.crc32 of Node 20.15 and 22.2: ISO 3309, as in gzip. */
export function crc32Of(data: string | Uint8Array, value = 0): number {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data;
  let crc = ~value;
  // By table, eight bits at a time: a byte takes about 2 ns.
  for (let at = 0; at < bytes.length; at++) crc = (table[(crc ^ (bytes[at] as number)) & 0xff] as number) ^ (crc >>> 8);
  return ~crc >>> 0;
}

const table = Int32Array.from({ length: 256 }, (_none, index) => {
  let crc = index;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

/** An assignment with or without quotes, as Node's parser of env files reads it. */
const ASSIGNMENT = /^[^\S\n]*(?:export[^\S\n]+)?([\w.-]+)[^\S\n]*=[^\S\n]*(?:"((?:\\"|[^"])*)"|'([^']*)'|`([^`]*)`|([^\n#]*))[^\n]*$/gm;

/** Parses an env file as util.parseEnv of Node 20.12 and 21.7 does. */
export function parseEnvOf(text: string): NodeJS.Dict<string> {
  const variables: NodeJS.Dict<string> = {};
  for (const [, name = '', double, single, backtick, plain = ''] of text.replaceAll('\r\n', '\n').matchAll(ASSIGNMENT))
    variables[name] = double?.replaceAll('\\n', '\n') ?? single ?? backtick ?? plain.trim();
  return variables;
}

export const crc32: typeof crc32Of = Reflect.get(zlib, 'crc32') ?? crc32Of;
export const parseEnv: typeof parseEnvOf = Reflect.get(util, 'parseEnv') ?? parseEnvOf;

/** Array methods of ES2023. */
const arrayMethods = {
  with<T>(this: T[], index: number, value: T): T[] {
    const copy = [...this];
    copy[index < 0 ? index + this.length : index] = value;
    return copy;
  },
  toSpliced<T>(this: T[], ...change: Parameters<Array<T>['splice']>): T[] {
    const copy = [...this];
    copy.splice(...change);
    return copy;
  },
  toSorted<T>(this: T[], compare?: (a: T, b: T) => number): T[] {
    return [...this].sort(compare);
  },
  toReversed<T>(this: T[]): T[] {
    return [...this].reverse();
  },
};
for (const [name, value] of Object.entries(arrayMethods)) {
  if (!(name in Array.prototype)) Object.defineProperty(Array.prototype, name, { value, writable: true, configurable: true });
}
