import { SourceError } from '../errors.js';

/**
 * Rejects text that can't be a configuration file.
 *
 * @param file its path
 * @throws {SourceError} if it contains NUL bytes
 */
export function rejectBinary(text: string, file: string): void {
  if (text.includes('\0')) throw new SourceError('malformed', `${file}: has NUL bytes, expected a configuration file`);
}
