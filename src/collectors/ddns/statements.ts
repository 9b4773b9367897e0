/** The syntax of ddclient's configuration file, as its own parser (`_read_config` in ddclient 3.10 to 4.0) takes it. */

/** What one line says, with those that it is continued on. */
export interface Statement {
  /** Number of its first line. */
  readonly line: number;
  /** The last value of each option. */
  readonly options: ReadonlyMap<string, string>;
  /** What follows the options: host names separated by commas, and by the old form a login and a password. */
  readonly words: readonly string[];
}

/**
 * The statements of a file: `[option=value, …] [host[,host…] [login [password]]]`.
 *
 *     protocol=dyndns2 \
 *     use=web, web=checkip.dyndns.org/ \
 *     login=me \
 *     password='a # b' \
 *     home.example.org,office.example.org    # continued up to here
 *
 * No blank stands around `=`, but for passwords. In a value a backslash makes the next character an ordinary one, as do quotes
 * of either kind; but a password is taken as it stands: between single quotes to the last one of the line, else to the next blank.
 *
 * @returns in the file's order; lines without content are left out, and those at the end whose continuation is missing
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
  /** The line, with a word that means nothing in place of the password. */
  readonly masked: string;
  readonly name?: string;
  readonly value?: string;
}

/** `password=`, `fw-password=` or anything like it (`web=http://…?password=`), where a word starts. */
const PASSWORD = /(?<=^|[ \t\f\v])([^ \t\f\v,]*?password)[ \t\f\v]*=[ \t\f\v]*/g;
/** The same after a comma without a blank, where ddclient does not see that it is one. */
const LISTED_PASSWORD = /(?<=,)([^ \t\f\v,]*?password)[ \t\f\v]*=[ \t\f\v]*/g;

/** Takes the last password out of a line, before anything in it is taken for a comment, a quote or the end. */
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
 * The password that text starts with, quotes included. ddclient ends one in double quotes at the first blank in it, or behind a
 * backslash, and takes the rest for a host's name: that would show half a secret as a name, so here it ends with the quotes, and a
 * blank behind a backslash is a part of it. One that is nothing but a backslash stands on the next line.
 */
function passwordIn(text: string): string | undefined {
  if (text.trimEnd() === '\\') return undefined;
  if (!text.startsWith("'")) return /^(?:"[^"]*")?(?:\\[ \t\f\v]?|[^ \t\f\v\\])*/.exec(text)?.[0] || undefined;
  const end = text.lastIndexOf("'");
  return end > 0 ? text.slice(0, end + 1) : undefined;
}

const OPTION = /[, ]*([a-z][\w-]*)=/iy;

/** One for all: keeping one for each of thirty thousand lines takes longer than reading them. */
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

/** The value that starts at an index, and where it ends: at a blank or comma that is neither quoted nor escaped. */
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
