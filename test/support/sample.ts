/** Samples a collector of a machine made for one test. */
import { type AnyCollector, type CollectorName, collectorByName } from '../../src/collectors/index.js';
import type { Machine } from '../../src/machine/machine.js';
import type { Sample, Sampling } from '../../src/model/collector.js';
import { createMemoryMachine, type MemoryEntry } from './memory-machine.js';

/** The first sample of a service. */
export const firstSample: Sampling<never> = {
  carried: undefined,
  monotonicMs: 0,
  nowMs: 0,
  thorough: false,
  ipMonitor: undefined,
  exposeSecrets: false,
  maxStationMetrics: 1_000,
};

/** A machine of these entries, by path. */
export function machineWith(entries: Readonly<Record<string, MemoryEntry>>): Machine {
  return createMemoryMachine(Object.entries(entries));
}

/** Returns the value of a collector that runs no program. @throws {SourceError} like the collector */
export function sampleValue<Value = unknown>(name: CollectorName, machine: Machine, exposeSecrets = false): Value {
  const collector = collectorByName(name) as AnyCollector;
  const sample = collector.read(machine, { ...firstSample, thorough: true, exposeSecrets, maxStationMetrics: 0 });
  return (sample as Sample<unknown, unknown>).value as Value;
}

/** A file that only root may read. */
export function unreadable(text: string): MemoryEntry {
  return { kind: 'file', bytes: Buffer.from(text), unreadable: true };
}

export const fifo: MemoryEntry = { kind: 'fifo' };
export const closedFolder: MemoryEntry = { kind: 'folder', unreadable: true };

export function link(target: string): MemoryEntry {
  return { kind: 'link', target };
}

/** A file that can be opened, but whose content the kernel refuses with this error. */
export function failing(code: string): MemoryEntry {
  return { kind: 'failing', code };
}
