/** Where text ceases to be JSON: the messages of JSON.parse quote what is there, and not all of them say where. */

const BLANKS = /[ \t\r\n]*/y;
const TOKEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those that JSON does not allow in a string
  /"[^"\\\u0000-\u001f]*(?:\\(?:["\\/bfnrt]|u[\da-fA-F]{4})[^"\\\u0000-\u001f]*)*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|[[\]{},:]/y;

type Expected = 'value' | 'value or ]' | 'key' | 'key or }' | ':' | 'more';

/**
 * RFC 8259.
 *
 * @returns index of the first token that cannot stand where it does (the text's length, if it ends too early); undefined: it is JSON
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

/** Where what a sticky expression finds at an index ends; the index itself if it finds nothing. */
function skip(expression: RegExp, text: string, at: number): number {
  expression.lastIndex = at;
  return expression.test(text) ? expression.lastIndex : at;
}

/**
 * What may come after a token; undefined: it may not stand there.
 *
 * @param token its first character
 * @param open brackets around it, changed by those it opens or closes
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
