/** Tests that every parser of a source shares. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { quote, SourceError } from '../../src/errors.js';
import { mutated } from '../fuzz/mutations.js';
import { anyCharacter } from './arbitraries.js';
import { fixture, fixtureText } from './fixture.js';

export interface ParserCases {
  parse(text: string): unknown;
  /** Text that a machine wrote. */
  readonly real: readonly string[];
  /** Text that the parser rejects, and the message. If there is none, the parser rejects nothing. */
  readonly malformed: readonly (readonly [text: string, message: string])[];
}

/** Malformed texts whose message quotes the whole text behind `message`. */
export const quoted = (message: string, ...texts: string[]) => texts.map((text) => [text, `${message}: ${quote(text)}`] as const);

/** Text of a file in a fixture. */
export const captured = (subject: string, name: string, path: string): string => fixtureText(fixture(subject, name), path);

/** Fewer than `npm run fuzz` has, and the same each time. */
export const FEW_RUNS = { numRuns: 200, seed: 1 } as const;

/** Any text: random, JSON, or one of `texts` with a few edits. */
export function anyText(texts: readonly string[]): fc.Arbitrary<string> {
  return fc.oneof(fc.string({ unit: anyCharacter, maxLength: 200 }), fc.json(), mutated(texts));
}

/** Defines the tests of a parser. */
export function testParser(name: string, { parse, real, malformed }: ParserCases): void {
  describe(name, () => {
    test('parses what machines wrote', () => {
      for (const text of real) assertPlain(parse(text));
    });

    for (const [text, message] of malformed) {
      test(`rejects ${quote(text.slice(-60))}`, () => assertMalformed(() => parse(text), message));
    }

    test('gives a value or a SourceError for any text', () => {
      let rejected = 0;
      fc.assert(
        fc.property(anyText(real), (text) => {
          const isValue = isValueOrMalformed(
            () => assertPlain(parse(text)),
            (message) => assert.ok(message.length < 700 && !message.includes('\n'), message),
          );
          if (!isValue) rejected++;
        }),
        FEW_RUNS,
      );
      if (malformed.length === 0) assert.equal(rejected, 0);
    });
  });
}

/** Asserts that parsing throws a SourceError `malformed` with this message. */
export function assertMalformed(parse: () => unknown, message: string): void {
  assert.throws(parse, (error) => {
    assert.ok(error instanceof SourceError, String(error));
    assert.deepEqual([error.code, error.message], ['malformed', message]);
    return true;
  });
}

/** Asserts that a parser gives a value or a SourceError `malformed`, and nothing else. Returns whether it gave a value. */
export function isValueOrMalformed(parse: () => unknown, check: (message: string) => void = () => {}): boolean {
  try {
    parse();
    return true;
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    assert.equal(error.code, 'malformed');
    check(error.message);
    return false;
  }
}

/** Asserts that a value can be sent: only plain objects, lists, text and finite numbers. */
export function assertPlain(value: unknown): void {
  if (typeof value === 'number') assert.ok(Number.isFinite(value), `${value} is not JSON`);
  if (typeof value !== 'object' || value === null) return;
  assert.ok(Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype, 'not a plain object');
  for (const part of Object.values(value)) assertPlain(part);
}
