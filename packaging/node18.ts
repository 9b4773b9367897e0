/**
 * What Node 18, the one of Debian 12 and Raspberry Pi OS bookworm, lacks of what the service uses. Only the bundle has this: there it
 * stands before everything else, and in place of the modules it names (scripts/bundle.ts). Where Node has its own, that is used.
 */
import * as util from 'node:util';
import * as zlib from 'node:zlib';

/** zlib.crc32 of Node 20.15 and 22.2: ISO 3309, as gzip has it. */
export function crc32Of(data: string | Uint8Array, value = 0): number {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data;
  let crc = ~value;
  // eight bits at a time, by table: a byte costs about 2 ns
  for (let at = 0; at < bytes.length; at++) crc = (table[(crc ^ (bytes[at] as number)) & 0xff] as number) ^ (crc >>> 8);
  return ~crc >>> 0;
}

const table = Int32Array.from({ length: 256 }, (_none, index) => {
  let crc = index;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

/** One assignment, its value quoted or not, as in Node's own parser of env files. */
const ASSIGNMENT = /^[^\S\n]*(?:export[^\S\n]+)?([\w.-]+)[^\S\n]*=[^\S\n]*(?:"((?:\\"|[^"])*)"|'([^']*)'|`([^`]*)`|([^\n#]*))[^\n]*$/gm;

/** util.parseEnv of Node 20.12 and 21.7: the variables in the text of an env file. */
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
