/** Starts programs that are found on PATH: without a shell, in the C locale, and without the service's variables. */
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { SourceError } from '../errors.js';
import { OWN_GROUP } from './processes.js';
import { sourceError } from './system-errors.js';

export interface Starter {
  /**
   * Starts a program as the leader of its own group.
   *
   * @throws {SourceError} if it can't be started. If that shows later, the child emits an error
   */
  start(command: readonly string[], errorOutput: 'pipe' | 'ignore'): ChildProcess;
  /** Describes an error that the child has emitted. */
  startError(command: readonly string[], error: NodeJS.ErrnoException): SourceError;
}

/** @param searchPath a PATH */
export function createStarter(searchPath: string): Starter {
  // One of the service's variables may be the key. The output is parsed, so it must be in the C locale.
  const env = { PATH: searchPath, LC_ALL: 'C' };

  function startError(command: readonly string[], error: NodeJS.ErrnoException): SourceError {
    try {
      // If the program was removed since it was found, it is missing and has not failed.
      if (error.code === 'ENOENT') find(searchPath, command[0] ?? '');
    } catch (missing) {
      return missing as SourceError;
    }
    return new SourceError('program-failed', `${command.join(' ')}: cannot be started: ${error.code ?? error.message}`);
  }

  return {
    start(command, errorOutput) {
      const [program = '', ...args] = command;
      const file = find(searchPath, program);
      try {
        return spawn(file, args, { env, shell: false, ...OWN_GROUP, stdio: ['ignore', 'pipe', errorOutput] });
      } catch (error) {
        throw startError(command, error as NodeJS.ErrnoException);
      }
    },
    startError,
  };
}

/** Finds the file of a program. A fork only to learn that `iw` is not installed would cost a millisecond each time. */
function find(searchPath: string, program: string): string {
  let found: SourceError | undefined;
  for (const folder of searchPath.split(':')) {
    const file = `${folder || '.'}/${program}`;
    if (!existsSync(file)) continue;
    try {
      accessSync(file, constants.X_OK);
      if (statSync(file).isFile()) return file;
      found ??= new SourceError('not-a-file', `${file}: is not a program`);
    } catch (error) {
      found ??= sourceError(file, error);
    }
  }
  throw found ?? new SourceError('program-missing', `${program}: no such program on PATH`);
}
