/** Finds what a misspelt word was meant to be. */

/** Maximum characters of a word that is compared. Longer ones have no suggestion. */
const MAX_CHARS = 64;

/**
 * Finds the most similar of some words.
 *
 * @returns `undefined` if over a third of the word would have to change
 */
export function nearest(word: string, known: readonly string[]): string | undefined {
  if (word.length > MAX_CHARS) return undefined;
  let best: string | undefined;
  let bestDistance = Math.floor(word.length / 3) + 1;
  for (const candidate of known) {
    const distance = editDistance(word, candidate);
    if (distance >= bestDistance) continue;
    best = candidate;
    bestDistance = distance;
  }
  return best;
}

/** Counts the characters to insert, delete or replace to turn one text into another: the Levenshtein distance. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_none, column) => column);
  for (let i = 0; i < from.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < to.length; j++) {
      const replaced = (row[j] as number) + (from[i] === to[j] ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] as number) + 1, (next[j] as number) + 1));
    }
    row = next;
  }
  return row[to.length] as number;
}
