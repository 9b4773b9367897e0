/** Renders the reference in docs/api.md from the OpenAPI specification. */

import { fenced, MAX_ENTRIES } from './example.js';
import { cell, sentence, table, wrap } from './markdown.js';

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
  readonly responses: Readonly<Record<string, { readonly content?: Record<string, Content> }>>;
}

export interface Specification {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

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
