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
    if (++links > MAX_LINKS) throw new SourceError('not-found', `${root}${path}: too many symbolic links`);
    if (target.startsWith('/')) done.length = 0;
    parts = [...target.split('/').filter(Boolean), ...parts];
  }
  return `${root}/${done.join('/')}`;
}

/** Returns the target of a symbolic link as it is written; `undefined` if the path isn't a link. */
export function readlinkIfLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined; // not a link; if it does not exist, opening it will say so
  }
}
