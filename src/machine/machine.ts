/**
 * The machine that is sampled: all file reads and program starts for sampling go through here, and nowhere else.
 *
 * Reads are synchronous: /proc and /sys are memory, the sampling thread has nothing else to do, and an asynchronous
 * read that hangs would take one of the whole process's four libuv threads.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  accessSync,
  closeSync,
  constants,
  type Dirent,
  existsSync,
  type FSWatcher,
  fstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  type Stats,
  type StatsFs,
  statfsSync,
  statSync,
  watch,
} from 'node:fs';
import { setPriority } from 'node:os';
import { resolve } from 'node:path';
import { quote, SourceError, type SourceErrorCode } from '../errors.js';

export interface MachineOptions {
  /** Every file read lies below this folder; absolute symbolic links are taken relative to it. */
  readonly rootfs: string;
  /** Where programs are looked for: a PATH. */
  readonly path: string;
}

/** How long a program may take. A second is ages for `iw`, and less than the 2 s in which the service must stop. */
const PROGRAM_TIMEOUT_MS = 1_200;
const MAX_OUTPUT_BYTES = 16 << 20;
/** Of a program that is followed: ten thousand events. One that prints more is broken, and would take a core. */
const MAX_CHARS_PER_SECOND = 1 << 20;
const MAX_FILE_BYTES = 4 << 20;

/** Each program leads a process group, so that it can be ended with all that it has started. spawnSync knows it too; its type does not. */
const OWN_GROUP = { detached: true };

/** What goes on and says something now and then: a program, a watch of a folder. */
export interface Following {
  stop(): void;
}

export type EntryKind = 'file' | 'folder' | 'link' | 'other';

/** The end of a file. */
export interface Tail {
  readonly bytes: Buffer;
  /** Whether there is more of the file before them. */
  readonly cut: boolean;
}

/** See {@link Machine.fingerprint}. */
export interface Fingerprint {
  readonly words: string;
  /** When it last changed, Unix milliseconds; 0 where there is nothing. */
  readonly changedMs: number;
}

export interface Machine {
  /**
   * Text of a regular file.
   *
   * @param path absolute, as the sampled machine sees it
   * @param limit most bytes the file may have
   * @throws SourceError
   */
  readText(path: string, limit?: number): string;
  /** As {@link Machine.readText}, but undefined where the file (or a folder on the way to it) does not exist. */
  readTextIfThere(path: string, limit?: number): string | undefined;
  /** Bytes of a regular file. @throws SourceError */
  readBytes(path: string, limit?: number): Buffer;
  /**
   * Reads a regular file that is too large to be held: its size, and its bytes in pieces. A piece is good until the next one is taken.
   *
   * @throws SourceError
   */
  readInPieces<T>(path: string, limit: number, read: (size: number, pieces: Iterable<Buffer>) => T): T;
  /** Names in a folder, in no order; none where it does not exist. @throws SourceError */
  list(path: string): string[];
  exists(path: string): boolean;
  /** What is in a folder, by name, links not followed; nothing where it does not exist. @throws SourceError */
  entries(path: string): Map<string, EntryKind>;
  /** Where a symbolic link points, as it is written; undefined where there is none. */
  readLink(path: string): string | undefined;
  /**
   * What is at a path, in a few words that are others when it has changed: for a folder, when names in it have.
   * Links are followed.
   */
  fingerprint(path: string): Fingerprint;
  /** The last bytes of a regular file, which may be of any size. @throws SourceError */
  readTail(path: string, bytes: number): Tail;
  /** Block counts of the file system that holds `path`. @throws SourceError */
  fileSystem(path: string): StatsFs;
  /**
   * Standard output of a program that is found on PATH and started without a shell, in the C locale.
   *
   * @throws SourceError `program-missing`, `program-failed` (with the first line it said), `timeout`, `too-large`
   */
  run(program: string, args: readonly string[]): string;
  /**
   * Starts a program and hands over each line it prints, until it ends or is stopped.
   *
   * @param onEnd called once, with the reason, when it ended by itself or could not be started
   */
  follow(program: string, args: readonly string[], onLine: (line: string) => void, onEnd: (reason: SourceError) => void): Following;
  /**
   * Watches a folder, and calls back with the name of what was made, changed, renamed or removed in it.
   *
   * @param onEnd called once, with the reason, when it can be watched no longer
   * @throws SourceError it cannot be watched
   */
  watch(folder: string, onName: (name: string) => void, onEnd: (reason: SourceError) => void): Following;
}

