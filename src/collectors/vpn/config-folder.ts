/** Folders of configuration files, one of which a symbolic link makes the active one: RaspAP keeps those of VPNs so. */
import { Absent, SourceError } from '../../errors.js';
import type { EntryKind } from '../../machine/files.js';
import type { Machine } from '../../machine/machine.js';
import { array, type Infer, nullable, object, secret, string } from '../../model/schema.js';

/** One with its certificates inside has some 10 KB. */
const MAX_FILE_BYTES = 256 << 10;
const MAX_BYTES = 8 << 20;
/** With those of all folders below; providers give away some thousands. */
const MAX_ENTRIES = 10_000;
/** Each is a page of its document, which has to be made and kept. */
const MAX_CONFIGS = 1_000;

const content = object({
  config: string('Name of the file'),
  lines: secret(array(string('A line'), 'Its text; null where it cannot be read')),
  problem: nullable(string('Why it cannot be read')),
});

/** What is in configuration files: keys, often. */
export const contentsView = array(content, 'What is in each configuration');
export type Contents = Infer<typeof contentsView>;

export interface ConfigFolder {
  /** Regular files in it and in all folders below, as `find -type f` counts them. */
  readonly fileCount: number;
  /** Names of files and of links to files, as `ls` lists them in the C locale: without those that start with a dot. */
  readonly names: readonly string[];
  /** Name of the file that a symbolic link points to, there or not; "" if it is no link. @throws SourceError */
  target(link: string): string;
}

/**
 * @param folder absolute
 * @throws SourceError it may not be listed, or has too many entries
 * @throws Absent there is no such folder
 */
export function readConfigFolder(machine: Machine, folder: string): ConfigFolder {
  const entries = list(machine, folder);
  if (entries.size === 0 && !machine.exists(folder)) throw new Absent(`no folder ${folder}`);
  const fileCount = countFiles(machine, folder, entries);
  const isListed = ([name, kind]: [string, EntryKind]) =>
    !name.startsWith('.') && (kind === 'file' || (kind === 'link' && leadsToFile(machine, `${folder}/${name}`)));
  const names = [...entries].filter(isListed).map(([name]) => name);
  return {
    fileCount,
    names: names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
    target(link) {
      if (entries.get(link) !== 'link') return '';
      const target = machine.readLink(`${folder}/${link}`);
      // A folder that may be listed but not entered says that there is a link, and not where it leads.
      if (target === undefined) throw new SourceError('permission', `${folder}/${link}: where the link leads cannot be read`);
      return target.split('/').filter(Boolean).at(-1) ?? '';
    },
  };
}

function list(machine: Machine, folder: string): Map<string, EntryKind> {
  try {
    return machine.entries(folder);
  } catch (error) {
    const isFile = error instanceof SourceError && error.code === 'not-found' && machine.exists(folder);
    throw isFile ? new SourceError('not-a-file', `${folder}: is not a folder`) : error;
  }
}

/** Opening says what it is; one that may not be opened is there, and is no folder in most cases. */
function leadsToFile(machine: Machine, path: string): boolean {
  try {
    machine.readTail(path, 0);
    return true;
  } catch (error) {
    if (error instanceof SourceError) return error.code !== 'not-found' && error.code !== 'not-a-file';
    throw error;
  }
}

/** @throws SourceError there are too many, or too much else */
function countFiles(machine: Machine, folder: string, entries: ReadonlyMap<string, EntryKind>): number {
  const folders = [folder];
  let files = 0;
  let seen = 0;
  for (const path of folders) {
    const held = path === folder ? entries : entriesIfListed(machine, path);
    seen += held.size;
    if (seen > MAX_ENTRIES) throw new SourceError('too-large', `${folder}: has more than ${MAX_ENTRIES} entries`);
    for (const [name, kind] of held) {
      if (kind === 'file') files++;
      if (kind === 'folder') folders.push(`${path}/${name}`);
    }
  }
  return files;
}

/** As `find` does, passes over a folder that may not be listed: the names beside it are known all the same. */
function entriesIfListed(machine: Machine, folder: string): ReadonlyMap<string, EntryKind> {
  try {
    return machine.entries(folder);
  } catch (error) {
    if (error instanceof SourceError) return new Map();
    throw error;
  }
}

/**
 * Texts of files in a folder. One that cannot be read is no reason to hide the others.
 *
 * @param exposeSecrets if not, none is read
 * @throws SourceError there are too many
 */
export function readContents(machine: Machine, folder: string, names: readonly string[], exposeSecrets: boolean): Contents {
  if (names.length > MAX_CONFIGS) throw new SourceError('too-large', `${folder}: has more than ${MAX_CONFIGS} configurations`);
  let leftBytes = MAX_BYTES;
  return names.map((config) => {
    const path = `${folder}/${config}`;
    if (!exposeSecrets) return { config, lines: null, problem: null };
    try {
      const bytes = machine.readBytes(path, MAX_FILE_BYTES);
      leftBytes -= bytes.length;
      if (leftBytes < 0) return { config, lines: null, problem: `${path}: the configurations have more than ${MAX_BYTES} bytes together` };
      return { config, lines: textLines(bytes.toString('utf8')), problem: null };
    } catch (error) {
      if (error instanceof SourceError) return { config, lines: null, problem: error.message };
      throw error;
    }
  });
}

/** Lines of a text file, however it ends them (configurations come from machines of all kinds); no empty one after the last end. */
export function textLines(text: string): string[] {
  const lines = text.split(/\r\n|\r|\n/);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}
