import type { Machine } from '../machine/machine.js';

/** Called before each use of a machine. */
export interface Observer {
  /** A file or folder is read, or its existence checked. */
  path(path: string): void;
  /** A symbolic link was read. @param target undefined: the path isn't a link */
  link(path: string, target: string | undefined): void;
  /** Something else is used: the command line of a program, or `statfs /`. */
  other?(use: string): void;
}

/** Returns a machine that reports to an observer what is read of it. */
export function observedMachine(machine: Machine, observer: Observer): Machine {
  const observed =
    <Rest extends unknown[], Result>(read: (path: string, ...rest: Rest) => Result) =>
    (path: string, ...rest: Rest): Result => {
      observer.path(path);
      return read(path, ...rest);
    };
  return {
    ...machine,
    readText: observed(machine.readText),
    readTextIfThere: observed(machine.readTextIfThere),
    readBytes: observed(machine.readBytes),
    readTail: observed(machine.readTail),
    readInPieces(path, limit, read) {
      observer.path(path);
      return machine.readInPieces(path, limit, read);
    },
    readLink(path) {
      const target = machine.readLink(path);
      observer.link(path, target);
      return target;
    },
    list: observed(machine.list),
    entries: observed(machine.entries),
    exists: observed(machine.exists),
    fileSystem(path) {
      observer.other?.(`statfs ${path}`);
      return machine.fileSystem(path);
    },
    run(program, args) {
      observer.other?.([program, ...args].join(' '));
      return machine.run(program, args);
    },
  };
}