const codes: Readonly<Record<string, SourceErrorCode>> = {
  ENOENT: 'not-found',
  ENOTDIR: 'not-found',
  ESRCH: 'not-found', // the process of a /proc file ended
  ENXIO: 'not-a-file', // a FIFO nobody writes to, a socket
  EACCES: 'permission',
  EPERM: 'permission',
  EISDIR: 'not-a-file',
  ELOOP: 'not-found',
};

const reasons: Partial<Record<SourceErrorCode, string>> = {
  'not-found': 'does not exist',
  permission: 'permission denied',
  'not-a-file': 'is not a regular file',
};

/** Node's system error as ours: `/sys/…/temp: permission denied`. */
function sourceError(path: string, error: unknown): SourceError {
  if (error instanceof SourceError) return error;
  const { code = 'error', message = String(error) } = error as NodeJS.ErrnoException;
  const ours = codes[code] ?? 'unreadable';
  return new SourceError(ours, `${path}: ${reasons[ours] ?? `cannot be read: ${code.startsWith('E') ? code : message}`}`);
}

/** What the kernel has too few of, by the error that says so, inotify(7). */
const watchLimits: Readonly<Record<string, string>> = { ENOSPC: 'fs.inotify.max_user_watches', EMFILE: 'fs.inotify.max_user_instances' };

function watchError(path: string, error: unknown): SourceError {
  const { code = '' } = error as NodeJS.ErrnoException;
  const limit = watchLimits[code];
  return limit ? new SourceError('unreadable', `${path}: cannot be watched: ${code}, ${limit} is too low`) : sourceError(path, error);
}

