/** Folders of configuration files with a symbolic link to the active one, as RaspAP keeps those of VPNs. */
import { Absent, orUndefined, SourceError } from '../../errors.js';
import type { EntryKind } from '../../machine/files.js';
import type { Machine } from '../../machine/machine.js';
import { array, type Infer, nullable, object, secret, string } from '../../model/schema.js';

/** Maximum size of a file. One with its certificates inside has about 10 KB. */
const MAX_FILE_BYTES = 256 << 10;
/** Maximum size of all files together. */
const MAX_BYTES = 8 << 20;
/** Maximum entries, with those of all folders below. Providers ship thousands. */
const MAX_ENTRIES = 10_000;
/** Maximum configurations. Each becomes a page of the document, kept in memory. */
const MAX_CONFIGS = 1_000;

const content = object({
  config: string('File name of the configuration.'),
  lines: secret(array(string('Line of the file.'), 'Lines of the configuration. `null` if it cannot be read.')),
  problem: nullable(string('Reason why the configuration cannot be read. `null` if it can.')),
});

export const contentsView = array(content, 'Content of each configuration.');
export type Contents = Infer<typeof contentsView>;

export interface ConfigFolder {
  /** Number of regular files in the folder and below, as `find -type f` counts them. */
  readonly fileCount: number;
  /** Names of files and of links to files, as `ls` lists them in the C locale: names that start with a dot are left out. */
  readonly names: readonly string[];
  /** Returns the name of the file that a symbolic link points to, whether it exists or not; "" if it isn't a link. @throws {SourceError} if it can't be read */
  target(link: string): string;
}

/**
 * Reads which configurations a folder contains.
 *
 * @param folder absolute path
 * @throws {SourceError} if the folder can't be listed or has too many entries
 * @throws {Absent} if the folder doesn't exist
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
      // A folder that may be listed but not entered shows its links, but not their targets.
      if (target === undefined) throw new SourceError('permission', `${folder}/${link}: cannot read the target of the link`);
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

/** Tells whether a link leads to a file. A target that may not be opened exists, and mostly isn't a folder. */
function leadsToFile(machine: Machine, path: string): boolean {
  try {
    machine.readTail(path, 0);
    return true;
  } catch (error) {
    if (error instanceof SourceError) return error.code !== 'not-found' && error.code !== 'not-a-file';
    throw error;
  }
}

/** Counts regular files. @throws {SourceError} if there are too many entries */
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

/** Lists a folder, and like `find` treats one that may not be listed as empty. */
function entriesIfListed(machine: Machine, folder: string): ReadonlyMap<string, EntryKind> {
  return orUndefined(() => machine.entries(folder)) ?? new Map();
}

/**
 * Reads configurations of a folder. A file that can't be read doesn't hide the others.
 *
 * @param exposeSecrets if false, no file is read
 * @throws {SourceError} if there are too many
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

/** Splits a text file into lines, whatever ends them: configurations come from machines of all kinds. */
export function textLines(text: string): string[] {
  const lines = text.split(/\r\n|\r|\n/);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}
