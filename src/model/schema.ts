/**
 * JSON Schema that carries the TypeScript type of the values it describes.
 *
 * Each collector and document has one `view`, built with these functions. The static type, the OpenAPI components and the
 * validation in tests come from it.
 */

/** The part of JSON Schema 2020-12, and so of OpenAPI 3.1, that apsnap uses. `x-unit` is the unit of a number. */
export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly 'x-unit'?: string;
  /** Null in every response unless secrets are exposed. */
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

/** Describes a string that is one of `values`. */
export function oneOf<const V extends string>(values: readonly V[], description: string): Schema<V> {
  return { json: { type: 'string', enum: values, description } };
}

export function boolean(description: string): Schema<boolean> {
  return { json: { type: 'boolean', description } };
}

/** Describes a number. `unit` is a base unit in the plural, or `ratio` or `percent`. */
export function number(description: string, unit?: string): Schema<number> {
  return { json: { type: 'number', description, ...(unit && { 'x-unit': unit }) } };
}

/** Describes a whole number; see {@link number}. */
export function integer(description: string, unit?: string): Schema<number> {
  return { json: { type: 'integer', description, ...(unit && { 'x-unit': unit }) } };
}

/** Describes the values of `schema`, or null. */
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

/** Describes an object with exactly these properties. */
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

/** Describes an object with any names, whose values all have the same form. */
export function map<T>(values: Schema<T>, description: string): Schema<Record<string, T>> {
  return { json: { type: 'object', description, additionalProperties: values.json } };
}

/** Describes any JSON, such as a file of another program. */
export function anything(description: string): Schema<unknown> {
  return { json: { description } };
}

/** Describes the values of `schema`, replaced by null unless secrets are exposed: see {@link file://./redact.ts}. */
export function secret<T>(schema: Schema<T>): Schema<T | null> {
  return { json: { ...nullable(schema).json, 'x-secret': true } };
}
