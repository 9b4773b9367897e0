/** Values that sources contain. */
import fc from 'fast-check';

export const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>;

const SURROGATES = 0x800;

/** Any code point. fast-check's own unit `binary` is the same, but builds tables of graphemes first, which takes a second. */
export const anyCharacter = fc
  .integer({ min: 0, max: 0x10ffff - SURROGATES })
  .map((code) => String.fromCodePoint(code < 0xd800 ? code : code + SURROGATES));

const byte = fc.integer({ min: 0, max: 255 });

export const hex = (value: number, digits = 2) => value.toString(16).padStart(digits, '0');

/** An address of a station: not of a group, not zero. */
export const mac = fc
  .tuple(byte, byte, byte, byte, byte, fc.integer({ min: 1, max: 255 }))
  .map(([first, ...rest]) => [first & 0xfe, ...rest].map((part) => hex(part)).join(':'));

export const ipv4 = fc.ipV4();

export const word = fc.string({ unit: fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz0123456789-'), minLength: 2, maxLength: 40 });
