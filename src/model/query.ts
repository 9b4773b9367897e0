/** Parameters of a query: what they may be, and what a request says they are. */
import { quote } from '../errors.js';
import type { JsonSchema } from './schema.js';

/** Values of the parameters that were given, and defaults of others. */
export type Query = Readonly<Record<string, string | number>>;

interface WholeNumber {
  readonly type: 'integer';
  readonly description: string;
  readonly least: number;
  readonly most: number;
  readonly default: number;
}

interface Text {
  readonly type: 'string';
  readonly description: string;
  /** What it must look like, and the same in words. */
  readonly pattern: RegExp;
  readonly expected: string;
}

export type Parameters = Readonly<Record<string, WholeNumber | Text>>;

/** A parameter is not what it may be. The message names it and says what is expected. */
export class QueryError extends Error {
  override readonly name = 'QueryError';
}

/**
 * @param search what stands behind the question mark
 * @returns undefined if none of the parameters is given: others are passed over, as `?_=1` that is there to defeat caches
 * @throws QueryError
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

/** What a query gives by each name: a text, or all of them where it is given several times. */
export type Given = NodeJS.Dict<string | string[]>;

/** Koa's `ctx.query` looks through all of the query for each parameter in it: a header's worth of them would hold everybody up. */
export function givenIn(search: string): Given {
  const given = Object.create(null) as Given;
  for (const [name, text] of new URLSearchParams(search)) {
    const before = given[name];
    if (Array.isArray(before)) before.push(text);
    else given[name] = before === undefined ? text : [before, text];
  }
  return given;
}

function parse(name: string, text: string, parameter: WholeNumber | Text): string | number {
  const invalid = (expected: string) => new QueryError(`${name}: ${quote(text)} is not valid: expected ${expected}`);
  if (parameter.type === 'string') {
    if (!parameter.pattern.test(text)) throw invalid(parameter.expected);
    return text;
  }
  const { least, most } = parameter;
  const value = Number(text);
  if (!/^\d{1,10}$/.test(text) || value < least || value > most) throw invalid(`a whole number from ${least} to ${most}`);
  return value;
}

/** A parameter as OpenAPI has it. */
export function parameterSchema(parameter: WholeNumber | Text): JsonSchema {
  if (parameter.type === 'string') return { type: 'string', pattern: parameter.pattern.source };
  const { least, most } = parameter;
  return { type: 'integer', minimum: least, maximum: most, default: parameter.default };
}
