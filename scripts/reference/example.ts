/** Prints examples of requests and responses: compactly, and without the rest of long lists. */

/** Maximum entries of a list in an example. An ellipsis stands for further ones. */
export const MAX_ENTRIES = 2;
/** Maximum columns of a value that is printed on one line. */
const MAX_COLUMNS = 96;
/** Maximum characters of a text in an example. An ellipsis stands for the rest. */
const MAX_TEXT = 400;

/** Returns an example of a media type as a fenced block. */
export function fenced(type: string, example: unknown): string {
  const text = typeof example === 'string' ? example.replaceAll('\r\n', '\n').trim() : print(example, '');
  return `\`\`\`${type === 'application/json' ? 'json' : 'text'}\n${text}\n\`\`\``;
}

/** Prints a value on one line if it fits, and shortens long lists and texts. */
function print(value: unknown, indent: string): string {
  if (typeof value === 'string' && value.length > MAX_TEXT) return JSON.stringify(`${value.slice(0, MAX_TEXT)}…`);
  const short = inline(value);
  if (short.length + indent.length <= MAX_COLUMNS && !holdsLongList(value)) return short;
  if (typeof value !== 'object' || value === null) return short;
  const deeper = `${indent}  `;
  if (Array.isArray(value)) {
    const shown = (isLongList(value) ? value.slice(0, MAX_ENTRIES) : value).map((one) => deeper + print(one, deeper));
    return `[\n${shown.join(',\n')}${isLongList(value) ? `,\n${deeper}…` : ''}\n${indent}]`;
  }
  const entries = Object.entries(value).map(([name, one]) => `${deeper}${JSON.stringify(name)}: ${print(one, deeper)}`);
  return `{\n${entries.join(',\n')}\n${indent}}`;
}

function inline(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(inline).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).map(([name, one]) => `${JSON.stringify(name)}: ${inline(one)}`);
  return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`;
}

function holdsLongList(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return isLongList(value) || Object.values(value).some(holdsLongList);
}

/** Tells whether a value is a list of objects that an example cuts. */
function isLongList(value: object): boolean {
  return Array.isArray(value) && value.length > MAX_ENTRIES && typeof value[0] === 'object';
}
