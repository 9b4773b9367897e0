/** How deep JSON nests: JSON.parse takes a tenth of a second for a megabyte of brackets, ten times what other text of that length takes. */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Whether brackets of text, those in strings aside, nest deeper than so much. It need not be JSON. */
export function nestsDeeper(text: string, most: number): boolean {
  let depth = 0;
  let isString = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) isString = !isString;
    else if (isString) {
      if (code === BACKSLASH) at++;
    } else if (code === 0x5b || code === 0x7b) {
      if (++depth > most) return true;
    } else if (code === 0x5d || code === 0x7d) depth--;
  }
  return false;
}

/** What `ip -j` prints has a list of objects that have lists, and so on: five deep. */
export const MOST_DEPTH_OF_IP = 32;
