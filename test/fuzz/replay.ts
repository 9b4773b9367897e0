/** Records what a collector reads from a fixture, and replays it with changes. */
import type { StatsFs } from 'node:fs';
import { SourceError, type SourceErrorCode } from '../../src/errors.js';
import type { EntryKind } from '../../src/machine/files.js';
import type { Machine } from '../../src/machine/machine.js';
import { applyEdits, type Edit } from './mutations.js';

/** Result of one read: bytes of a file, output of a program, names in a folder, … */
type Seen =
  | { readonly is: 'bytes'; readonly bytes: Buffer }
  | { readonly is: 'text'; readonly text: string }
  | { readonly is: 'names'; readonly names: readonly string[] }
  | { readonly is: 'entries'; readonly entries: ReadonlyMap<string, EntryKind> }
  | { readonly is: 'link'; readonly target: string | undefined }
  | { readonly is: 'exists'; readonly there: boolean }
  | { readonly is: 'blocks'; readonly blocks: StatsFs }
  | { readonly is: 'error'; readonly code: SourceErrorCode; readonly message: string };

/** Results by read, such as `file /proc/stat` and `run iw dev`. */
export type Recording = ReadonlyMap<string, Seen>;

const MAX_BYTES = 16 << 20;

/** Wraps a machine so that everything that is read through it is recorded. */
export function record(host: Machine): { readonly host: Machine; readonly recording: Map<string, Seen> } {
  const recording = new Map<string, Seen>();
  const keep = (key: string, look: () => Seen): Seen => {
    let seen = recording.get(key);
    if (!seen) {
      try {
        seen = look();
      } catch (error) {
        if (!(error instanceof SourceError)) throw error;
        seen = { is: 'error', code: error.code, message: error.message };
      }
      recording.set(key, seen);
    }
    return seen;
  };
  const files = machine((key) => {
    const [, method = '', rest = ''] = /^(\S+) (.*)$/s.exec(key) ?? [];
    return keep(key, () => {
      switch (method) {
        case 'file':
          return { is: 'bytes', bytes: Buffer.from(host.readBytes(rest, MAX_BYTES)) };
        case 'list':
          return { is: 'names', names: host.list(rest) };
        case 'entries':
          return { is: 'entries', entries: host.entries(rest) };
        case 'link':
          return { is: 'link', target: host.readLink(rest) };
        case 'exists':
          return { is: 'exists', there: host.exists(rest) };
        default:
          return { is: 'blocks', blocks: host.fileSystem(rest) };
      }
    });
  });
  const through: Machine = {
    ...files,
    async run(program, args) {
      const key = `run ${[program, ...args].join(' ')}`;
      const ended = await Promise.allSettled([host.run(program, args)]);
      keep(key, () => {
        if (ended[0].status === 'rejected') throw ended[0].reason;
        return { is: 'text', text: ended[0].value };
      });
      return files.run(program, args);
    },
  };
  return { host: through, recording };
}

/** A change to one recorded read. */
export interface Change {
  /** Which read, as a share of all. */
  readonly where: number;
  readonly edits: readonly Edit[];
  /** The reason why it can't be read. */
  readonly failure: SourceErrorCode | undefined;
}

/**
 * Creates the recorded machine with the changes made.
 *
 * @param texts texts of other machines, from which edits take lines
 */
export function replay(recording: Recording, changes: readonly Change[], texts: readonly string[]): Machine {
  const changed = new Map(recording);
  /** New names in a folder, and the names whose files they have. */
  const aliases: [from: string, to: string][] = [];
  const keys = [...recording.keys()];
  for (const { where, edits, failure } of changes) {
    const key = keys[Math.floor(where * keys.length)];
    const seen = key === undefined ? undefined : changed.get(key);
    if (key === undefined || !seen) continue;
    if (failure) changed.set(key, { is: 'error', code: failure, message: `${key}: ${failure}` });
    else changed.set(key, change(key, seen, edits, texts, aliases));
  }
  return machine((key) => {
    const seen = changed.get(key) ?? changed.get(aliases.reduce((name, [from, to]) => name.replace(from, to), key));
    if (seen) return seen;
    if (key.startsWith('list ')) return { is: 'names', names: [] };
    if (key.startsWith('entries ')) return { is: 'entries', entries: new Map() };
    if (key.startsWith('link ')) return { is: 'link', target: undefined };
    const held = changed.get(`file ${key.slice('exists '.length)}`);
    if (key.startsWith('exists ')) return { is: 'exists', there: held !== undefined && held.is !== 'error' };
    return { is: 'error', code: 'not-found', message: `${key}: does not exist` };
  });
}

/** Creates the recorded machine with other content for one file or program. */
export function withContent(recording: Recording, key: string, content: Buffer): Machine {
  const seen: Seen = key.startsWith('run ') ? { is: 'text', text: content.toString() } : { is: 'bytes', bytes: content };
  return replay(new Map([...recording, [key, seen]]), [], []);
}

