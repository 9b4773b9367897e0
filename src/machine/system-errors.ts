/** Turns Node's system errors into errors of a source. */
import { SourceError, type SourceErrorCode } from '../errors.js';

const CODES: Readonly<Record<string, SourceErrorCode>> = {
  ENOENT: 'not-found',
  ENOTDIR: 'not-found',
  ESRCH: 'not-found', // the process of a /proc file ended
  ENXIO: 'not-a-file', // a FIFO without a writer, or a socket
  EACCES: 'permission',
  EPERM: 'permission',
  EISDIR: 'not-a-file',
  ELOOP: 'not-found',
};

const REASONS: Partial<Record<SourceErrorCode, string>> = {
  'not-found': 'does not exist',
  permission: 'permission denied',
  'not-a-file': 'is not a regular file',
};

/** A folder, FIFO, socket or device lies in place of a file. */
export class NotRegularError extends Error {
  override readonly name = 'NotRegularError';
  constructor() {
    super('not a regular file');
  }
}

/**
 * Converts an error of `node:fs`: `/sys/…/temp: permission denied`.
 *
 * @param path named in the message
 */
export function sourceError(path: string, error: unknown): SourceError {
  if (error instanceof SourceError) return error;
  const { code = 'error', message = String(error) } = error as NodeJS.ErrnoException;
  const ours = error instanceof NotRegularError ? 'not-a-file' : (CODES[code] ?? 'unreadable');
  return new SourceError(ours, `${path}: ${REASONS[ours] ?? `cannot be read: ${code.startsWith('E') ? code : message}`}`);
}
