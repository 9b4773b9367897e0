// Secrets become null wherever a view marks them, and nothing else changes.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { hideSecrets } from '../../../src/model/redact.js';
import { anything, array, integer, map, nullable, object, oneOf, type Schema, secret, string } from '../../../src/model/schema.js';

const text = string('shown');
const hidden = secret(string('hidden'));

/** A schema of any of some others. */
function anyOf(...options: readonly Schema<unknown>[]): Schema<unknown> {
  return { json: { anyOf: options.map(({ json }) => json) } };
}

describe('hideSecrets', () => {
  const cases: [name: string, view: Schema<unknown>, value: unknown, shown: unknown][] = [
    ['a secret', hidden, 'pw', null],
    ['a secret that is none', hidden, null, null],
    ['in an object', object({ text, hidden }), { text: 'a', hidden: 'pw' }, { text: 'a', hidden: null }],
    [
      'in an object in an object',
      object({ a: object({ hidden }), text }),
      { a: { hidden: 'pw' }, text: 'pw' },
      { a: { hidden: null }, text: 'pw' },
    ],
    ['in a list', array(hidden, ''), ['pw', 'pw'], [null, null]],
    ['in lists of lists', array(array(object({ hidden }), ''), ''), [[], [{ hidden: 'pw' }]], [[], [{ hidden: null }]]],
    ['a list', secret(array(text, '')), ['pw'], null],
    ['an object', secret(object({ text })), { text: 'pw' }, null],
    ['any JSON', secret(anything('')), { a: ['pw'] }, null],
    ['a choice', secret(oneOf(['pw'], '')), 'pw', null],
    ['in a map', map(hidden, ''), { a: 'pw', b: null }, { a: null, b: null }],
    ['in a map of objects', map(object({ text, hidden }), ''), { a: { text: 'a', hidden: 'pw' } }, { a: { text: 'a', hidden: null } }],
    [
      'in a map, below names that every object has',
      map(hidden, ''),
      { constructor: 'pw', toString: 'pw' },
      { constructor: null, toString: null },
    ],
    ['in an object that may be null', nullable(object({ hidden })), { hidden: 'pw' }, { hidden: null }],
    ['in an object that is null', nullable(object({ hidden })), null, null],
    ['any JSON that may be null', nullable(secret(anything(''))), 'pw', null],
    ['in a list that may be null, said twice', nullable(nullable(array(hidden, ''))), ['pw'], [null]],
    [
      'in an object that may be null, said twice',
      nullable(nullable(object({ text, hidden }))),
      { text: 'a', hidden: 'pw' },
      { text: 'a', hidden: null },
    ],
    ['in one of several forms', anyOf(object({ text }), object({ hidden })), { hidden: 'pw' }, { hidden: null }],
    ['one of several forms', anyOf(integer(''), hidden), 'pw', null],
    ['not what is of another form', anyOf(integer(''), hidden), 1, 1],
    ['a list that is one of several forms', anyOf(text, array(hidden, '')), ['pw'], [null]],
  ];

  for (const [name, view, value, shown] of cases) {
    test(name, () => {
      const before = structuredClone(value);
      assert.deepEqual(hideSecrets(value, view), shown);
      assert.deepEqual(value, before, 'what is given is not changed');
    });
  }

  test('in a map, below __proto__', () => {
    const value = JSON.parse('{"__proto__":"pw"}');
    assert.equal(JSON.stringify(hideSecrets(value, map(hidden, ''))), '{"__proto__":null}');
  });

  test('a value without secrets is the very same one', () => {
    const value = { text: 'a', more: [{ text: 'b' }] };
    assert.equal(hideSecrets(value, object({ text, more: array(object({ text }), '') })), value);
  });

  test('no secret is left of any value of any view, and nothing else is changed', () => {
    let secrets = 0;
    fc.assert(
      fc.property(views, ({ view, value, shown }) => {
        const got = hideSecrets(value, view);
        assert.deepEqual(got, shown);
        const json = JSON.stringify(got);
        assert.ok(!json.includes(SECRET), json);
        assert.ok(json === JSON.stringify(shown), 'names keep their order');
        assert.deepEqual(hideSecrets(got, view), shown, 'nothing is left to hide');
        if (JSON.stringify(value).includes(SECRET)) secrets++;
      }),
      { numRuns: 2_000 },
    );
    assert.ok(secrets > 500, `${secrets} of the values had secrets`);
  });
});

/** A view, a value in its form, and what of it may be seen. */
interface Viewed {
  readonly view: Schema<unknown>;
  readonly value: unknown;
  readonly shown: unknown;
}

const SECRET = 'QmFzZTY0';
/** Those of all objects among them: only an object of its own has no properties but its own. */
const name = fc.constantFrom('a', 'b', 'password', 'constructor', 'toString', 'hasOwnProperty', '__proto__', 'length', '0');

/** An object whose properties are all its own, whatever their names. */
function entries<T>(pairs: readonly (readonly [string, T])[]): Record<string, T> {
  return Object.fromEntries(pairs);
}

const { views } = fc.letrec<{ views: Viewed; plain: Viewed }>((tie) => ({
  plain: fc.oneof(
    fc.string().map((value) => ({ view: text, value, shown: value })),
    fc.integer().map((value) => ({ view: integer(''), value, shown: value })),
    fc.json().map((json) => ({ view: anything(''), value: JSON.parse(json), shown: JSON.parse(json) })),
    fc.constant({ view: nullable(text), value: null, shown: null }),
  ),
  views: fc.oneof(
    { maxDepth: 4, depthSize: 'medium' },
    tie('plain'),
    fc.string().map((more) => ({ view: hidden, value: `${more}${SECRET}`, shown: null })),
    tie('views').map(({ view, value }) => ({ view: secret(view), value, shown: null })),
    tie('views').map(({ view, value, shown }) => ({ view: nullable(view), value, shown })),
    fc.uniqueArray(fc.tuple(name, tie('views')), { selector: ([key]) => key, maxLength: 4 }).map((fields) => {
      const part = <K extends keyof Viewed>(key: K) => entries(fields.map(([field, viewed]) => [field, viewed[key]] as const));
      return { view: object(part('view')), value: part('value'), shown: part('shown') };
    }),
    // Lists and maps have values of one form.
    fc.tuple(tie('views'), fc.nat(3)).map(([{ view, value, shown }, length]) => ({
      view: array(view, ''),
      value: Array(length).fill(value),
      shown: Array(length).fill(shown),
    })),
    fc.tuple(tie('views'), fc.uniqueArray(name, { maxLength: 3 })).map(([{ view, value, shown }, names]) => ({
      view: map(view, ''),
      value: entries(names.map((key) => [key, value])),
      shown: entries(names.map((key) => [key, shown])),
    })),
    // Of several forms, the others are of another type: what is of a secret form is hidden.
    fc.tuple(tie('views'), fc.boolean()).map(([{ view, value, shown }, first]) => {
      const other = { json: { type: 'boolean', 'x-secret': true } } as const;
      return { view: first ? anyOf(other, view) : anyOf(view, other), value, shown: typeof value === 'boolean' ? null : shown };
    }),
  ),
}));
