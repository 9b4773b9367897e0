/** Starts programs that are found on PATH: without a shell, in the C locale, and without the service's variables. */
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { quote, SourceError } from '../errors.js';
import { killGroup, OWN_GROUP } from './processes.js';
import { sourceError } from './system-errors.js';

/** Time limit of a program. It is long for `iw`, and shorter than the 2 s within which the service must stop. */
const PROGRAM_TIMEOUT_MS = 1_200;
/** Time limit of a program to end after it was killed. One that takes longer is stuck in the kernel. */
const KILL_TIMEOUT_MS = 200;
const MAX_OUTPUT_BYTES = 16 << 20;
/** Maximum output of a followed program: ten thousand events a second. One that prints more is broken, and is killed. */
const MAX_CHARS_PER_SECOND = 1 << 20;
/** Maximum length of a line without its end. Of a longer one only the last characters are kept. */
const MAX_LINE_CHARS = 4_096;

/** A program that keeps running. */
export interface Following {
  /** Reads what it has printed, if it is read {@link FollowHandlers.onDemand}. The lines arrive before the next `setImmediate`. */
  read(): void;
  stop(): void;
}

export interface FollowHandlers {
  /** Called with each line that it prints. */
  onLine(line: string): void;
  /** Called with each line of its standard error. Without it, standard error is discarded. */
  onErrorLine?(line: string): void;
  /** Called once, with the reason, if the program ended or could not be started. */
  onEnd(reason: SourceError): void;
  /** True to read its output only when {@link Following.read} is called. Until then it prints some 270 lines, and waits at the next one. */
  readonly onDemand?: boolean;
}

export interface Programs {
  /**
   * Runs a program to its end and returns its standard output. While a killed program is stuck in the kernel, the same command
   * line isn't started again: stuck processes don't add up. The time limit is that of the calling thread: if it is terminated meanwhile,
   * the program runs on, and remains a zombie when it ends.
   *
   * @throws {SourceError} `program-missing`, `program-failed` (with the first line that it printed), `timeout`, `too-large`
   */
  run(program: string, args: readonly string[]): Promise<string>;
  /** Starts a program and calls back with each line that it prints, until it ends or is stopped. */
  follow(program: string, args: readonly string[], handlers: FollowHandlers): Following;
}

/** @param searchPath a PATH */
export function createPrograms(searchPath: string): Programs {
  // One of the service's variables may be the key. The output is parsed, so it must be in the C locale.
  const env = { PATH: searchPath, LC_ALL: 'C' };
  const stuck = new Set<string>();
  return {
    run: (program, args) => run(searchPath, env, [program, ...args], stuck),
    follow: (program, args, handlers) => follow(searchPath, env, [program, ...args], handlers),
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

/** Starts a program as the leader of its own group. */
function start(searchPath: string, env: NodeJS.ProcessEnv, command: readonly string[], errorOutput: 'pipe' | 'ignore'): ChildProcess {
  const [program = '', ...args] = command;
  const file = find(searchPath, program);
  try {
    return spawn(file, args, { env, shell: false, ...OWN_GROUP, stdio: ['ignore', 'pipe', errorOutput] });
  } catch (error) {
    throw startError(searchPath, command, error as NodeJS.ErrnoException);
  }
}

/** @param stuck command lines of killed programs that haven't ended */
function run(searchPath: string, env: NodeJS.ProcessEnv, command: readonly string[], stuck: Set<string>): Promise<string> {
  const shown = command.join(' ');
  return new Promise((resolve, reject) => {
    if (stuck.has(shown)) throw timedOut(shown);
    const child = start(searchPath, env, command, 'pipe');
    let failure: SourceError | undefined;
    let timer = setTimeout(() => kill(timedOut(shown)), PROGRAM_TIMEOUT_MS);

    function kill(reason: SourceError): void {
      if (failure) return;
      failure = reason;
      killGroup(child.pid);
      // A process that has left the group may keep them open.
      child.stdout?.destroy();
      child.stderr?.destroy();
      clearTimeout(timer);
      timer = setTimeout(() => {
        stuck.add(shown);
        reject(failure);
      }, KILL_TIMEOUT_MS);
    }

    const onFlood = () => kill(new SourceError('too-large', `${shown}: printed more than ${MAX_OUTPUT_BYTES} bytes`));
    const output = collect(child.stdout, onFlood);
    const errorOutput = collect(child.stderr, onFlood);
    child.once('error', (error: NodeJS.ErrnoException) => {
      failure = startError(searchPath, command, error);
    });
    child.once('close', (status, signal) => {
      clearTimeout(timer);
      stuck.delete(shown);
      if (failure) reject(failure);
      else if (status === 0) resolve(output());
      else {
        const end = signal ? `was ended by ${signal}` : `ended with status ${status}`;
        // vcgencmd reports on standard output that it may not open its device.
        const [said = ''] = (errorOutput().trim() || output().trim()).split('\n');
        reject(new SourceError('program-failed', `${shown}: ${end}: ${quote(said)}`));
      }
    });
  });
}

function timedOut(shown: string): SourceError {
  return new SourceError('timeout', `${shown}: did not end within ${PROGRAM_TIMEOUT_MS} ms`);
}

/**
 * Collects what a program prints.
 *
 * @param stream null if no file descriptor was left for it
 * @param onFlood called if it prints more than {@link MAX_OUTPUT_BYTES}
 * @returns a function that returns the text
 */
function collect(stream: Readable | null, onFlood: () => void): () => string {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream?.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > MAX_OUTPUT_BYTES) onFlood();
  });
  return () => Buffer.concat(chunks, bytes).toString('utf8');
}

