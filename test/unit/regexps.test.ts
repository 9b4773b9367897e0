/**
 * No regular expression of ours takes more than linear time, whatever it is given: each is found by a parser, and proved by recheck,
 * which makes an automaton of it and looks for text that it would go back and forth in.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseSync } from 'oxc-parser';

// Its own JavaScript: the programs that come with it differ from machine to machine.
process.env.RECHECK_BACKEND = 'pure';
process.env.RECHECK_SYNC_BACKEND = 'pure';
const { checkSync } = await import('recheck');

const repository = fileURLToPath(new URL('../../../', import.meta.url));

/** Expressions that are not linear, or that no automaton can be made of, and why they do no harm. One that is not needed any more fails. */
const bounded: Readonly<Record<string, string>> = {
  '[ \\t]*<link [^>]*fonts\\.googleapis\\.com[^>]*>\\r?\\n': 'of the page of koa2-swagger-ui, 2 KB of our own, once',
  '<script>(.*?)<\\/script>': 'of the same page, once',
  '(?<=^|[ \\t\\f\\v])([^ \\t\\f\\v,]*?password)[ \\t\\f\\v]*=[ \\t\\f\\v]*':
    'looks behind. Starts at words only, and passes over a word once for each `password` in it; the file has at most 64 KiB',
  '(?<=,)([^ \\t\\f\\v,]*?password)[ \\t\\f\\v]*=[ \\t\\f\\v]*': 'the same between commas',
  '\\/090_(?!raspap\\.|adblock\\.)([^/]+)\\.conf$': "looks ahead. Of a file's name, at most 255 bytes",
  '^(?=\\S)[^\\p{C}]{1,64}\\n?$': 'looks ahead at one character, and then at 65 at most',
  '^(["\'])(.*)\\1$': 'refers back to one character, which is compared at the end only: `.*` gives back all at most once',
  '^-?\\d{1,15}(?:\\.\\d+)?(?![\\d.])': 'looks ahead at one character; both lists of digits have a dot between them',
};

interface Found {
  readonly place: string;
  readonly pattern: string;
  readonly flags: string;
}

type Node = { readonly type: string; readonly start: number; readonly [name: string]: unknown };

/**
 * Every regular expression of a source file: literals, and those that are made of text.
 *
 * @throws AssertionError one is made of text that only running it would tell
 */
function expressionsIn(file: string, source: string): Found[] {
  const { program, errors } = parseSync(file, source);
  assert.deepEqual(errors, [], file);
  const found: Found[] = [];
  const constants = new Map<string, Node>();
  const place = (node: Node) => `${file}:${source.slice(0, node.start).split('\n').length}`;

  /** The text that an expression of constants is. */
  function textOf(node: Node | undefined): string {
    if (node?.type === 'Literal' && typeof node.value === 'string') return node.value;
    if (node?.type === 'Identifier' && constants.has(node.name as string)) return textOf(constants.get(node.name as string));
    if (node?.type !== 'TemplateLiteral') throw new Error('no constant text');
    const parts = (node.quasis as Node[]).map(({ value }) => (value as { cooked: string }).cooked);
    return parts.map((part, index) => `${part}${index < parts.length - 1 ? textOf((node.expressions as Node[])[index]) : ''}`).join('');
  }

  function visit(value: unknown): void {
    if (Array.isArray(value)) for (const item of value) visit(item);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
    const node = value as Node;
    if (node.type === 'VariableDeclarator' && (node.id as Node).type === 'Identifier' && node.init) {
      constants.set((node.id as Node).name as string, node.init as Node);
    }
    const { pattern, flags } = (node.regex ?? {}) as Partial<Found>;
    if (node.type === 'Literal' && pattern !== undefined) found.push({ place: place(node), pattern, flags: flags ?? '' });
    const [first, second] = (node.arguments ?? []) as Node[];
    const callee = node.callee as Node | undefined;
    const property = callee?.property as Node | undefined;
    const compiles = callee?.name === 'RegExp' || (['match', 'matchAll', 'search'].includes(String(property?.name)) && isText(first));
    if (compiles) {
      try {
        found.push({ place: place(node), pattern: textOf(first), flags: second ? textOf(second) : '' });
      } catch {
        assert.fail(`${place(node)}: a regular expression is made at run time, so nobody can tell how long it takes: expected constants`);
      }
    }
    for (const child of Object.values(node)) visit(child);
  }

  visit(program);
  return found;
}

