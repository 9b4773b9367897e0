/** Records what a sample reads, so that the next one can tell whether any of it has changed. */
import type { Machine } from '../machine/machine.js';
import { observedMachine } from './observed-machine.js';

/** Fingerprints of what was read, by path; see {@link Machine.fingerprint}. */
export interface Reads {
  readonly files: Readonly<Record<string, string>>;
  /** Targets of the links that were read; null: the path wasn't a link. */
  readonly links: Readonly<Record<string, string | null>>;
  /** False if a file had changed in the same moment: then a later change might not show. */
  readonly settled: boolean;
}

/** The kernel stamps changes with the time of its last tick, up to 10 ms ago, so two changes in one tick look like one. */
const TICK_MS = 50;

/** A machine that records which files collectors read. */
export interface RecordingMachine {
  readonly machine: Machine;
  /** Returns what was read so far. */
  reads(): Reads;
}

/** @param nowMs wall clock, Unix milliseconds */
export function recordReads(machine: Machine, nowMs: number): RecordingMachine {
  const files = new Map<string, string>();
  const links = new Map<string, string | null>();
  let settled = true;
  /** Called before the file is read, so that a change during the read shows the next time. */
  const record = (path: string) => {
    if (files.has(path)) return;
    const { words, changedMs } = machine.fingerprint(path);
    files.set(path, words);
    if (Math.abs(nowMs - changedMs) < TICK_MS) settled = false;
  };
  return {
    machine: observedMachine(machine, { path: record, link: (path, target) => links.set(path, target ?? null) }),
    reads: () => ({ files: Object.fromEntries(files), links: Object.fromEntries(links), settled }),
  };
}

/** Returns whether everything that was read is the same as then. */
export function isUnchanged(machine: Machine, { files, links, settled }: Reads): boolean {
  if (!settled) return false;
  if (Object.entries(links).some(([path, target]) => (machine.readLink(path) ?? null) !== target)) return false;
  return Object.entries(files).every(([path, words]) => machine.fingerprint(path).words === words);
}
