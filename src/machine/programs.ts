/** Starts programs that are found on PATH: without a shell, in the C locale, and without the service's variables. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { quote, SourceError } from '../errors.js';
import { killGroup, OWN_GROUP } from './processes.js';
import { sourceError } from './system-errors.js';

/** Time limit of a program. It is long for `iw`, and shorter than the 2 s within which the service must stop. */
const PROGRAM_TIMEOUT_MS = 1_200;
const MAX_OUTPUT_BYTES = 16 << 20;
/** Maximum output of a followed program: ten thousand events a second. One that prints more is broken, and is killed. */
const MAX_CHARS_PER_SECOND = 1 << 20;
/** Maximum length of a line without its end. Of a longer one only the last characters are kept. */
const MAX_LINE_CHARS = 4_096;

/** A program that keeps running. */
export interface Following {
  stop(): void;
}

export interface Programs {
  /**
   * Runs a program to its end and returns its standard output.
   *
   * @throws {SourceError} `program-missing`, `program-failed` (with the first line that it printed), `timeout`, `too-large`
   */
  run(program: string, args: readonly string[]): string;
  /**
   * Starts a program and calls back with each line that it prints, until it ends or is stopped.
   *
   * @param onEnd called once, with the reason, if the program ended or could not be started
   */
  follow(program: string, args: readonly string[], onLine: (line: string) => void, onEnd: (reason: SourceError) => void): Following;
}

/** @param searchPath a PATH */
export function createPrograms(searchPath: string): Programs {
  // One of the service's variables may be the key. The output is parsed, so it must be in the C locale.
  const env = { PATH: searchPath, LC_ALL: 'C' };
  return {
    run: (program, args) => run(searchPath, env, program, args),
    follow: (program, args, onLine, onEnd) => follow(searchPath, env, [program, ...args], onLine, onEnd),
  };
}

/** Finds the file of a program. A fork only to learn that `iw` is not installed would cost a millisecond each time. */
function find(searchPath: string, program: string): string {
  let found: SourceError | undefined;
  for (const folder of searchPath.split(':')) {
    const file = `${folder || '.'}/${program}`;
    if (!existsSync(file)) continue;
    try {
      accessSync(file, constants.X_OK);
      if (statSync(file).isFile()) return file;
      found ??= new SourceError('not-a-file', `${file}: is not a program`);
    } catch (error) {
      found ??= sourceError(file, error);
    }
  }
  throw found ?? new SourceError('program-missing', `${program}: no such program on PATH`);
}

function run(searchPath: string, env: NodeJS.ProcessEnv, program: string, args: readonly string[]): string {
  const shown = [program, ...args].join(' ');
  const child = spawnSync(find(searchPath, program), args, {
    env,
    shell: false,
    ...OWN_GROUP,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: PROGRAM_TIMEOUT_MS,
    killSignal: 'SIGKILL',
    maxBuffer: MAX_OUTPUT_BYTES,
  });
  if (child.error) {
    killGroup(child.pid);
    const error = child.error as NodeJS.ErrnoException;
    // If the program was removed since it was found, it is missing and has not failed.
    if (error.code === 'ENOENT') find(searchPath, program);
    throw programError(shown, error);
  }
  if (child.status !== 0) {
    // vcgencmd reports on standard output that it may not open its device.
    const said = (child.stderr.toString('utf8').trim() || child.stdout.toString('utf8').trim()).split('\n')[0] ?? '';
    const end = child.signal ? `was ended by ${child.signal}` : `ended with status ${child.status}`;
    throw new SourceError('program-failed', `${shown}: ${end}: ${quote(said)}`);
  }
  return child.stdout.toString('utf8');
}

function follow(
  searchPath: string,
  env: NodeJS.ProcessEnv,
  [program = '', ...args]: readonly string[],
  onLine: (line: string) => void,
  onEnd: (reason: SourceError) => void,
): Following {
  const shown = [program, ...args].join(' ');
  let child: ChildProcess;
  let ended = false;
  const end = (reason: SourceError) => {
    if (ended) return;
    ended = true;
    onEnd(reason);
  };
  try {
    child = spawn(find(searchPath, program), args, { env, shell: false, ...OWN_GROUP, stdio: ['ignore', 'pipe', 'ignore'] });
  } catch (error) {
    end(error instanceof SourceError ? error : programError(shown, error as NodeJS.ErrnoException));
    return { stop() {} };
  }
  const addOutput = createLineSplitter(
    (line) => {
      if (!ended) onLine(line);
    },
    () => {
      killGroup(child.pid);
      end(new SourceError('too-large', `${shown}: printed more than ${MAX_CHARS_PER_SECOND} characters in a second`));
    },
  );
  // Without a free file descriptor there is no standard output; the error event follows.
  child.stdout?.setEncoding('utf8').on('data', addOutput);
  child.on('error', (error: NodeJS.ErrnoException) => end(programError(shown, error)));
  child.on('close', (status, signal) => {
    end(new SourceError('program-failed', `${shown}: ended with ${signal ?? `status ${status}`}`));
  });
  return {
    stop() {
      ended = true;
      killGroup(child.pid);
    },
  };
}

/**
 * Splits output into lines.
 *
 * @param onFlood called when there is more in a second than {@link MAX_CHARS_PER_SECOND}
 */
function createLineSplitter(onLine: (line: string) => void, onFlood: () => void): (chunk: string) => void {
  let rest = '';
  let windowStartMs = performance.now();
  let windowChars = 0;
  return (chunk) => {
    if (performance.now() - windowStartMs > 1_000) {
      windowStartMs = performance.now();
      windowChars = 0;
    }
    windowChars += chunk.length;
    if (windowChars > MAX_CHARS_PER_SECOND) onFlood();
    const lines = (rest + chunk).split('\n');
    rest = (lines.pop() ?? '').slice(-MAX_LINE_CHARS);
    for (const line of lines) onLine(line);
  };
}

function programError(shown: string, error: NodeJS.ErrnoException): SourceError {
  switch (error.code) {
    case 'ETIMEDOUT':
      return new SourceError('timeout', `${shown}: did not end within ${PROGRAM_TIMEOUT_MS} ms`);
    case 'ENOBUFS':
      return new SourceError('too-large', `${shown}: printed more than ${MAX_OUTPUT_BYTES} bytes`);
    default:
      return new SourceError('program-failed', `${shown}: cannot be started: ${error.code ?? error.message}`);
  }
}
