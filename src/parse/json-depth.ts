/** Nesting of JSON: JSON.parse takes a tenth of a second for a megabyte of brackets, ten times as long as for other text. */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Tells whether brackets outside strings nest deeper than `max`. The text need not be JSON. */
export function nestsDeeper(text: string, max: number): boolean {
  let depth = 0;
  let isString = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) isString = !isString;
    else if (isString) {
      if (code === BACKSLASH) at++;
    } else if (code === 0x5b || code === 0x7b) {
      if (++depth > max) return true;
    } else if (code === 0x5d || code === 0x7d) depth--;
  }
  return false;
}

/** Maximum nesting of what `ip -j` prints. It nests five deep. */
export const MAX_DEPTH_OF_IP = 32;