function follow(searchPath: string, env: NodeJS.ProcessEnv, command: readonly string[], handlers: FollowHandlers): Following {
  const { onErrorLine, onDemand = false } = handlers;
  const shown = command.join(' ');
  let child: ChildProcess;
  let ended = false;
  const end = (reason: SourceError) => {
    if (ended) return;
    ended = true;
    handlers.onEnd(reason);
  };
  try {
    child = start(searchPath, env, command, onErrorLine ? 'pipe' : 'ignore');
  } catch (error) {
    end(error as SourceError);
    return { read() {}, stop() {} };
  }
  const splitter = (onLine: (line: string) => void) =>
    createLineSplitter(
      (line) => {
        if (!ended) onLine(line);
      },
      () => {
        killGroup(child.pid);
        end(new SourceError('too-large', `${shown}: printed more than ${MAX_CHARS_PER_SECOND} characters in a second`));
      },
    );
  const addOutput = splitter((line) => handlers.onLine(line));
  const pipe = () => (onDemand ? pipeOf(child.stdout) : undefined);
  let isRunning = true;
  // Without a free file descriptor there is no stream; the error event follows.
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    addOutput(chunk);
    if (isRunning) pipe()?.readStop();
  });
  child.stderr?.setEncoding('utf8').on(
    'data',
    splitter((line) => onErrorLine?.(line)),
  );
  pipe()?.readStop();
  child.on('exit', () => {
    isRunning = false;
    pipe()?.readStart();
  });
  child.on('error', (error: NodeJS.ErrnoException) => end(startError(searchPath, command, error)));
  child.on('close', (status, signal) => {
    end(new SourceError('program-failed', `${shown}: ended with ${signal ?? `status ${status}`}`));
  });
  return {
    read: () => pipe()?.readStart(),
    stop() {
      ended = true;
      killGroup(child.pid);
    },
  };
}

interface Pipe {
  readStart(): void;
  readStop(): void;
}

/**
 * Returns the pipe below a stream. `pause()` isn't enough: the stream goes on to read until its buffer is full, and each line wakes the thread.
 *
 * @returns undefined if this version of Node has none: then the stream is read all the time
 */
function pipeOf(stream: Readable | null): Pipe | undefined {
  return (stream as { _handle?: Pipe } | null)?._handle ?? undefined;
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

function startError(searchPath: string, command: readonly string[], error: NodeJS.ErrnoException): SourceError {
  try {
    // If the program was removed since it was found, it is missing and has not failed.
    if (error.code === 'ENOENT') find(searchPath, command[0] ?? '');
  } catch (missing) {
    return missing as SourceError;
  }
  return new SourceError('program-failed', `${command.join(' ')}: cannot be started: ${error.code ?? error.message}`);
}
