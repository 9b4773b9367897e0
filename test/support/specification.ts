/** The OpenAPI specification that the build made, for tests of it and of responses. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';

export interface Response {
  readonly $ref?: string;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly content?: Readonly<Record<string, Media>>;
}

export interface Media {
  readonly schema: unknown;
  readonly example?: unknown;
}

export interface Operation {
  readonly operationId?: string;
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly security?: readonly unknown[];
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly description?: string;
    readonly schema: { readonly default?: unknown };
  }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, Media>> };
  readonly responses: Readonly<Record<string, Response>>;
}

export interface Specification {
  readonly openapi: string;
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

export const text = readFileSync(new URL('../../openapi.json', import.meta.url), 'utf8');
export const specification = JSON.parse(text) as Specification;
export const operations = Object.entries(specification.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);

const ajv = new Ajv2020({ strict: false, allErrors: true });
formats.default(ajv);
ajv.addSchema(specification, 'openapi.json');

/** Returns the part of the specification that a JSON pointer names. */
export function at<T>(pointer: string): T {
  return pointer
    .split('/')
    .slice(1)
    .reduce<unknown>(
      (part, name) => (part as Record<string, unknown> | undefined)?.[name.replaceAll('~1', '/').replaceAll('~0', '~')],
      specification,
    ) as T;
}

/** Escapes a name for a JSON pointer. */
export const token = (name: string) => name.replaceAll('~', '~0').replaceAll('/', '~1');

export function assertValid(value: unknown, pointer: string, what: string): void {
  assert.ok(at(pointer), `${pointer} is in the specification`);
  const validate = ajv.getSchema(`openapi.json#${pointer}`);
  assert.ok(validate, pointer);
  assert.ok(validate(value), `${what}: ${ajv.errorsText(validate.errors)}: ${JSON.stringify(value).slice(0, 500)}`);
}
