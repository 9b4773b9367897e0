/**
 * Reads files below a root folder.
 *
 * Reads are synchronous: /proc and /sys are memory, and an asynchronous read that hangs would occupy one of the process's four libuv
 * threads.
 */
import {
  closeSync,
  constants,
  type Dirent,
  existsSync,
  fstatSync,
  openSync,
  readdirSync,
  readSync,
  type Stats,
  type StatsFs,
  statfsSync,
  statSync,
} from 'node:fs';
import { resolve } from 'node:path';
import { SourceError } from '../errors.js';
import { locate, readlinkIfLink } from './locate.js';
import { NotRegularError, sourceError } from './system-errors.js';

const MAX_FILE_BYTES = 4 << 20;
const PIECE_BYTES = 1 << 20;
/** Most files are small. A buffer for each would be garbage. */
const scratch = Buffer.allocUnsafe(32 << 10);
const MISSING: Fingerprint = { words: 'ENOENT', changedMs: 0 };

export type EntryKind = 'file' | 'folder' | 'link' | 'other';

/** The end of a file. */
export interface Tail {
  readonly bytes: Buffer;
  /** Whether the file has more bytes before these. */
  readonly cut: boolean;
}

/** See {@link Files.fingerprint}. */
export interface Fingerprint {
  readonly words: string;
  /** When it last changed, Unix milliseconds; 0 if it does not exist. */
  readonly changedMs: number;
}

export interface Files {
  /**
   * Reads the text of a regular file.
   *
   * @param path absolute, as the machine sees it
   * @param limit maximum size in bytes
   * @throws {SourceError} if the file cannot be read
   */
  readText(path: string, limit?: number): string;
  /** Reads like {@link Files.readText}; `undefined` if the file, or a folder on the way to it, does not exist. */
  readTextIfThere(path: string, limit?: number): string | undefined;
  /** Reads the bytes of a regular file. @throws {SourceError} if the file cannot be read */
  readBytes(path: string, limit?: number): Buffer;
  /**
   * Reads a regular file that is too large for one buffer. A piece is valid until the next one is taken.
   *
   * @param read takes the size of the file and its bytes in pieces
   * @throws {SourceError} if the file cannot be read
   */
  readInPieces<T>(path: string, limit: number, read: (size: number, pieces: Iterable<Buffer>) => T): T;
  /** Lists the names in a folder, in no order; none if it does not exist. @throws {SourceError} if it cannot be read */
  list(path: string): string[];
  exists(path: string): boolean;
  /** Lists a folder without following links; nothing if it does not exist. @throws {SourceError} if it cannot be read */
  entries(path: string): Map<string, EntryKind>;
  /** Returns the target of a symbolic link as it is written; `undefined` if the path isn't a link. */
  readLink(path: string): string | undefined;
  /**
   * Returns a fingerprint (device, inode, size, mtime, ctime) that changes when the file does, or when names in the folder do.
   * Links are followed.
   */
  fingerprint(path: string): Fingerprint;
  /** Reads the last bytes of a regular file of any size. @throws {SourceError} if the file cannot be read */
  readTail(path: string, bytes: number): Tail;
  /** Returns block counts of the file system that holds `path`. @throws {SourceError} if it does not exist */
  fileSystem(path: string): StatsFs;
}

/**
 * @param rootfs every file that is read lies below this folder; absolute symbolic links are taken relative to it
 */
