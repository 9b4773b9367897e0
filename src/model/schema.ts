/**
 * JSON Schema that carries the TypeScript type of what it describes.
 *
 * A collector's and a document's `view` is written once, with these; from it come the static type, the OpenAPI
 * components and what the tests validate answers against.
 */

/** The part of JSON Schema 2020-12 (so of OpenAPI 3.1) that is used here. `x-unit` is the unit of a number. */
export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly 'x-unit'?: string;
  /** Null in every answer unless secrets are exposed. */
  readonly 'x-secret'?: true;
  readonly format?: string;
  readonly enum?: readonly (string | number | null)[];
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly examples?: readonly unknown[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly default?: unknown;
}

/** A JSON Schema whose valid values have the type T. `T` exists for the compiler only. */
export interface Schema<T> {
  readonly json: JsonSchema;
  readonly value?: T;
}

/** The type of the values that a schema describes. */
export type Infer<S> = S extends Schema<infer T> ? T : never;

export function string(description: string): Schema<string> {
  return { json: { type: 'string', description } };
}

/** A string that is one of `values`. */
export function oneOf<const V extends string>(values: readonly V[], description: string): Schema<V> {
  return { json: { type: 'string', enum: values, description } };
}

export function boolean(description: string): Schema<boolean> {
  return { json: { type: 'boolean', description } };
}

/** A number; `unit` is a base unit in the plural, or `ratio` or `percent`. */
export function number(description: string, unit?: string): Schema<number> {
  return { json: { type: 'number', description, ...(unit && { 'x-unit': unit }) } };
}

/** A whole number; see {@link number}. */
export function integer(description: string, unit?: string): Schema<number> {
  return { json: { type: 'integer', description, ...(unit && { 'x-unit': unit }) } };
}

/** What `schema` describes, or null where the machine does not have it. */
export function nullable<T>(schema: Schema<T>): Schema<T | null> {
  const { json } = schema;
  if (json.enum) return { json: { ...json, type: [json.type as string, 'null'], enum: [...json.enum, null] } };
  if (typeof json.type === 'string') return { json: { ...json, type: [json.type, 'null'] } };
  return { json: { anyOf: [json, { type: 'null' }] } };
}

export function array<T>(items: Schema<T>, description: string): Schema<T[]> {
  return { json: { type: 'array', items: items.json, description } };
}

type Properties<P> = { [K in keyof P]: P[K] extends Schema<infer T> ? T : never };

/** An object with just these properties, all of them there. */
export function object<P extends Record<string, Schema<unknown>>>(properties: P, description?: string): Schema<Properties<P>> {
  const entries = Object.entries(properties).map(([name, schema]) => [name, schema.json] as const);
  return {
    json: {
      type: 'object',
      ...(description && { description }),
      properties: Object.fromEntries(entries),
      required: entries.map(([name]) => name),
      additionalProperties: false,
    },
  };
}

/** An object with any names, all of whose values have the same form. */
export function map<T>(values: Schema<T>, description: string): Schema<Record<string, T>> {
  return { json: { type: 'object', description, additionalProperties: values.json } };
}

/** Any JSON: what somebody else's file says. */
export function anything(description: string): Schema<unknown> {
  return { json: { description } };
}

/** What `schema` describes, but null unless `--expose-secrets` is given: see {@link file://./secrets.ts}. */
export function secret<T>(schema: Schema<T>): Schema<T | null> {
  return { json: { ...nullable(schema).json, 'x-secret': true } };
}
