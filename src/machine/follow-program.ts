/** Starts a program that keeps running, and hands over the lines that it prints. */
import type { ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { SourceError } from '../errors.js';
import { killGroup } from './processes.js';
import type { Starter } from './start-program.js';

/** Maximum output of a followed program: ten thousand events a second. One that prints more is broken, and is killed. */
const MAX_CHARS_PER_SECOND = 1 << 20;
/** Maximum length of a line without its end. Of a longer one only the last characters are kept. */
const MAX_LINE_CHARS = 4_096;

/** A program that keeps running. */
export interface Following {
  /**
   * Reads what it has printed, if it is read {@link FollowHandlers.onDemand}. The lines arrive in the next poll phase of the event loop: if
   * a timer calls this, before the next `setImmediate`.
   */
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

/** Follows a program. See `Programs.follow`. */
export function followProgram({ start, startError }: Starter, command: readonly string[], handlers: FollowHandlers): Following {
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
    child = start(command, onErrorLine ? 'pipe' : 'ignore');
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
  child.on('error', (error: NodeJS.ErrnoException) => end(startError(command, error)));
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
