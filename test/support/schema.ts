import assert from 'node:assert/strict';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type { Schema } from '../../src/model/schema.js';

const ajv = new Ajv2020({ strict: false, allErrors: true });
const validators = new WeakMap<object, ValidateFunction>();

/** Asserts that a value has the form that its schema promises. */
export function assertValid(value: unknown, { json }: Schema<unknown>): void {
  const validate = validators.get(json) ?? ajv.compile(json);
  validators.set(json, validate);
  assert.ok(validate(value), `${ajv.errorsText(validate.errors)}: ${JSON.stringify(value)?.slice(0, 2000)}`);
}