/** @returns the machine below `rootfs`, with the programs on `path` */
export function createMachine({ rootfs, path: searchPath }: MachineOptions): Machine {
  const root = rootfs === '/' ? '' : resolve(rootfs);
  // Children see no variable of ours: the key may be one of them. C locale: their output is parsed.
  const env = { PATH: searchPath, LC_ALL: 'C' };

  /** Where `path` lies on this machine, every symbolic link on the way resolved below the root. */
  function locate(path: string): string {
    if (root === '') return path;
    let parts = path.split('/').filter(Boolean);
    const done: string[] = [];
    for (let links = 0; parts.length > 0; ) {
      const part = parts.shift() as string;
      if (part === '.') continue;
      if (part === '..') {
        done.pop();
        continue;
      }
      const target = readlinkIfLink(`${root}/${[...done, part].join('/')}`);
      if (target === undefined) {
        done.push(part);
        continue;
      }
      if (++links > 40) throw new SourceError('not-found', `${root}${path}: too many symbolic links`);
      if (target.startsWith('/')) done.length = 0;
      parts = [...target.split('/').filter(Boolean), ...parts];
    }
    return `${root}/${done.join('/')}`;
  }

  function readBytes(path: string, limit = MAX_FILE_BYTES): Buffer {
    const shown = `${root}${path}`;
    return openFile(path, shown, (fd, { size }) => {
      if (size > limit) throw tooLarge(shown, limit);
      return readAll(fd, size, limit, shown);
    });
  }

  function openFile<T>(path: string, shown: string, read: (fd: number, stat: Stats) => T): T {
    let fd: number | undefined;
    try {
      // Non-blocking: a FIFO in place of a sensor must not stop this thread for ever.
      fd = openSync(locate(path), constants.O_RDONLY | constants.O_NONBLOCK);
      const stat = fstatSync(fd);
      if (!stat.isFile()) throw new SourceError('not-a-file', `${shown}: is not a regular file`);
      return read(fd, stat);
    } catch (error) {
      throw sourceError(shown, error);
    } finally {
      if (fd !== undefined) closeSync(fd);
    }
  }

  /** The program's file. Looked for here, as a fork only to learn that `iw` is not installed costs a millisecond each time. */
  function find(program: string): string {
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

  function readText(path: string, limit?: number): string {
    return readBytes(path, limit).toString('utf8');
  }

  return {
    readBytes,
    readText,
    readTextIfThere(path, limit) {
      try {
        return readText(path, limit);
      } catch (error) {
        if (error instanceof SourceError && error.code === 'not-found') return undefined;
        throw error;
      }
    },
    readInPieces(path, limit, read) {
      const shown = `${root}${path}`;
      return openFile(path, shown, (fd, { size }) => {
        if (size > limit) throw tooLarge(shown, limit);
        return read(size, piecesOf(fd, size));
      });
    },
    list(path) {
      try {
        return readdirSync(locate(path));
      } catch (error) {
        const failure = sourceError(`${root}${path}`, error);
        if (failure.code === 'not-found' && (error as NodeJS.ErrnoException).code === 'ENOENT') return [];
        throw failure;
      }
    },
    entries(path) {
      try {
        return new Map(readdirSync(locate(path), { withFileTypes: true }).map((entry) => [entry.name, kindOf(entry)]));
      } catch (error) {
        const failure = sourceError(`${root}${path}`, error);
        if (failure.code === 'not-found' && (error as NodeJS.ErrnoException).code === 'ENOENT') return new Map();
        throw failure;
      }
    },
    readLink(path) {
      const parts = path.split('/');
      const name = parts.pop() as string;
      try {
        return readlinkIfLink(`${locate(parts.join('/') || '/')}/${name}`);
      } catch {
        return undefined; // links in a circle
      }
    },
    fingerprint(path) {
      try {
        const { dev, ino, size, mtimeMs, ctimeMs } = statSync(locate(path));
        // A file system that does not keep the time of a change to the inode has that of its content at least.
        return { words: `${dev} ${ino} ${size} ${mtimeMs} ${ctimeMs}`, changedMs: Math.max(mtimeMs, ctimeMs) };
      } catch (error) {
        return { words: (error as NodeJS.ErrnoException).code ?? 'unknown', changedMs: 0 };
      }
    },
    readTail(path, bytes) {
      const shown = `${root}${path}`;
      return openFile(path, shown, (fd, { size }) => {
        const start = Math.max(0, size - bytes);
        return { bytes: readAt(fd, start, size - start), cut: start > 0 };
      });
    },
    exists(path) {
      try {
        return existsSync(locate(path));
      } catch {
        return false; // links in a circle
      }
    },
    fileSystem(path) {
      try {
        return statfsSync(locate(path));
      } catch (error) {
        throw sourceError(`${root}${path}`, error);
      }
    },
    run(program, args) {
      const shown = [program, ...args].join(' ');
      const child = spawnSync(find(program), args, {
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
        // It may have been removed since it was found: then it is missing, and has not failed.
        if (error.code === 'ENOENT') find(program);
        throw programError(shown, error);
      }
      if (child.status !== 0) {
        // vcgencmd says on standard output that it may not open its device.
        const said = (child.stderr.toString('utf8').trim() || child.stdout.toString('utf8').trim()).split('\n')[0] ?? '';
        const end = child.signal ? `was ended by ${child.signal}` : `ended with status ${child.status}`;
        throw new SourceError('program-failed', `${shown}: ${end}: ${quote(said)}`);
      }
      return child.stdout.toString('utf8');
    },
    watch(folder, onName, onEnd) {
      const shown = `${root}${folder}`;
      let watcher: FSWatcher;
      try {
        watcher = watch(locate(folder), { persistent: false });
      } catch (error) {
        throw watchError(shown, error);
      }
      watcher.on('change', (_kind, name) => onName(String(name)));
      watcher.on('error', (error) => {
        watcher.close();
        onEnd(watchError(shown, error));
      });
      return { stop: () => watcher.close() };
    },
    follow(program, args, onLine, onEnd) {
      const shown = [program, ...args].join(' ');
      let child: ChildProcess;
      let ended = false;
      const end = (reason: SourceError) => {
        if (ended) return;
        ended = true;
        onEnd(reason);
      };
      try {
        child = spawn(find(program), args, { env, shell: false, ...OWN_GROUP, stdio: ['ignore', 'pipe', 'ignore'] });
      } catch (error) {
        end(error instanceof SourceError ? error : programError(shown, error as NodeJS.ErrnoException));
        return { stop() {} };
      }
      let rest = '';
      let windowStartMs = performance.now();
      let windowChars = 0;
      // It has no standard output if there was no file descriptor left for it; the error event follows.
      child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
        if (performance.now() - windowStartMs > 1_000) {
          windowStartMs = performance.now();
          windowChars = 0;
        }
        windowChars += chunk.length;
        if (windowChars > MAX_CHARS_PER_SECOND) {
          killGroup(child.pid);
          end(new SourceError('too-large', `${shown}: printed more than ${MAX_CHARS_PER_SECOND} characters in a second`));
        }
        const lines = (rest + chunk).split('\n');
        rest = (lines.pop() ?? '').slice(-4096); // no program we follow writes longer lines
        for (const line of lines) if (!ended) onLine(line);
      });
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
    },
  };
}

