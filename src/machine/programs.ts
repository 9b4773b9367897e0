/** The programs of the machine. */
import { type FollowHandlers, type Following, followProgram } from './follow-program.js';
import { runProgram } from './run-program.js';
import { createStarter } from './start-program.js';

export interface Programs {
  /**
   * Runs a program to its end and returns its standard output. While a killed program is stuck in the kernel, the same command
   * line isn't started again: stuck processes don't add up. The time limit is that of the calling thread: if it is terminated meanwhile,
   * the program runs on, and remains a zombie when it ends.
   *
   * @throws {SourceError} `program-missing`, `program-failed` (with the first line that it printed), `timeout`, `too-large`
   */
  run(program: string, args: readonly string[]): Promise<string>;
  /** Starts a program and calls back with each line that it prints, until it ends or is stopped. */
  follow(program: string, args: readonly string[], handlers: FollowHandlers): Following;
}

/** @param searchPath a PATH */
export function createPrograms(searchPath: string): Programs {
  const starter = createStarter(searchPath);
  const stuck = new Set<string>();
  return {
    run: (program, args) => runProgram(starter, [program, ...args], stuck),
    follow: (program, args, handlers) => followProgram(starter, [program, ...args], handlers),
  };
}
