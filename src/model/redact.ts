/**
 * Secrets: fields that a view marks with `secret()`. They become null in the thread that samples, before the value goes
 * anywhere, so that nothing downstream (documents, errors, snapshots, metrics) has them to give away.
 */
import type { JsonSchema, Schema } from './schema.js';

/**
 * @param value in the form of `view`; it is not changed
 * @returns the same value with null in place of secrets
 */
export function hideSecrets<T>(value: T, view: Schema<T>): T {
  return hide(value, view.json) as T;
}

function hide(value: unknown, schema: JsonSchema): unknown {
  if (schema['x-secret']) return null;
  if (value === null || !holdsSecrets(schema)) return value;
  const options = (schema.anyOf ?? []).filter((option) => mayDescribe(option, value));
  return options.reduce(hide, hideInside(value, schema));
}

function hideInside(value: unknown, { items, properties = {}, additionalProperties }: JsonSchema): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return items ? value.map((item) => hide(item, items)) : value;
  const others = typeof additionalProperties === 'object' ? additionalProperties : undefined;
  const hidden = Object.entries(value).map(([name, held]) => {
    // Own properties only: a name such as `constructor` is one of the others.
    const own = Object.hasOwn(properties, name) ? properties[name] : others;
    return [name, own ? hide(held, own) : held];
  });
  return Object.fromEntries(hidden);
}

/** Whether a value can be of a schema, by its type alone: more than the schema's own values, never fewer. */
function mayDescribe({ type }: JsonSchema, value: unknown): boolean {
  if (type === undefined) return true;
  const own = Array.isArray(value) ? 'array' : typeof value;
  return [type].flat().some((name) => name === own || (name === 'integer' && own === 'number'));
}

const verdicts = new WeakMap<JsonSchema, boolean>();

/** Whether a schema has a secret anywhere: most have none, and their values are passed through as they are. */
export function holdsSecrets(schema: JsonSchema): boolean {
  let verdict = verdicts.get(schema);
  if (verdict === undefined) {
    const { items, properties = {}, additionalProperties, anyOf = [] } = schema;
    const parts = [items, ...Object.values(properties), additionalProperties, ...anyOf];
    verdict = schema['x-secret'] === true || parts.some((part) => typeof part === 'object' && holdsSecrets(part));
    verdicts.set(schema, verdict);
  }
  return verdict;
}
