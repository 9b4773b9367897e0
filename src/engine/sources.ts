/** Sources of a sample: the paths that it read and the programs that it ran, as `doctor` shows them. */
import type { Machine } from '../machine/machine.js';
import { observedMachine } from './observed-machine.js';

export interface RecordedSources {
  /** A machine that records what is read of it. */
  readonly machine: Machine;
  /** Paths, and command lines of programs, in the order of their first use. */
  readonly sources: ReadonlySet<string>;
}

export function recordSources(machine: Machine): RecordedSources {
  const sources = new Set<string>();
  const add = (source: string) => void sources.add(source);
  return { sources, machine: observedMachine(machine, { path: add, link: add, other: add }) };
}

/** Maximum paths that differ in one part only. More are joined to one with `*` in its place. */
const MAX_ALIKE = 4;

/** Joins paths that differ in one part only: `/proc/*\/comm`. Command lines stay as they are. */
export function joinSources(sources: Iterable<string>): string[] {
  const all = [...sources];
  const depth = Math.max(0, ...all.map((source) => source.split('/').length));
  let joined = all;
  for (let part = depth - 1; part > 0; part--) joined = joinPart(joined, part);
  return joined;
}

function joinPart(sources: readonly string[], part: number): string[] {
  const pattern = (source: string) => {
    const parts = source.split('/');
    return source.startsWith('/') && part < parts.length && part > 1 ? parts.with(part, '*').join('/') : source;
  };
  const amounts = new Map<string, number>();
  for (const source of sources) amounts.set(pattern(source), (amounts.get(pattern(source)) ?? 0) + 1);
  return [...new Set(sources.map((source) => ((amounts.get(pattern(source)) ?? 0) > MAX_ALIKE ? pattern(source) : source)))];
}
