/** Why a source gave no value. Clients see the code in `/snapshot`, and `doctor` turns it into advice. */
export type SourceErrorCode =
  | 'not-found' // no such file or folder
  | 'permission' // it exists, but the service may not read it
  | 'not-a-file' // a folder, FIFO, socket or device in place of a file
  | 'unreadable' // the kernel responded to the read with an error (a sensor that isn't connected: EINVAL)
  | 'too-large' // larger than the source can reasonably be
  | 'malformed' // not in the expected form
  | 'program-missing' // no such program on PATH
  | 'program-failed' // the program ended with an error
  | 'timeout' // the program didn't end in time
  | 'thread-lost' // the worker thread ended or ran out of memory
  | 'internal'; // a bug in apsnap

/** A source exists and can't be read or understood. Its message, on one line: `source: what happened: offending text; what to do`. */
export class SourceError extends Error {
  override readonly name = 'SourceError';
  readonly code: SourceErrorCode;
  constructor(code: SourceErrorCode, message: string) {
    super(visible(message));
    this.code = code;
  }
}

/** The machine doesn't have what a collector reads (no sensor, no Wi-Fi). That is a result, not a failure. */
export class Absent extends Error {
  override readonly name = 'Absent';
  constructor(message: string) {
    super(visible(message));
  }
}

/**
 * Reads a source that the machine need not have: an error with this code means that it doesn't.
 *
 * @param code `not-found` doesn't cover a folder on the way that may not be entered: the file may be in it
 * @param advice what to do to get the source
 * @throws {Absent} if `read` fails with `code`
 */
export function absentIf<T>(code: SourceErrorCode, read: () => T, advice?: string): T {
  try {
    return read();
  } catch (error) {
    throw asAbsent(error, code, advice);
  }
}

/** Like {@link absentIf}, for a program. */
export async function absentUnlessInstalled<T>(run: Promise<T>, advice: string): Promise<T> {
  try {
    return await run;
  } catch (error) {
    throw asAbsent(error, 'program-missing', advice);
  }
}

function asAbsent(error: unknown, code: SourceErrorCode, advice?: string): unknown {
  if (!(error instanceof SourceError) || error.code !== code) return error;
  return new Absent(advice ? `${error.message}; ${advice}` : error.message);
}

/** Reads a source that the caller can do without. Returns undefined if it can't be read or understood. */
export function orUndefined<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof SourceError) return undefined;
    throw error;
  }
}

/** The command line, the environment or a key is wrong, so starting again wouldn't help. Ends the program with status 2 and this line. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  constructor(message: string) {
    super(visible(message));
  }
}

/** The program can't run as configured (port in use, unreadable file). Ends the program with status 1 and this line. */
export class StartError extends Error {
  override readonly name = 'StartError';
  constructor(message: string) {
    super(visible(message));
  }
}

/** Quotes text from a source for an error: on one line and cut, as it may be binary or endless. */
export function quote(text: string): string {
  return visible(JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text));
}

/** Maximum length of a message. Longer ones are cut: a configuration may contain a name of a megabyte. */
const MAX_MESSAGE_CHARS = 1_000;

/** Escapes what could start a new log line or control a terminal, such as a line feed in a file name. */
function visible(text: string): string {
  const short = text.length > MAX_MESSAGE_CHARS ? `${text.slice(0, MAX_MESSAGE_CHARS)}…` : text;
  return short.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (char) => `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`);
}
