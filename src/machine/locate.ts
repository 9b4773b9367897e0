/** Finds files below a root folder that isn't the root of this system. */
import { readlinkSync } from 'node:fs';
import { SourceError } from '../errors.js';

/** Maximum symbolic links on the way to a file, as in the kernel. Beyond it the file counts as missing. */
const MAX_LINKS = 40;

/**
 * Finds where a path lies, with every symbolic link on the way resolved below the root.
 *
 * @throws {SourceError} `not-found` if the links go in a circle
 */
export function locate(root: string, path: string): string {
  if (root === '') return path;
  return `${root}/${resolveLinks(path, (parts) => readlinkIfLink(`${root}/${parts.join('/')}`), `${root}${path}`).join('/')}`;
}

/**
 * Resolves every symbolic link on the way to a path.
 *
 * @param linkTarget returns the target of a symbolic link; undefined for anything else
 * @param shown the path as an error shows it
 * @returns the parts of the path
 * @throws {SourceError} `not-found` if the links go in a circle
 */
export function resolveLinks(path: string, linkTarget: (parts: readonly string[]) => string | undefined, shown = path): string[] {
  let parts = partsOf(path);
  const done: string[] = [];
  for (let links = 0; parts.length > 0; ) {
    const part = parts.shift() as string;
    if (part === '.') continue;
    if (part === '..') {
      done.pop();
      continue;
    }
    const target = linkTarget([...done, part]);
    if (target === undefined) {
      done.push(part);
      continue;
    }
    if (++links > MAX_LINKS) throw new SourceError('not-found', `${shown}: too many symbolic links`);
    if (target.startsWith('/')) done.length = 0;
    parts = [...partsOf(target), ...parts];
  }
  return done;
}

export function partsOf(path: string): string[] {
  return path.split('/').filter(Boolean);
}

/** Returns the target of a symbolic link as it is written; `undefined` if the path isn't a link. */
export function readlinkIfLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined; // not a link; if it does not exist, opening it will say so
  }
}