function change(key: string, seen: Seen, edits: readonly Edit[], texts: readonly string[], aliases: [string, string][]): Seen {
  switch (seen.is) {
    case 'bytes': {
      // Content that isn't text is edited byte by byte.
      const coding = seen.bytes.includes(0) || Buffer.from(seen.bytes.toString()).length !== seen.bytes.length ? 'latin1' : 'utf8';
      return { is: 'bytes', bytes: Buffer.from(applyEdits(seen.bytes.toString(coding), edits, texts), coding) };
    }
    case 'text':
      return { is: 'text', text: applyEdits(seen.text, edits, texts) };
    case 'names': {
      const names = changeNames(key, seen.names, edits, aliases);
      return { is: 'names', names };
    }
    case 'entries': {
      const kinds: readonly EntryKind[] = ['file', 'folder', 'link', 'other'];
      const names = changeNames(key, [...seen.entries.keys()], edits, aliases);
      const kind = (name: string) => seen.entries.get(name) ?? kinds[Math.floor((edits[0]?.to ?? 0) * kinds.length)] ?? 'file';
      return { is: 'entries', entries: new Map(names.map((name) => [name, kind(name)])) };
    }
    case 'link':
      return { is: 'link', target: applyEdits(seen.target ?? '', edits, texts).replaceAll('\0', '') };
    case 'exists':
      return { is: 'exists', there: !seen.there };
    case 'blocks': {
      const names = Object.keys(seen.blocks) as (keyof StatsFs)[];
      const odd = [0, 1, 2 ** 31, 2 ** 53, 2 ** 64];
      const other = Object.fromEntries(edits.map(({ at, to }) => [names[Math.floor(at * names.length)], odd[Math.floor(to * odd.length)]]));
      return { is: 'blocks', blocks: { ...seen.blocks, ...other } };
    }
    case 'error':
      return { is: 'bytes', bytes: Buffer.from(edits[0]?.nasty ?? '') };
  }
}

/** Changes names of a folder. Linux allows every character but `/` and NUL. */
function changeNames(key: string, names: readonly string[], edits: readonly Edit[], aliases: [string, string][]): string[] {
  const folder = key.slice(key.indexOf(' ') + 1);
  const all = [...names];
  for (const { kind, at, nasty } of edits) {
    const index = Math.floor(at * all.length);
    if (kind === 'delete-line') all.splice(index, 1);
    const name = nasty.replaceAll(/[/\0]/g, '').slice(0, 255);
    if (name === '' || name === '.' || name === '..' || all.includes(name)) continue;
    aliases.push([`${folder}/${name}`, `${folder}/${all[index] ?? ''}`]);
    all.push(name);
  }
  return all;
}

/** Creates a machine that looks up each read by its key, with the limits of the real one. */
function machine(look: (key: string) => Seen): Machine {
  function see<Is extends Seen['is']>(key: string, is: Is): Extract<Seen, { is: Is }> {
    const seen = look(key);
    if (seen.is === 'error') throw new SourceError(seen.code, seen.message);
    if (seen.is !== is) throw new SourceError('unreadable', `${key}: is something else`);
    return seen as Extract<Seen, { is: Is }>;
  }
  function bytes(path: string, limit = 4 << 20): Buffer {
    const held = see(`file ${path}`, 'bytes').bytes;
    if (held.length > limit) throw new SourceError('too-large', `${path}: has more than ${limit} bytes`);
    return held;
  }
  const host: Machine = {
    readText: (path, limit) => bytes(path, limit).toString('utf8'),
    readTextIfThere(path, limit) {
      try {
        return bytes(path, limit).toString('utf8');
      } catch (error) {
        if (error instanceof SourceError && error.code === 'not-found') return undefined;
        throw error;
      }
    },
    readBytes: bytes,
    readInPieces(path, limit, read) {
      const held = bytes(path, limit);
      return read(held.length, [held.subarray(0, held.length >> 1), held.subarray(held.length >> 1)]);
    },
    list: (path) => [...see(`list ${path}`, 'names').names],
    exists: (path) => see(`exists ${path}`, 'exists').there,
    entries: (path) => new Map(see(`entries ${path}`, 'entries').entries),
    readLink: (path) => see(`link ${path}`, 'link').target,
    fingerprint: () => ({ words: '', changedMs: 0 }),
    readTail(path, most) {
      const held = see(`file ${path}`, 'bytes').bytes;
      return { bytes: most === 0 ? Buffer.alloc(0) : held.subarray(-most), cut: held.length > most };
    },
    fileSystem: (path) => see(`blocks ${path}`, 'blocks').blocks,
    run: async (program, args) => see(`run ${[program, ...args].join(' ')}`, 'text').text,
    follow: () => {
      throw new Error('no collector follows a program');
    },
  };
  return host;
}
