/** Why a source gave no value. Clients see the code in `/snapshot`, and `doctor` turns it into advice. */
export type SourceErrorCode =
  | 'not-found' // no such file or folder
  | 'permission' // it exists, we may not read it
  | 'not-a-file' // a folder, FIFO, socket or device where a file should be
  | 'unreadable' // the kernel answered the read with an error (a sensor that is not connected: EINVAL)
  | 'too-large' // more than the source may reasonably have
  | 'malformed' // it has not the form it should
  | 'program-missing' // no such program on PATH
  | 'program-failed' // it ended with an error
  | 'timeout' // it did not end in time
  | 'thread-lost' // the thread that sampled it ended or ran out of memory
  | 'internal'; // a defect of ours

/** A source could not be read or understood. The message names the source, what was expected and the offending text, on one line. */
export class SourceError extends Error {
  override readonly name = 'SourceError';
  readonly code: SourceErrorCode;
  constructor(code: SourceErrorCode, message: string) {
    super(visible(message));
    this.code = code;
  }
}

/** The machine has not what a collector looks for (no sensor, no Wi-Fi): that is an answer, not a failure. */
export class Absent extends Error {
  override readonly name = 'Absent';
  constructor(message: string) {
    super(visible(message));
  }
}

/**
 * Reads a file that the machine need not have.
 *
 * @throws Absent it is not there. A folder on the way that may not be entered is another matter: nobody knows what is in it
 */
export function absentIfNotFound<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof SourceError && error.code === 'not-found' ? new Absent(error.message) : error;
  }
}

/** The command line, the environment or a key is wrong: starting again would not help. Ends the program with status 2 and this one line. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  constructor(message: string) {
    super(visible(message));
  }
}

/** The program cannot run as asked (port in use, file that cannot be read). Ends the program with status 1 and this one line. */
export class StartError extends Error {
  override readonly name = 'StartError';
  constructor(message: string) {
    super(visible(message));
  }
}

/**
 * Shows text from a source in an error: quoted, on one line, and cut, as it may be binary or endless.
 *
 * @param text what the source held
 */
export function quote(text: string): string {
  return visible(JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text));
}

/** Of names that a configuration has, a message may be made of a megabyte. */
const MOST_MESSAGE_CHARS = 1_000;

/** A file's name may hold what would start a line of its own in a log, or talk to a terminal. */
function visible(text: string): string {
  const short = text.length > MOST_MESSAGE_CHARS ? `${text.slice(0, MOST_MESSAGE_CHARS)}…` : text;
  return short.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (char) => `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`);
}
