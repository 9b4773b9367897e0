/** Renders the parts of docs/ that come from the program: the API's reference and the tables of options. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GROUPS, type Option, options, SCHEDULE_SUMMARY } from '../src/config/options.js';

export const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly description?: string;
  readonly 'x-unit'?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
}

interface Content {
  readonly schema?: Schema;
  readonly example?: unknown;
}

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly description?: string;
}

interface Operation {
  readonly summary: string;
  readonly description?: string;
  readonly tags: readonly string[];
  readonly security?: readonly unknown[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, Content>> };
  readonly responses: Readonly<
    Record<string, { readonly $ref?: string; readonly description?: string; readonly content?: Record<string, Content> }>
  >;
}

export interface Specification {
  readonly tags?: readonly { readonly name: string; readonly description?: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>;
    readonly responses: Readonly<Record<string, { readonly description: string }>>;
  };
}

/** Maximum entries of a list in an example. An ellipsis stands for further ones. */
const MAX_ENTRIES = 2;
/** Maximum columns of a value that is printed on one line. */
const MAX_COLUMNS = 96;
/** Maximum characters of a text in an example. An ellipsis stands for the rest. */
const MAX_TEXT = 400;

/** Returns docs/api.md below its introduction: one section per tag, one subsection per operation. */
export function apiReference(specification: Specification): string {
  const operations = Object.entries(specification.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
  const tags = [...new Set(operations.flatMap(({ operation }) => operation.tags))];
  return tags
    .flatMap((tag) => {
      const own = operations.filter(({ operation }) => operation.tags.includes(tag));
      return [`## ${tag}`, ...own.map(({ path, method, operation }) => section(specification, `${method} ${path}`, operation))];
    })
    .join('\n\n');
}

function section(specification: Specification, title: string, operation: Operation): string {
  const parts = [`### ${title}`, wrap(`${sentence(operation.summary)}\n\n${operation.description?.trim() ?? ''}`)];
  if (operation.security?.length === 0) parts.push('This endpoint needs no key.');
  const parameters = operation.parameters ?? [];
  if (parameters.length > 0) {
    const rows = parameters.map(({ name, in: place, description }) => [`\`${name}\``, place, cell(description)]);
    parts.push(table(['parameter', 'place', 'meaning'], rows));
  }
  for (const [type, { example }] of Object.entries(operation.requestBody?.content ?? {}))
    if (example !== undefined) parts.push(`Request body, \`${type}\`:`, fenced(type, example));
  const success = Object.entries(operation.responses).find(([status]) => status.startsWith('2'));
  for (const [type, { example, schema }] of Object.entries(success?.[1].content ?? {})) {
    if (example !== undefined) parts.push(`Response, \`${type}\`:`, fenced(type, example));
    const rows = schema ? fields(specification, schema, '') : [];
    if (type === 'application/json' && rows.length > 0) parts.push(table(['field', 'type', 'meaning'], rows));
  }
  const errors = Object.keys(operation.responses).filter((status) => /^[45]/.test(status));
  if (errors.length > 0) parts.push(`Errors: ${errors.map((status) => `[${status}](#errors)`).join(', ')}.`);
  return parts.join('\n\n');
}

/** Returns a row per leaf of a schema, named by its path: `active_clients[].hostname`. */
function fields(specification: Specification, schema: Schema, path: string): string[][] {
  if (schema.$ref) {
    const name = schema.$ref.replace(/^.*\//, '');
    return fields(specification, specification.components.schemas[name] ?? {}, path);
  }
  const inner = schema.anyOf?.find((one) => one.type !== 'null');
  if (inner) {
    if (inner.$ref) return [[`\`${path}\``, 'object or null', 'Body of the document, as at its own path. `null` if there is none.']];
    return fields(specification, { ...inner, description: schema.description ?? inner.description ?? '' }, path);
  }
  const isDescribed = path !== '' && schema.description !== undefined && schema.description !== '';
  const self = !isDescribed ? [] : [[`\`${path}\``, typeOf(schema), cell(schema.description)]];
  if (schema.items) {
    const below = fields(specification, schema.items, `${path}[]`);
    return schema.items.properties || schema.items.$ref ? [...self, ...below] : self;
  }
  const named = alike(Object.keys(schema.properties ?? {}), (name) => {
    const one = schema.properties?.[name] ?? {};
    return fields(specification, one, path ? `${path}.${name}` : name);
  });
  const rest = typeof schema.additionalProperties === 'object' ? fields(specification, schema.additionalProperties, `${path}.*`) : [];
  return [...self, ...named, ...rest];
}

/** Returns the rows of every name, or those of `*` if all names have the same rows. */
function alike(names: readonly string[], rowsOf: (name: string) => string[][]): string[][] {
  const each = names.map((name) => rowsOf(name).map(([field = '', ...rest]) => [field.replace(`.${name}`, '.*'), ...rest]));
  const isAlike = names.length > MAX_ENTRIES && each.every((rows) => JSON.stringify(rows) === JSON.stringify(each[0]));
  return isAlike ? (each[0] ?? []) : names.flatMap(rowsOf);
}

function typeOf({ type, enum: values, 'x-unit': unit }: Schema): string {
  if (values) return values.map((value) => `\`${JSON.stringify(value)}\``).join(', ');
  return [type ?? 'any'].flat().join(' or ') + (unit ? `, ${unit}` : '');
}

/** Returns a table of options per group of `--help`. */
function optionTables(): string {
  return GROUPS.flatMap((group) => {
    const rows = [...options, SCHEDULE_SUMMARY].filter((option) => option.group === group).map(optionRow);
    return [`### ${group}`, table(['flag', 'variable', 'meaning', 'default'], rows)];
  }).join('\n\n');
}

function optionRow({ flag, value, variable, help, default: text, defaultText = '' }: Option): string[] {
  return [
    `\`--${flag}${value ? ` ${value}` : ''}\``,
    `\`${variable}\``,
    cell(help),
    text === undefined ? cell(defaultText) : `\`${text}\``,
  ];
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  return [header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function cell(text = ''): string {
  const words = text.trim().replaceAll('|', '\\|').replace(/\s+/g, ' ');
  return words.replace(/(?<![`(<])https?:\/\/[^\s,]+/g, '`$&`');
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/** Breaks each paragraph and each list item of a text into lines of at most 100 columns. */
function wrap(text: string): string {
  const blocks = text.trim().split(/\n\s*\n|\n(?=\s*- )/);
  const isItem = (block: string | undefined) => block?.trimStart().startsWith('- ');
  return blocks.reduce((page, block, index) => {
    const gap = index === 0 ? '' : isItem(block) && isItem(blocks[index - 1]) ? '\n' : '\n\n';
    return page + gap + wrapBlock(block.trim(), isItem(block) ? '  ' : '');
  }, '');
}

function wrapBlock(block: string, indent: string): string {
  const lines = [''];
  for (const word of block.split(/\s+/)) {
    const line = lines.at(-1) ?? '';
    if (line !== '' && line.length + word.length >= 100) lines.push(indent + word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.join('\n');
}

function fenced(type: string, example: unknown): string {
  const text = typeof example === 'string' ? example.replaceAll('\r\n', '\n').trim() : print(example, '');
  return `\`\`\`${type === 'application/json' ? 'json' : 'text'}\n${text}\n\`\`\``;
}

/** Prints a value on one line if it fits, and shortens long lists and texts. */
function print(value: unknown, indent: string): string {
  if (typeof value === 'string' && value.length > MAX_TEXT) return JSON.stringify(`${value.slice(0, MAX_TEXT)}…`);
  const short = inline(value);
  const isCut = Array.isArray(value) && value.length > MAX_ENTRIES && typeof value[0] === 'object';
  if (!isCut && short.length + indent.length <= MAX_COLUMNS && !holdsLongList(value)) return short;
  if (typeof value !== 'object' || value === null) return short;
  const deeper = `${indent}  `;
  if (Array.isArray(value)) {
    const shown = value.slice(0, typeof value[0] === 'object' ? MAX_ENTRIES : value.length).map((one) => deeper + print(one, deeper));
    return `[\n${shown.join(',\n')}${isCut ? `,\n${deeper}…` : ''}\n${indent}]`;
  }
  const entries = Object.entries(value).map(([name, one]) => `${deeper}${JSON.stringify(name)}: ${print(one, deeper)}`);
  return `{\n${entries.join(',\n')}\n${indent}}`;
}

function inline(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(inline).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).map(([name, one]) => `${JSON.stringify(name)}: ${inline(one)}`);
  return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`;
}

function holdsLongList(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value) && value.length > MAX_ENTRIES && typeof value[0] === 'object') return true;
  return Object.values(value).some(holdsLongList);
}

/** Returns every page that has generated parts, by its path in the repository. */
export function generatedPages(): Map<string, string> {
  const specification = JSON.parse(readFileSync(join(REPOSITORY, 'dist/openapi.json'), 'utf8')) as Specification;
  return new Map([
    ['docs/api.md', fill('docs/api.md', { reference: apiReference(specification) })],
    ['docs/configuration.md', fill('docs/configuration.md', { options: optionTables() })],
  ]);
}

/** Replaces what stands between the marks `<!-- NAME -->` and `<!-- end of NAME -->` of a page. */
function fill(file: string, parts: Readonly<Record<string, string>>): string {
  return Object.entries(parts).reduce(
    (text, [name, part]) => {
      const [start, end] = [`<!-- ${name}, written by npm run docs -->`, `<!-- end of ${name} -->`];
      const [before, after] = [text.indexOf(start), text.indexOf(end)];
      if (before < 0 || after < before) throw new Error(`${file}: expected the marks ${start} and ${end}`);
      return `${text.slice(0, before + start.length)}\n\n${part}\n\n${text.slice(after)}`;
    },
    readFileSync(join(REPOSITORY, file), 'utf8'),
  );
}
