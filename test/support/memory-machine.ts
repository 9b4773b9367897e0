/**
 * A machine in memory: tests sample it without a disk and without a process. The contract test (test/service/machine-contract.test.ts)
 * runs the same cases on it and on a real folder.
 */
import type { StatsFs } from 'node:fs';
import { quote, SourceError, type SourceErrorCode } from '../../src/errors.js';
import type { EntryKind } from '../../src/machine/files.js';
import { partsOf, resolveLinks } from '../../src/machine/locate.js';
import type { Machine } from '../../src/machine/machine.js';
import type { ArchiveEntry } from './archive.js';

/** Anything that a machine can have at a path. A text is a readable file. */
export type MemoryEntry =
  | string
  | Buffer
  | ArchiveEntry
  /** A folder whose names may be listed, but whose files may not be opened. */
  | { readonly kind: 'listable-folder' }
  | { readonly kind: 'fifo' }
  /** A file that can be opened, but not read: the kernel answers with this error. */
  | { readonly kind: 'failing'; readonly code: string };

/** Entries by path, with or without a slash in front. Folders on the way to an entry exist implicitly. */
export type MemoryEntries = Iterable<readonly [path: string, entry: MemoryEntry]>;

type Node =
  | { readonly kind: 'file'; readonly bytes: Buffer; readonly error: string | undefined }
  | { readonly kind: 'folder'; readonly children: Map<string, Node>; mayList: boolean; mayEnter: boolean }
  | { readonly kind: 'link'; readonly target: string }
  | { readonly kind: 'fifo' };
type Folder = Extract<Node, { kind: 'folder' }>;
type File = Extract<Node, { kind: 'file' }>;

const MAX_FILE_BYTES = 4 << 20;
const NOT_RECORDED_STATUS = 127;

/**
 * Creates a machine of these entries. A program's output is a file `cmd/PROGRAM ARGUMENTS`; `.stderr` and `.status` next to it hold
 * its standard error and its exit status. `statfs.json` holds the block counts of the root file system.
 */
export function createMemoryMachine(entries: MemoryEntries): Machine {
  const root = folderNode();
  for (const [path, entry] of entries) place(root, path, entry);

  /** Returns the node at a path without following links. Throws like the kernel. */
  function at(parts: readonly string[]): Node {
    let node: Node = root;
    for (const part of parts) {
      if (node.kind !== 'folder') throw systemError('ENOTDIR');
      if (!node.mayEnter) throw systemError('EACCES');
      const child: Node | undefined = node.children.get(part);
      if (!child) throw systemError('ENOENT');
      node = child;
    }
    return node;
  }

  function linkTarget(parts: readonly string[]): string | undefined {
    try {
      const node = at(parts);
      return node.kind === 'link' ? node.target : undefined;
    } catch {
      return undefined;
    }
  }

  const locate = (path: string) => resolveLinks(path, linkTarget);

  function open(path: string): File {
    try {
      const node = at(locate(path));
      const isClosed = node.kind === 'folder' ? !node.mayList : node.kind === 'file' && node.error === 'EACCES';
      if (isClosed) throw systemError('EACCES');
      if (node.kind !== 'file') throw new SourceError('not-a-file', `${path}: is not a regular file`);
      return node;
    } catch (error) {
      throw sourceError(path, error);
    }
  }

  function readBytes(path: string, limit = MAX_FILE_BYTES): Buffer {
    const { bytes, error } = open(path);
    if (bytes.length > limit) throw new SourceError('too-large', `${path}: has more than ${limit} bytes`);
    if (error) throw sourceError(path, systemError(error));
    return Buffer.from(bytes);
  }

  function children(path: string): Map<string, Node> {
    try {
      const node = at(locate(path));
      if (node.kind !== 'folder') throw systemError('ENOTDIR');
      if (!node.mayList) throw systemError('EACCES');
      return node.children;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Map();
      throw sourceError(path, error);
    }
  }

  function readText(path: string, limit?: number): string {
    return readBytes(path, limit).toString('utf8');
  }

  const recorded = root.children.get('cmd');
  const commands = recorded?.kind === 'folder' ? recorded.children : new Map<string, Node>();

  async function run(program: string, args: readonly string[]): Promise<string> {
    const shown = [program, ...args].join(' ');
    if (![...commands.keys()].some((name) => name.split(' ', 1)[0] === program)) {
      throw new SourceError('program-missing', `${program}: no such program on PATH`);
    }
    const said = (name: string) => {
      const node = commands.get(name);
      return node?.kind === 'file' ? node.bytes.toString('utf8') : undefined;
    };
    const output = said(shown);
    const status = output === undefined ? NOT_RECORDED_STATUS : Number(said(`${shown}.status`) ?? 0);
    if (output !== undefined && status === 0) return output;
    const complaint = output === undefined ? `not recorded: ${shown}` : said(`${shown}.stderr`)?.trim() || output.trim();
    throw new SourceError('program-failed', `${shown}: ended with status ${status}: ${quote(complaint.split('\n')[0] ?? '')}`);
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
      const bytes = readBytes(path, limit);
      // Two pieces, so that every reader meets a border.
      return read(
        bytes.length,
        [bytes.subarray(0, bytes.length >> 1), bytes.subarray(bytes.length >> 1)].filter((piece) => piece.length > 0),
      );
    },
    list: (path) => [...children(path).keys()],
    entries: (path) => new Map([...children(path)].map(([name, node]) => [name, kindOf(node)])),
    readLink(path) {
      try {
        const name = path.slice(path.lastIndexOf('/') + 1);
        return linkTarget([...locate(path.slice(0, path.lastIndexOf('/'))), name]);
      } catch {
        return undefined;
      }
    },
    exists(path) {
      try {
        at(locate(path));
        return true;
      } catch {
        return false;
      }
    },
    fingerprint(path) {
      try {
        const node = at(locate(path));
        return { words: `${node.kind} ${node.kind === 'file' ? node.bytes.length : 0}`, changedMs: 1 };
      } catch (error) {
        return { words: (error as NodeJS.ErrnoException).code ?? 'unknown', changedMs: 0 };
      }
    },
    readTail(path, maxBytes) {
      const bytes = readBytes(path, Number.POSITIVE_INFINITY);
      const start = Math.max(0, bytes.length - maxBytes);
      return { bytes: bytes.subarray(start), cut: start > 0 };
    },
    fileSystem(path) {
      const statfs = root.children.get('statfs.json');
      if (statfs?.kind !== 'file') throw sourceError(path, systemError('ENOSYS'));
      return JSON.parse(statfs.bytes.toString()) as StatsFs;
    },
    run,
    follow(program, args, { onLine, onEnd }) {
      let isStopped = false;
      queueMicrotask(async () => {
        let reason = new SourceError('program-failed', `${[program, ...args].join(' ')}: ended with status 0`);
        try {
          for (const line of (await run(program, args)).split('\n').slice(0, -1)) if (!isStopped) onLine(line);
        } catch (error) {
          reason = error as SourceError;
        }
        if (!isStopped) onEnd(reason);
      });
      return {
        read() {},
        stop() {
          isStopped = true;
        },
      };
    },
  };
}

