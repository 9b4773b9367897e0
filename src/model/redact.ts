/**
 * Hides secrets: fields that a view marks with `secret()`. They become null in the worker that samples, so nothing downstream
 * (documents, errors, snapshots, metrics) can leak them.
 */
import type { JsonSchema, Schema } from './schema.js';

/**
 * Replaces secrets by null.
 *
 * @param value in the form of `view`; it isn't changed
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
    // Own properties only: a name such as `constructor` belongs to the additional ones.
    const own = Object.hasOwn(properties, name) ? properties[name] : others;
    return [name, own ? hide(held, own) : held];
  });
  return Object.fromEntries(hidden);
}

/** Tells whether a schema may describe a value, judging by type alone. It accepts too many values, never too few. */
function mayDescribe({ type }: JsonSchema, value: unknown): boolean {
  if (type === undefined) return true;
  const own = Array.isArray(value) ? 'array' : typeof value;
  return [type].flat().some((name) => name === own || (name === 'integer' && own === 'number'));
}

const verdicts = new WeakMap<JsonSchema, boolean>();

/** Tells whether a schema contains a secret. Most don't, and their values pass through unchanged. */
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