function isText(node: Node | undefined): boolean {
  return node?.type === 'TemplateLiteral' || (node?.type === 'Literal' && typeof node.value === 'string');
}

/** Repetitions of fewer are taken as they are. */
const LEAST_COUNTED = 6;
/** By the clock, on a machine that does other things too. */
const LONGEST_PROOF_MS = 120_000;

/**
 * What is wrong with an expression; undefined if it is proved to be linear.
 *
 * Repetitions of many (`{32}`, `{1,64}`) are taken for such without an end: an automaton has a state for each, which makes the proof
 * long, and whoever goes back over a list without an end in linear time does so over a short one.
 */
function problemOf({ pattern, flags }: Pick<Found, 'pattern' | 'flags'>): string | undefined {
  const endless = pattern.replace(/\\.|\[(?:\\.|[^\]\\])*\]|\{(\d+)(?:,(\d+))?\}/g, (whole, least?: string, most = least) => {
    if (least === undefined || Number(most) < LEAST_COUNTED) return whole;
    return least === '0' ? '*' : '+';
  });
  const verdict = checkSync(endless, flags, { checker: 'automaton', timeout: LONGEST_PROOF_MS });
  if (verdict.status === 'safe') return undefined;
  if (verdict.status === 'unknown') return `cannot be proved: ${verdict.error.kind}`;
  return `${verdict.complexity.summary}: ${JSON.stringify(verdict.attack.pattern).slice(0, 200)}`;
}

describe('regular expressions', () => {
  const files = ['src', 'workers', 'web'].flatMap((folder) =>
    readdirSync(`${repository}${folder}`, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => `${folder}/${name}`),
  );
  const all = files.flatMap((file) => expressionsIn(file, readFileSync(`${repository}${file}`, 'utf8')));

  test('regexps/each is found', () => {
    // Every literal there is, counted in another way: what the compiled code makes of it is not asked.
    assert.ok(all.length > 100, `${all.length}`);
    const source =
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source
      "const A = 'a+';\nconst b = /b/g; x = y / 2 / z; new RegExp(`^(${A})+$`, 'u'); text.match('c|d'); // /no/\n`/no/${/e/.test(f)}`";
    assert.deepEqual(
      expressionsIn('x.ts', source).map(({ pattern, flags }) => `/${pattern}/${flags}`),
      ['/b/g', '/^(a+)+$/u', '/c|d/', '/e/'],
    );
    assert.throws(() => expressionsIn('x.ts', 'new RegExp(given)'), /x\.ts:1: a regular expression is made at run time/);
  });

  test('regexps/what takes long is found out', () => {
    for (const [pattern, says] of [
      ['(a+)+$', /exponential/],
      ['^(?:ab|a|b)*$c', /exponential/],
      ['\\s+$', /2nd degree polynomial/],
      ['^\\s*(?:x|\\s*)*y', /exponential/],
      ['^(a{1,50}){1,50}$', /exponential/],
      ['^.*=.*=.*$x', /polynomial/],
    ] as const) {
      assert.match(problemOf({ pattern, flags: '' }) ?? 'nothing', says, pattern);
    }
    assert.equal(problemOf({ pattern: '^(a|b)*c[+]{2,3}$', flags: 'm' }), undefined);
  });

  test('regexps/each is linear', () => {
    const verdicts = new Map<string, string | undefined>();
    const slow = all.flatMap(({ place, pattern, flags }) => {
      if (bounded[pattern] !== undefined) return [];
      const key = `/${pattern}/${flags}`;
      if (!verdicts.has(key)) verdicts.set(key, problemOf({ pattern, flags }));
      const problem = verdicts.get(key);
      return problem === undefined ? [] : [`${place}: ${key}: ${problem}`];
    });
    assert.deepEqual(slow, []);
  });

  test('regexps/none is excused without need', () => {
    for (const pattern of Object.keys(bounded)) {
      const one = all.find((found) => found.pattern === pattern);
      assert.ok(one, `no such expression any more: ${pattern}`);
      assert.ok(problemOf(one), `it is linear, so it needs no reason: ${pattern}`);
    }
  });
});