export function createFiles(rootfs: string): Files {
  const root = rootfs === '/' ? '' : resolve(rootfs);

  /** Calls with the real place of a path, and names the path in errors. */
  function at<T>(path: string, use: (located: string) => T): T {
    try {
      return use(locate(root, path));
    } catch (error) {
      throw sourceError(root + path, error);
    }
  }

  const open = <T>(path: string, read: (fd: number, stat: Stats) => T): T => at(path, (located) => openRegularFile(located, 0, read));

  const read = <T>(path: string, limit: number, take: (bytes: Buffer) => T): T =>
    open(path, (fd, { size }) => take(readAll(fd, size, limit, root + path)));

  const readText = (path: string, limit = MAX_FILE_BYTES): string => read(path, limit, (bytes) => bytes.toString('utf8'));

  return {
    readBytes: (path, limit = MAX_FILE_BYTES) => read(path, limit, (bytes) => Buffer.from(bytes)),
    readText,
    readTextIfThere: (path, limit) => unlessNotFound(() => readText(path, limit)),
    readInPieces: (path, limit, read) =>
      open(path, (fd, { size }) => {
        if (size > limit) throw tooLarge(root + path, limit);
        return read(size, piecesOf(fd, size));
      }),
    list: (path) => at(path, (located) => unlessMissing(() => readdirSync(located), [])),
    entries: (path) =>
      at(path, (located) => {
        const entries = unlessMissing(() => readdirSync(located, { withFileTypes: true }), []);
        return new Map(entries.map((entry) => [entry.name, kindOf(entry)]));
      }),
    readLink(path) {
      const parts = path.split('/');
      const name = parts.pop() as string;
      return unlessNotFound(() => readlinkIfLink(`${locate(root, parts.join('/') || '/')}/${name}`));
    },
    fingerprint(path) {
      try {
        // Most configuration files don't exist, and an exception takes ten times as long as the call.
        const stat = statSync(locate(root, path), { throwIfNoEntry: false });
        if (!stat) return MISSING;
        const { dev, ino, size, mtimeMs, ctimeMs } = stat;
        // Some file systems keep no ctime; the time of the content is better than nothing.
        return { words: `${dev} ${ino} ${size} ${mtimeMs} ${ctimeMs}`, changedMs: Math.max(mtimeMs, ctimeMs) };
      } catch (error) {
        return { words: (error as NodeJS.ErrnoException).code ?? 'unknown', changedMs: 0 };
      }
    },
    readTail: (path, bytes) =>
      open(path, (fd, { size }) => {
        const start = Math.max(0, size - bytes);
        return { bytes: readAt(fd, start, size - start), cut: start > 0 };
      }),
    exists: (path) => unlessNotFound(() => existsSync(locate(root, path))) ?? false,
    fileSystem: (path) => at(path, (located) => statfsSync(located)),
  };
}

/**
 * Opens a regular file, and nothing else: a FIFO in its place would block the thread indefinitely, a device may never end.
 *
 * @param flags more flags of open(2), such as `O_NOFOLLOW`
 * @param read takes the open file; it is closed afterwards
 * @throws {NotRegularError} if it isn't a regular file
 * @throws {Error} a system error if it cannot be opened
 */
export function openRegularFile<T>(path: string, flags: number, read: (fd: number, stat: Stats) => T): T {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | flags);
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw new NotRegularError();
    return read(fd, stat);
  } finally {
    closeSync(fd);
  }
}

function unlessNotFound<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof SourceError && error.code === 'not-found') return undefined;
    throw error;
  }
}

/** Returns `none` for a path that does not exist. A file where a folder should be (ENOTDIR) is still an error. */
function unlessMissing<T>(read: () => T, none: T): T {
  try {
    return read();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return none;
    throw error;
  }
}

function kindOf(entry: Dirent): EntryKind {
  if (entry.isFile()) return 'file';
  if (entry.isDirectory()) return 'folder';
  return entry.isSymbolicLink() ? 'link' : 'other';
}

/**
 * Reads to the end, not to the size: files of /proc report a size of 0. If a size is known, the spare byte lets one read find the end. Files
 * of /proc may return less than they have, and need another read.
 *
 * @returns bytes that are valid until the next file is read
 */
function readAll(fd: number, size: number, limit: number, shown: string): Buffer {
  if (size > limit) throw tooLarge(shown, limit);
  let bytes = size < scratch.length ? scratch : Buffer.allocUnsafe(size + 1);
  let total = 0;
  for (;;) {
    const read = readSync(fd, bytes, total, bytes.length - total, null);
    total += read;
    if (total > limit) throw tooLarge(shown, limit);
    if (read === 0 || (size > 0 && total < bytes.length)) return bytes.subarray(0, total);
    if (total < bytes.length) continue;
    const larger = Buffer.allocUnsafe(Math.min(4 * total, limit + 1));
    bytes.copy(larger);
    bytes = larger;
  }
}

/** Reads up to `length` bytes from one place. */
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

/** Yields the bytes that the file had when its size was read. Bytes that are appended meanwhile may be half of a line. */
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
