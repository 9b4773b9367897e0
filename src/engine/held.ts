/** The values that the worker holds, and their copies for the main thread. */
import { isDeepStrictEqual } from 'node:util';
import type { AnyCollector } from '../collectors/index.js';
import { hideSecrets, holdsSecrets } from '../model/redact.js';
import type { Copy, Wants } from './messages.js';

/** The last good value of a collector. It is replaced only by one that differs. */
export interface Held {
  /** The value as it was read. */
  readonly whole: unknown;
  /** The value without its secrets, unless they are exposed. */
  readonly shown: unknown;
  /** Its copy for the main thread. Null if the value is too large for one. */
  readonly copy: Copy | null;
}

/** Maximum number of rows in a value that is compared and copied as JSON. Larger ones are compared row by row. */
const MAX_COPIED_ROWS = 200;

/** Prepares a value that was read. */
export function heldOf({ view }: AnyCollector, whole: unknown, exposeSecrets: boolean, wants: Wants): Held {
  const hasSecrets = !exposeSecrets && holdsSecrets(view.json);
  const shown = hasSecrets ? hideSecrets(whole, view) : whole;
  if (!isSmall(whole)) return { whole, shown, copy: null };
  return { whole, shown, copy: { shown: JSON.stringify(shown), whole: hasSecrets && wants.secrets ? JSON.stringify(whole) : undefined } };
}

function isSmall(value: unknown): boolean {
  return Object.values(value as object).every((part) => !Array.isArray(part) || part.length <= MAX_COPIED_ROWS);
}

/** Returns whether two values are the same. */
export function isSame(a: Held, b: Held): boolean {
  if (a.copy && b.copy) return a.copy.shown === b.copy.shown && a.copy.whole === b.copy.whole;
  return isDeepStrictEqual(a.whole, b.whole);
}

/** Returns the value of a copy. */
export function heldAgain(copy: Copy): Held {
  const shown: unknown = JSON.parse(copy.shown);
  return { shown, whole: copy.whole === undefined ? shown : JSON.parse(copy.whole), copy };
}
