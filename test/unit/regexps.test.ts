/**
 * No regular expression of apsnap takes more than linear time, whatever the text is. A parser finds every expression, and recheck proves
 * that it is linear: it builds an automaton and looks for text that makes the expression backtrack.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { findExpressions, type RegularExpression } from '../support/regexps/find.js';
import { problemOf } from '../support/regexps/prove.js';
import { provedBefore } from '../support/regexps/proved.js';

/** Expressions that aren't linear, or that no automaton can represent, and why they do no harm. One that is no longer needed fails. */
const bounded: Readonly<Record<string, string>> = {
  '[ \\t]*<link [^>]*fonts\\.googleapis\\.com[^>]*>\\r?\\n': 'reads the page of koa2-swagger-ui, which has 2 KB, once',
  '<script>(.*?)<\\/script>': 'reads the same page, once',
  '(?<=^|[ \\t\\f\\v])([^ \\t\\f\\v,]*?password)[ \\t\\f\\v]*=[ \\t\\f\\v]*':
    'looks behind. Starts at words only, and passes over a word once for each `password` in it; the file has at most 64 KiB',
  '(?<=,)([^ \\t\\f\\v,]*?password)[ \\t\\f\\v]*=[ \\t\\f\\v]*': 'the same between commas',
  '\\/090_(?!raspap\\.|adblock\\.)([^/]+)\\.conf$': 'looks ahead, in the name of a file, which has at most 255 bytes',
  '^(?=\\S)[^\\p{C}]{1,64}\\n?$': 'looks ahead at one character, and then at 65 at most',
  '^(["\'])(.*)\\1$': 'refers back to one character, which is compared only at the end: `.*` gives back everything at most once',
  '^-?\\d{1,15}(?:\\.\\d+)?(?![\\d.])': 'looks ahead at one character; a dot separates the two lists of digits',
};

describe('regular expressions', () => {
  const all = findExpressions();

  test('a literal, and an expression made of constant text, is found', () => {
    assert.ok(all.length > 100, `${all.length}`);
    const source =
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source
      "const A = 'a+';\nconst b = /b/g; x = y / 2 / z; new RegExp(`^(${A})+$`, 'u'); text.match('c|d'); // /no/\n`/no/${/e/.test(f)}`";
    assert.deepEqual(
      findExpressions([['x.ts', source]]).map(({ pattern, flags }) => `/${pattern}/${flags}`),
      ['/b/g', '/^(a+)+$/u', '/c|d/', '/e/'],
    );
    assert.throws(() => findExpressions([['x.ts', 'new RegExp(given)']]), /x\.ts:1: a regular expression is made at run time/);
  });

  test('an expression that backtracks is rejected', () => {
    for (const [pattern, complexity] of [
      ['(a+)+$', /exponential/],
      ['^(?:ab|a|b)*$c', /exponential/],
      ['\\s+$', /2nd degree polynomial/],
      ['^\\s*(?:x|\\s*)*y', /exponential/],
      ['^(a{1,50}){1,50}$', /exponential/],
      ['^.*=.*=.*$x', /polynomial/],
    ] as const) {
      assert.match(problemOf({ pattern, flags: '' }) ?? 'nothing', complexity, pattern);
    }
    assert.equal(problemOf({ pattern: '^(a|b)*c[+]{2,3}$', flags: 'm' }), undefined);
  });

  test('every expression is linear', () => {
    const verdicts = new Map<string, string | undefined>();
    const slow = all.flatMap((one) => {
      if (bounded[one.pattern] !== undefined || provedBefore.includes(shown(one))) return [];
      if (!verdicts.has(shown(one))) verdicts.set(shown(one), problemOf(one));
      const problem = verdicts.get(shown(one));
      return problem === undefined ? [] : [`${one.place}: ${shown(one)}: ${problem}`];
    });
    assert.deepEqual(slow, []);
  });

  test('every excuse, and every earlier proof, is for an expression that exists', () => {
    const patterns = new Set(all.map(({ pattern }) => pattern));
    assert.deepEqual(
      Object.keys(bounded).filter((pattern) => !patterns.has(pattern)),
      [],
    );
    const existing = new Set(all.map(shown));
    assert.deepEqual(
      provedBefore.filter((expression) => !existing.has(expression)),
      [],
    );
  });

  test('no linear expression has an excuse', () => {
    // The proof about koa2-swagger-ui's page takes seconds; two of its repetitions are enough for recheck to find the problem.
    for (const pattern of Object.keys(bounded))
      assert.ok(problemOf({ pattern: pattern.replace('fonts\\.googleapis\\.com', 'x'), flags: '' }), pattern);
  });
});

function shown({ pattern, flags }: Pick<RegularExpression, 'pattern' | 'flags'>): string {
  return `/${pattern}/${flags}`;
}
