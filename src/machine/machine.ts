/** The machine that is sampled. Collectors read files and start programs through it, and nowhere else. */
import { createFiles, type Files } from './files.js';
import { createPrograms, type Programs } from './programs.js';

export interface MachineOptions {
  /** Every file that is read lies below this folder; absolute symbolic links are taken relative to it. */
  readonly rootfs: string;
  /** A PATH, on which programs are found. */
  readonly path: string;
}

export interface Machine extends Files, Programs {}

export function createMachine({ rootfs, path }: MachineOptions): Machine {
  return { ...createFiles(rootfs), ...createPrograms(path) };
}
