/** Reads files that an administrator names, on the main thread. */
import { readFileSync, type Stats } from 'node:fs';
import { openRegularFile } from '../machine/files.js';

/** Maximum size of a file. Larger ones are an error. */
const MAX_FILE_BYTES = 1 << 20;

/**
 * Reads a small regular file.
 *
 * @param flags further flags of open(2)
 * @throws {Error} if it can't be opened, isn't a regular file, or is too large
 */
export function readRegularFile(file: string, flags = 0): { readonly text: string; readonly stat: Stats } {
  return openRegularFile(file, flags, (descriptor, stat) => {
    if (stat.size > MAX_FILE_BYTES) throw new Error(`more than ${MAX_FILE_BYTES} bytes`);
    return { text: readFileSync(descriptor, 'utf8'), stat };
  });
}
