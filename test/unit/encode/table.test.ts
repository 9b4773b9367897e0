import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { encodeJson } from '../../../src/encode/body.js';
import { anyCharacter } from '../../support/arbitraries.js';

const text = (value: unknown) => Buffer.from(encodeJson(value)).toString('utf8');
const row = (id: number, more = {}) => ({ id, name: `client-${id}`, ...more });
const many = Array.from({ length: 300 }, (_, id) => row(id));

const string = fc.string({ unit: anyCharacter, maxLength: 10 });
/** Rows that occur again and again, as unchanged ones do. */
const rows = fc.oneof(
  { weight: 8, arbitrary: fc.nat(299).map((id) => many[id]) },
  fc.record({ name: string, addresses: fc.array(string), signal: fc.option(fc.double()), more: fc.anything({ withBigInt: false }) }),
);

describe('encodeJson', () => {
  test('gives the bytes of JSON.stringify for any object with lists', () => {
    const member = fc.oneof(fc.array(rows, { maxLength: 200, size: 'max' }), fc.anything({ withBigInt: false }));
    fc.assert(
      fc.property(fc.dictionary(string, member, { maxKeys: 4 }), (value) => {
        assert.equal(text(value), JSON.stringify(value));
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  test('gives the bytes of JSON.stringify for lists of the same rows, some of which come, go and change', () => {
    const edit = fc.record({ at: fc.nat(400), remove: fc.nat(70), insert: fc.array(rows, { maxLength: 70 }) });
    fc.assert(
      fc.property(fc.array(edit, { maxLength: 20 }), (edits) => {
        const list: unknown[] = [...many];
        for (const { at, remove, insert } of edits) {
          list.splice(at, remove, ...insert);
          assert.equal(text({ amount: list.length, list }), JSON.stringify({ amount: list.length, list }));
          assert.equal(text({ list: list.slice(at), list2: list }), JSON.stringify({ list: list.slice(at), list2: list }));
        }
      }),
      { numRuns: 100, seed: 1 },
    );
  });

  const lists: Readonly<Record<string, unknown[]>> = {
    'rows that are no objects': [...many, null, undefined, 1, 'text', Number.NaN, () => {}, ...many],
    'a list that ends in undefined where a known one went on': many.slice(0, 40),
    'the same row many times': Array.from({ length: 200 }, () => many[0]),
    'a shorter list of the same row': Array.from({ length: 100 }, () => many[0]),
    'rows without a fixed form': many.map(({ id }) => (id % 2 ? { toJSON: () => undefined } : [id])),
  };
  for (const [name, list] of Object.entries(lists)) {
    test(`gives the bytes of JSON.stringify for ${name}`, () => {
      for (const value of [{ list: [...list, undefined] }, { list }, { before: 1, list, after: { list } }, { skipped: undefined, list }]) {
        assert.equal(text(value), JSON.stringify(value));
      }
    });
  }

  test('encodes rows once', () => {
    let encoded = 0;
    const counted = Array.from({ length: 500 }, (_, id) => ({ id, toJSON: () => ++encoded }));
    text({ counted });
    assert.equal(encoded, 500);
    text({ counted: counted.slice(10) });
    assert.ok(encoded < 500 + 64, `${encoded - 500} rows were encoded again for a page`);
    encoded = 0;
    text({ counted: [...counted.slice(0, 250), { id: 500, toJSON: () => ++encoded }, ...counted.slice(251)] });
    assert.ok(encoded < 3 * 64, `${encoded} rows were encoded again for one that changed`);
  });

  test('gives an array that has its whole buffer, so that it can be moved to another thread', () => {
    for (const value of [{ list: many }, { list: [] }]) {
      const { buffer, byteLength } = encodeJson(value);
      assert.equal(buffer.byteLength, byteLength);
    }
  });
});