function folderNode(): Folder {
  return { kind: 'folder', children: new Map(), mayList: true, mayEnter: true };
}

function place(root: Folder, path: string, entry: MemoryEntry): void {
  const parts = partsOf(path);
  const name = parts.pop();
  if (name === undefined) return;
  let folder = root;
  for (const part of parts) {
    const child = folder.children.get(part) ?? folderNode();
    if (child.kind !== 'folder') throw new Error(`${path}: ${part} is not a folder`);
    folder.children.set(part, child);
    folder = child;
  }
  const node = nodeOf(entry);
  const existing = folder.children.get(name);
  if (node.kind !== 'folder' || !existing) folder.children.set(name, node);
  else if (existing.kind === 'folder') Object.assign(existing, { mayList: node.mayList, mayEnter: node.mayEnter });
}

function nodeOf(entry: MemoryEntry): Node {
  if (typeof entry === 'string' || Buffer.isBuffer(entry)) return { kind: 'file', bytes: Buffer.from(entry), error: undefined };
  switch (entry.kind) {
    case 'file':
      return { kind: 'file', bytes: entry.bytes, error: entry.unreadable ? 'EACCES' : undefined };
    case 'folder':
      return { ...folderNode(), mayList: !entry.unreadable, mayEnter: !entry.unreadable };
    case 'listable-folder':
      return { ...folderNode(), mayEnter: false };
    case 'failing':
      return { kind: 'file', bytes: Buffer.alloc(0), error: entry.code };
    default:
      return entry;
  }
}

function kindOf(node: Node): EntryKind {
  return node.kind === 'fifo' ? 'other' : node.kind;
}

function systemError(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(code), { code });
}

const CODES: Readonly<Record<string, readonly [code: SourceErrorCode, reason: string]>> = {
  ENOENT: ['not-found', 'does not exist'],
  ENOTDIR: ['not-found', 'does not exist'],
  EACCES: ['permission', 'permission denied'],
};

function sourceError(path: string, error: unknown): SourceError {
  if (error instanceof SourceError) return error;
  const { code = '' } = error as NodeJS.ErrnoException;
  const [ours, reason] = CODES[code] ?? ['unreadable', `cannot be read: ${code}`];
  return new SourceError(ours, `${path}: ${reason}`);
}
