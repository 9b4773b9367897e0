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
  if (value === null || typeof value !== 'object' || !holdsSecrets(schema)) return value;
  const { items, properties = {}, additionalProperties, anyOf = [] } = schema;
  if (Array.isArray(value)) return items ? value.map((item) => hide(item, items)) : value;
  const others = typeof additionalProperties === 'object' ? additionalProperties : undefined;
  const hidden = Object.entries(value).map(([name, held]) => {
    const own = properties[name] ?? others;
    return [name, own ? hide(held, own) : held];
  });
  return anyOf.reduce<unknown>((hiddenSoFar, option) => hide(hiddenSoFar, option), Object.fromEntries(hidden));
}

const verdicts = new WeakMap<JsonSchema, boolean>();

/** Whether a schema has a secret anywhere: most have none, and their values are passed through as they are. */
function holdsSecrets(schema: JsonSchema): boolean {
  let verdict = verdicts.get(schema);
  if (verdict === undefined) {
    const { items, properties = {}, additionalProperties, anyOf = [] } = schema;
    const parts = [items, ...Object.values(properties), additionalProperties, ...anyOf];
    verdict = schema['x-secret'] === true || parts.some((part) => typeof part === 'object' && holdsSecrets(part));
    verdicts.set(schema, verdict);
  }
  return verdict;
}
