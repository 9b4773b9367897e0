/** Selects names from a block list, for a query. */
import type { EachName } from './blocklist.js';
import { isAt } from './bytes.js';

/** The part of a list that a query selects. */
export interface PageOfList {
  readonly offset: number;
  readonly limit: number;
  /** A text that names must contain; case is ignored. */
  readonly contains?: string;
}

/** Selects names from a list's file. @returns the names, and how many in all contain the text */
export function pageOfList(
  eachName: EachName,
  pieces: Iterable<Buffer>,
  source: string,
  { offset, limit, contains = '' }: PageOfList,
): { names: string[]; amount: number } {
  const wanted = Buffer.from(contains.toLowerCase(), 'latin1');
  const names: string[] = [];
  let amount = 0;
  eachName(pieces, source, (text, start, end) => {
    if (wanted.length > 0 && !holds(text, start, end, wanted)) return;
    if (amount >= offset && names.length < limit) names.push(text.toString('latin1', start, end));
    amount++;
  });
  return { names, amount };
}

/** Returns whether a text, given in lower case, occurs between two places. */
function holds(bytes: Buffer, start: number, end: number, wanted: Buffer): boolean {
  const last = end - wanted.length;
  for (let at = start; at <= last; at++) if (isAt(bytes, at, wanted)) return true;
  return false;
}
