/** Parameters of a query: their definitions, and their values in a request. */
import { quote } from '../errors.js';
import type { JsonSchema } from './schema.js';

/** Values of the parameters in a request, with defaults for missing ones. */
export type Query = Readonly<Record<string, string | number>>;

interface WholeNumber {
  readonly type: 'integer';
  readonly description: string;
  readonly min: number;
  readonly max: number;
  readonly default: number;
}

interface Text {
  readonly type: 'string';
  readonly description: string;
  /** Valid values, as a pattern and in words. */
  readonly pattern: RegExp;
  readonly expected: string;
}

export type Parameters = Readonly<Record<string, WholeNumber | Text>>;

/** A parameter's value isn't valid. The message names the parameter and what is expected. */
export class QueryError extends Error {
  override readonly name = 'QueryError';
}

/**
 * Parses the parameters in a query string. It ignores unknown ones, such as `?_=1` to defeat caches.
 *
 * @param search the text after the question mark
 * @returns undefined if none of the parameters is given
 * @throws {QueryError} if a value isn't valid or is given twice
 */
export function parseQuery(parameters: Parameters, search: string): Query | undefined {
  const given = new URLSearchParams(search);
  const names = Object.keys(parameters);
  if (!names.some((name) => given.has(name))) return undefined;
  const values = names.flatMap((name) => {
    const parameter = parameters[name] as WholeNumber | Text;
    const [text, ...more] = given.getAll(name);
    if (more.length > 0) throw new QueryError(`${name}: given ${more.length + 1} times: expected once`);
    if (text === undefined) return parameter.type === 'integer' ? [[name, parameter.default] as const] : [];
    return [[name, parse(name, text, parameter)] as const];
  });
  return Object.fromEntries(values);
}

/** Values in a query string, by name: one text, or all of them if the name is repeated. */
export type Given = NodeJS.Dict<string | string[]>;

/** Parses a query string in one pass. Koa's `ctx.query` scans all of it for each parameter, so a long one would block the server. */
export function givenIn(search: string): Given {
  const given = Object.create(null) as Given;
  for (const [name, text] of new URLSearchParams(search)) {
    const earlier = given[name];
    if (Array.isArray(earlier)) earlier.push(text);
    else given[name] = earlier === undefined ? text : [earlier, text];
  }
  return given;
}

function parse(name: string, text: string, parameter: WholeNumber | Text): string | number {
  const invalid = (expected: string) => new QueryError(`${name}: ${quote(text)} is not valid: expected ${expected}`);
  if (parameter.type === 'string') {
    if (!parameter.pattern.test(text)) throw invalid(parameter.expected);
    return text;
  }
  const { min, max } = parameter;
  const value = Number(text);
  if (!/^\d{1,10}$/.test(text) || value < min || value > max) throw invalid(`a whole number from ${min} to ${max}`);
  return value;
}

/** Describes a parameter for OpenAPI. */
export function parameterSchema(parameter: WholeNumber | Text): JsonSchema {
  if (parameter.type === 'string') return { type: 'string', pattern: parameter.pattern.source };
  const { min, max } = parameter;
  return { type: 'integer', minimum: min, maximum: max, default: parameter.default };
}