/**
 * Ends a program with all that it has started; see {@link OWN_GROUP}.
 *
 * @param pid its number; undefined or 0 if it could not be started
 */
function killGroup(pid: number | undefined): void {
  if (!pid) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // All of it has ended.
  }
}

function readlinkIfLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined; // not a link; if it does not exist, opening it will say so
  }
}

function kindOf(entry: Dirent): EntryKind {
  if (entry.isFile()) return 'file';
  if (entry.isDirectory()) return 'folder';
  return entry.isSymbolicLink() ? 'link' : 'other';
}

/** Reads to the end, not to the size: files of /proc say 0. What is left of the memory is asked for the end, which most reads come to at once. */
function readAll(fd: number, size: number, limit: number, shown: string): Buffer {
  let bytes = Buffer.allocUnsafe(Math.min(Math.max(size + 1, 4096), limit + 1));
  let total = 0;
  for (;;) {
    const read = readSync(fd, bytes, total, bytes.length - total, null);
    if (read === 0) return bytes.subarray(0, total);
    total += read;
    if (total > limit) throw tooLarge(shown, limit);
    if (total < bytes.length) continue;
    const larger = Buffer.allocUnsafe(Math.min(4 * total, limit + 1));
    bytes.copy(larger);
    bytes = larger;
  }
}

/** Reads from one place, and no more than there was when its size was asked for. */
function readAt(fd: number, start: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  let total = 0;
  while (total < length) {
    const read = readSync(fd, bytes, total, length - total, start + total);
    if (read === 0) break; // truncated meanwhile
    total += read;
  }
  return bytes.subarray(0, total);
}

const PIECE_BYTES = 1 << 20;

/** What a file had when its size was asked for: of what is written to it since, a part is worth nothing. */
function* piecesOf(fd: number, size: number): Generator<Buffer> {
  const piece = Buffer.allocUnsafe(Math.min(size, PIECE_BYTES));
  for (let left = size; left > 0; ) {
    const read = readSync(fd, piece, 0, Math.min(left, piece.length), null);
    if (read === 0) return; // truncated meanwhile
    left -= read;
    yield piece.subarray(0, read);
  }
}

function tooLarge(shown: string, limit: number): SourceError {
  return new SourceError('too-large', `${shown}: has more than ${limit} bytes`);
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

/**
 * Lowers the priority of the calling thread (and of programs it starts), so that answering comes before sampling when
 * the processor is short. Linux gives each thread a priority of its own; without the right to change it, nothing is lost.
 */
export function yieldToRequests(): void {
  try {
    const thread = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
    setPriority(thread, 5);
  } catch {
    // Not Linux, or a sandbox that forbids it: the same work at the same priority.
  }
}
