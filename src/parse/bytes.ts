/** Compares words in bytes, without a string for each. */

/** This byte and lower ones separate words. */
export const BLANK = 0x20;

/** Returns where the word that starts at a place ends. */
export function wordEnd(text: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end && (text[at] as number) > BLANK) at++;
  return at;
}

/** Returns whether the text between two places starts with a word. */
export function startsWith(text: Buffer, start: number, end: number, word: Buffer): boolean {
  if (end - start < word.length) return false;
  for (let index = 0; index < word.length; index++) if (text[start + index] !== word[index]) return false;
  return true;
}

/** Returns whether the text between two places is one of the first `amount` words, which are in lower case. */
export function isOneOf(text: Buffer, start: number, end: number, words: readonly Buffer[], amount: number): boolean {
  for (let index = 0; index < amount; index++) {
    const word = words[index] as Buffer;
    if (word.length === end - start && isAt(text, start, word)) return true;
  }
  return false;
}

/** Returns whether a word, given in lower case, is at a place, in upper or lower case. */
export function isAt(text: Buffer, start: number, word: Buffer): boolean {
  for (let index = 0; index < word.length; index++) if (lowerCase(text[start + index] as number) !== word[index]) return false;
  return true;
}

function lowerCase(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
}
