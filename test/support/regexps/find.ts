/** Finds the regular expressions of apsnap's source. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseSync } from 'oxc-parser';

const repository = fileURLToPath(new URL('../../../../', import.meta.url));

export interface RegularExpression {
  readonly place: string;
  readonly pattern: string;
  readonly flags: string;
}

type Node = { readonly type: string; readonly start: number; readonly [name: string]: unknown };

/** Returns source files of src, workers and web. */
function sourceFiles(): (readonly [file: string, source: string])[] {
  return ['src', 'workers', 'web'].flatMap((folder) =>
    readdirSync(`${repository}${folder}`, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => [`${folder}/${name}`, readFileSync(`${repository}${folder}/${name}`, 'utf8')] as const),
  );
}

/**
 * Finds every regular expression of source files: literals, and those made of constant text.
 *
 * @throws {AssertionError} if one is made of text that is known only at run time
 */
export function findExpressions(files = sourceFiles()): RegularExpression[] {
  return files.flatMap(([file, source]) => expressionsIn(file, source));
}

function expressionsIn(file: string, source: string): RegularExpression[] {
  const { program, errors } = parseSync(file, source);
  assert.deepEqual(errors, [], file);
  const found: RegularExpression[] = [];
  const constants = new Map<string, Node>();
  const place = (node: Node) => `${file}:${source.slice(0, node.start).split('\n').length}`;

  /** Returns the text of an expression made of constants. */
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
    const { pattern, flags } = (node.regex ?? {}) as Partial<RegularExpression>;
    if (node.type === 'Literal' && pattern !== undefined) found.push({ place: place(node), pattern, flags: flags ?? '' });
    const [first, second] = (node.arguments ?? []) as Node[];
    const callee = node.callee as Node | undefined;
    const property = callee?.property as Node | undefined;
    const compiles = callee?.name === 'RegExp' || (['match', 'matchAll', 'search'].includes(String(property?.name)) && isText(first));
    if (compiles) {
      try {
        found.push({ place: place(node), pattern: textOf(first), flags: second ? textOf(second) : '' });
      } catch {
        assert.fail(`${place(node)}: a regular expression is made at run time, so its running time can't be proved: expected constants`);
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
