/**
 * A folder of files as one text that people can read and edit. Fixtures are archives of this form:
 *
 *     Raspberry Pi 4, Debian 12, iw 5.19. Text above the first header is a comment.
 *
 *     -- cmd/iw dev --
 *     phy#0
 *     -- etc/raspap/networking/ --
 *     -- proc/device-tree -> /sys/firmware/devicetree/base --
 *     -- proc/device-tree/model (escaped) (no newline at end) --
 *     Raspberry Pi 4 Model B\x00
 *
 * A header starts an entry, and the lines below it are the content:
 *
 * - `-- PATH --` is a file. Its content ends with a line feed, or is empty.
 * - `-- PATH/ --` is a folder. Only an empty or unreadable folder needs a header.
 * - `-- PATH -> TARGET --` is a symbolic link.
 *
 * Marks may follow the path, in any order:
 *
 * - `(escaped)`: in the content, `\xNN` is a byte, `\r` a carriage return, `\\` a backslash, and a backslash at the end of a line joins
 *   it with the next one. Use it for bytes that aren't UTF-8, for invisible characters, and for content that looks like a header.
 * - `(no newline at end)`: the last line has no line feed.
 * - `(unreadable)`: nobody but root may read the file, or enter the folder.
 */

export type ArchiveEntry =
  | { readonly kind: 'file'; readonly bytes: Buffer; readonly unreadable: boolean }
  | { readonly kind: 'folder'; readonly unreadable: boolean }
  | { readonly kind: 'link'; readonly target: string };

/** Entries by path, without a slash at either end, in the order of the archive. */
export type ArchiveEntries = ReadonlyMap<string, ArchiveEntry>;

export interface Archive {
  /** Text above the first header. */
  readonly comment: string;
  readonly entries: ArchiveEntries;
}

const HEADER = /^-- (.+?)((?: \((?:escaped|no newline at end|unreadable)\))*) --$/;

/**
 * Parses an archive.
 *
 * @throws Error if two entries have the same path, or if an escape is not one of those above
 */
export function parseArchive(text: string): Archive {
  const comment: string[] = [];
  const entries = new Map<string, ArchiveEntry>();
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  for (let index = 0; index < lines.length; ) {
    const header = HEADER.exec(lines[index] as string);
    if (!header) {
      comment.push(`${lines[index++]}\n`);
      continue;
    }
    const start = ++index;
    while (index < lines.length && !HEADER.test(lines[index] as string)) index++;
    const [path, entry] = parseEntry(header[1] as string, header[2] as string, lines.slice(start, index));
    if (entries.has(path)) throw new Error(`two entries have the path ${path}`);
    entries.set(path, entry);
  }
  return { comment: comment.join(''), entries };
}

function parseEntry(name: string, marks: string, lines: readonly string[]): readonly [path: string, ArchiveEntry] {
  const unreadable = marks.includes('(unreadable)');
  const [path = '', target] = name.split(' -> ', 2);
  if (target === undefined && !path.endsWith('/')) {
    const text = lines.map((line) => `${line}\n`).join('');
    const content = marks.includes('(no newline at end)') ? text.slice(0, -1) : text;
    return [path, { kind: 'file', bytes: marks.includes('(escaped)') ? unescapeBytes(content, path) : Buffer.from(content), unreadable }];
  }
  if (lines.length > 0) throw new Error(`${path}: expected no content below the header of a ${target === undefined ? 'folder' : 'link'}`);
  return target === undefined ? [path.slice(0, -1), { kind: 'folder', unreadable }] : [path, { kind: 'link', target }];
}

const ESCAPE = /\\(?:x([0-9a-f]{2})|([\\r\n])|.?)/gs;
const ESCAPED: Readonly<Record<string, string>> = { '\\': '\\', r: '\r', '\n': '' };

function unescapeBytes(content: string, path: string): Buffer {
  // Bytes as characters, so that a byte that isn't UTF-8 can be put between them.
  const bytes = Buffer.from(content).toString('latin1');
  const plain = bytes.replace(ESCAPE, (whole, hex?: string, short?: string) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    const character = ESCAPED[short ?? ''];
    if (character === undefined) throw new Error(`${path}: expected \\xNN, \\r, \\\\ or a backslash at the end of a line: ${whole}`);
    return character;
  });
  return Buffer.from(plain, 'latin1');
}

/** Formats an archive, so that parsing it gives the same entries. */
export function formatArchive({ comment, entries }: Archive): string {
  return `${comment}${[...entries].map(([path, entry]) => formatEntry(path, entry)).join('')}`;
}

function formatEntry(path: string, entry: ArchiveEntry): string {
  if (entry.kind === 'link') return `-- ${path} -> ${entry.target} --\n`;
  const unreadable = entry.unreadable ? ' (unreadable)' : '';
  if (entry.kind === 'folder') return `-- ${path}/${unreadable} --\n`;
  const { bytes } = entry;
  const text = bytes.toString();
  const isPlain = Buffer.from(text).equals(bytes) && !INVISIBLE.test(text) && !text.split('\n').some((line) => HEADER.test(line));
  const isCut = bytes.length > 0 && !text.endsWith('\n');
  const marks = `${isPlain ? '' : ' (escaped)'}${isCut ? ' (no newline at end)' : ''}${unreadable}`;
  return `-- ${path}${marks} --\n${isPlain ? text : escapeBytes(bytes)}${isCut ? '\n' : ''}`;
}

/** Characters that an editor doesn't show, or that it may change. */
const INVISIBLE = /[^\P{C}\t\n]|[\p{Zl}\p{Zp}]/u;
const MAX_COLUMNS = 120;

function escapeBytes(bytes: Buffer): string {
  return splitLines(bytes)
    .map((line) => escapeLine(line))
    .join('\n');
}

function splitLines(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  let start = 0;
  for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
    lines.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return [...lines, bytes.subarray(start)];
}

/** A line of bytes, wrapped. Text that is UTF-8 and visible stays as it is. */
function escapeLine(bytes: Buffer): string {
  const text = bytes.toString();
  if (HEADER.test(text)) return `\\x2d${text.slice(1)}`;
  const isUtf8 = Buffer.from(text).equals(bytes);
  const characters = isUtf8 ? [...text] : [...bytes.toString('latin1')];
  const rows = [''];
  for (const character of characters) {
    const shown = escapeCharacter(character, isUtf8);
    if ((rows.at(-1) as string).length + shown.length > MAX_COLUMNS) rows.push('');
    rows[rows.length - 1] += shown;
  }
  return rows.join('\\\n');
}

function escapeCharacter(character: string, isUtf8: boolean): string {
  if (character === '\\') return '\\\\';
  if (character === '\r') return '\\r';
  if (character === '\t') return '\t';
  const isShown = isUtf8 ? !INVISIBLE.test(character) : /[ -~]/.test(character);
  if (isShown) return character;
  return [...Buffer.from(character, isUtf8 ? 'utf8' : 'latin1')].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
}
