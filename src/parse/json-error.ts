/** Finds where text stops being JSON. Messages of JSON.parse quote the text, and not all of them name the place. */

const BLANKS = /[ \t\r\n]*/y;
const TOKEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: JSON doesn't allow them in a string
  /"[^"\\\u0000-\u001f]*(?:\\(?:["\\/bfnrt]|u[\da-fA-F]{4})[^"\\\u0000-\u001f]*)*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|[[\]{},:]/y;

type Expected = 'value' | 'value or ]' | 'key' | 'key or }' | ':' | 'more';

/**
 * Finds the first error in JSON, RFC 8259.
 *
 * @returns the index of the first token in the wrong place, or the text's length if it ends too early; undefined if it is JSON
 */
export function jsonErrorAt(text: string): number | undefined {
  const open: ('{' | '[')[] = [];
  let expected: Expected = 'value';
  let at = skip(BLANKS, text, 0);
  while (at < text.length) {
    const end = skip(TOKEN, text, at);
    const next: Expected | undefined = end === at ? undefined : follow(expected, text.charAt(at), open);
    if (next === undefined) return at;
    expected = next;
    at = skip(BLANKS, text, end);
  }
  return expected === 'more' && open.length === 0 ? undefined : at;
}

/** Returns where the match of a sticky expression at an index ends, or the index itself without a match. */
function skip(expression: RegExp, text: string, at: number): number {
  expression.lastIndex = at;
  return expression.test(text) ? expression.lastIndex : at;
}

/**
 * Returns what may come after a token, or undefined if the token is in the wrong place.
 *
 * @param token its first character
 * @param open brackets around it; updated if it opens or closes one
 */
function follow(expected: Expected, token: string, open: ('{' | '[')[]): Expected | undefined {
  const inside = open.at(-1);
  if (expected === ':') return token === ':' ? 'value' : undefined;
  if (expected === 'more' && token === ',' && inside) return inside === '{' ? 'key' : 'value';
  if ((token === '}' && inside === '{') || (token === ']' && inside === '[')) {
    if (expected !== 'more' && expected !== `${inside === '{' ? 'key' : 'value'} or ${token}`) return undefined;
    open.pop();
    return 'more';
  }
  if (expected === 'more' || ',:]}'.includes(token)) return undefined;
  if (expected.startsWith('key')) return token === '"' ? ':' : undefined;
  if (token !== '{' && token !== '[') return 'more';
  open.push(token);
  return token === '{' ? 'key or }' : 'value or ]';
}
