/** Syntax of ddclient's configuration file, as its own parser reads it: `_read_config` in ddclient 3.10 to 4.0. */

/** A line, joined with the lines that continue it. */
export interface Statement {
  /** Number of its first line. */
  readonly line: number;
  /** The last value of each option. */
  readonly options: ReadonlyMap<string, string>;
  /** Words after the options: host names separated by commas, and in the old form a login and a password. */
  readonly words: readonly string[];
}

/**
 * Parses the statements of a file: `[option=value, …] [host[,host…] [login [password]]]`.
 *
 *     protocol=dyndns2 \
 *     use=web, web=checkip.dyndns.org/ \
 *     login=me \
 *     password='a # b' \
 *     home.example.org,office.example.org    # continued up to here
 *
 * Blanks around `=` are allowed for passwords only. In a value, a backslash escapes the next character, and quotes of either kind
 * escape what they enclose. A password is taken literally: from a single quote to the last one of the line, else to the next blank.
 *
 * @returns statements in the file's order, without empty lines and without lines at the end whose continuation is missing
 */
export function readStatements(text: string): Statement[] {
  const statements: Statement[] = [];
  let parts: string[] = [];
  let password: string | undefined;
  let first = 1;
  for (const [index, raw] of text.replace(/\n$/, '').split('\n').entries()) {
    const { masked, name, value } = maskPassword(raw.replaceAll('\r', ''));
    if (name === 'password') password = value;
    const hash = masked.indexOf('#');
    const part = (hash < 0 ? masked : masked.slice(0, hash)).trimEnd();
    if (part.endsWith('\\')) {
      parts.push(part.slice(0, -1));
      continue;
    }
    const line = [...parts, part].join('').replace(/\s+/g, ' ').trim();
    if (line !== '') statements.push({ line: first, ...parseStatement(line, password) });
    parts = [];
    password = undefined;
    first = index + 2;
  }
  return statements;
}

interface Masked {
  /** The line with a meaningless word in place of the password. */
  readonly masked: string;
  readonly name?: string;
  readonly value?: string;
}

/** `password=`, `fw-password=` and the like (`web=http://…?password=`) at the start of a word. */
const PASSWORD = /(?<=^|[ \t\f\v])([^ \t\f\v,]*?password)[ \t\f\v]*=[ \t\f\v]*/g;
/** The same after a comma without a blank, where ddclient doesn't recognize it. */
const LISTED_PASSWORD = /(?<=,)([^ \t\f\v,]*?password)[ \t\f\v]*=[ \t\f\v]*/g;

/** Masks the last password of a line, before parsing could read a part of it as a comment, a quote or the end. */
function maskPassword(line: string): Masked {
  if (!line.includes('password')) return { masked: line };
  const beforeComment = line.split('#', 1)[0] ?? '';
  const found = [...beforeComment.matchAll(PASSWORD)].at(-1) ?? [...beforeComment.matchAll(LISTED_PASSWORD)].at(-1);
  if (!found) return { masked: line };
  const [assignment, name = ''] = found;
  const start = found.index + assignment.length;
  const rest = line.slice(start);
  const written = passwordIn(rest);
  if (written === undefined) return { masked: line };
  const value = written.startsWith("'") ? written.slice(1, -1) : written;
  return { masked: `${line.slice(0, found.index)}${name}=masked${rest.slice(written.length)}`, name, value };
}

/**
 * Returns the password at the start of a text, with its quotes. ddclient ends a password in double quotes at its first blank, or
 * after a backslash, and reads the rest as a host name. That would show half a secret as a name, so here the quotes end it, and an
 * escaped blank is part of it. If there is only a backslash, the password is on the next line.
 */
function passwordIn(text: string): string | undefined {
  if (text.trimEnd() === '\\') return undefined;
  if (!text.startsWith("'")) return /^(?:"[^"]*")?(?:\\[ \t\f\v]?|[^ \t\f\v\\])*/.exec(text)?.[0] || undefined;
  const end = text.lastIndexOf("'");
  return end > 0 ? text.slice(0, end + 1) : undefined;
}

const OPTION = /[, ]*([a-z][\w-]*)=/iy;

/** Shared by all lines without options: a map for each of thirty thousand lines takes longer than parsing them. */
const NO_OPTIONS: ReadonlyMap<string, string> = new Map();

/** @param line with single blanks */
function parseStatement(line: string, password: string | undefined): Pick<Statement, 'options' | 'words'> {
  const options = new Map<string, string>();
  let at = 0;
  for (;;) {
    OPTION.lastIndex = at;
    const option = OPTION.exec(line)?.[1];
    if (option === undefined) break;
    const { value, end } = readValue(line, OPTION.lastIndex);
    options.set(option, option === 'password' && password !== undefined ? password : value);
    at = end;
  }
  const rest = line
    .slice(at)
    .replace(/^[, ]+/, '')
    .replace(/ ?, ?/g, ',');
  return { options: options.size === 0 ? NO_OPTIONS : options, words: rest.split(' ').filter(Boolean) };
}

/** Reads the value at an index up to its end: a blank or comma that is neither quoted nor escaped. */
function readValue(line: string, start: number): { value: string; end: number } {
  let value = '';
  let quote = '';
  let at = start;
  for (; at < line.length; at++) {
    const char = line.charAt(at);
    if (char === '\\') value += line.charAt(++at);
    else if (char === quote) quote = '';
    else if (quote === '' && (char === "'" || char === '"')) quote = char;
    else if (quote === '' && (char === ' ' || char === ',')) break;
    else value += char;
  }
  return { value, end: at };
}
