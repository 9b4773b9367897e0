/** Replaces what a collector reads of a fixture by something wrong. */
import type { AnyCollector } from '../../src/collectors/index.js';
import { Absent, SourceError } from '../../src/errors.js';
import type { Machine } from '../../src/machine/machine.js';
import { record } from '../fuzz/replay.js';
import { exposesSecrets, type Fixture, machineOf } from './fixture.js';
import { createMemoryMachine, type MemoryEntry } from './memory-machine.js';
import { firstSample } from './sample.js';

/** Bytes that look random and are the same each time, with line feeds and zeros. */
export const BINARY = Buffer.from(Array.from({ length: 5_000 }, (_, index) => Math.imul(index + 1, 0x9e3779b1) >>> 24));

const file = (bytes: Buffer): MemoryEntry => ({ kind: 'file', bytes, unreadable: false });

/** Entries in place of a file, by what is wrong with them. Undefined removes the file. */
const fileFaults: Readonly<Record<string, (good: Buffer) => MemoryEntry | undefined>> = {
  missing: () => undefined,
  'a FIFO': () => ({ kind: 'fifo' }),
  'a folder': () => ({ kind: 'folder', unreadable: false }),
  unreadable: (good) => ({ kind: 'file', bytes: good, unreadable: true }),
  'an input error': () => ({ kind: 'failing', code: 'EIO' }),
  binary: () => file(BINARY),
  half: (good) => file(good.subarray(0, good.length >> 1)),
  empty: () => file(Buffer.alloc(0)),
};

const programFaults: Readonly<Record<string, (good: Buffer) => MemoryEntry | undefined>> = {
  binary: () => file(BINARY),
  'three characters': (good) => file(good.subarray(0, 3)),
  'another form': () => file(Buffer.from('{"of": "something else"}\n')),
};

/**
 * Lists the files and programs that a collector reads of a fixture: `/proc/loadavg`, `cmd/iw dev`. Of many files that differ only in a
 * number or an interface, it lists the first.
 */
export async function faultSites(collector: AnyCollector, fixture: Fixture): Promise<string[]> {
  const { host, recording } = record(machineOf(fixture));
  try {
    await collector.read(host, { ...firstSample, thorough: true, exposeSecrets: exposesSecrets(fixture) });
  } catch (error) {
    if (!(error instanceof SourceError || error instanceof Absent)) throw error;
  }
  const kinds = new Map<string, string>();
  for (const [key, seen] of [...recording].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const kind = key.replaceAll(/\/(?:wlan|eth|uap|br|docker|veth|wg|tun|lo)\d*(?=\/|$)/g, '/IFACE').replaceAll(/\d+/g, '0');
    const site = seen.is === 'bytes' ? key.slice('file '.length) : seen.is === 'text' ? `cmd/${key.slice('run '.length)}` : undefined;
    if (site !== undefined && !kinds.has(kind)) kinds.set(kind, site);
  }
  return [...kinds.values()];
}

/** Creates the fixture's machine with each fault at a site in turn. */
export function createFaultyMachines({ archive }: Fixture, site: string): [fault: string, machine: Machine][] {
  const path = locate(archive.entries, site.replace(/^\//, ''));
  const entry = archive.entries.get(path);
  const good = entry?.kind === 'file' ? entry.bytes : Buffer.alloc(0);
  const isProgram = site.startsWith('cmd/');
  const machines = Object.entries(isProgram ? programFaults : fileFaults).map(([fault, make]): [string, Machine] => {
    const entries = new Map<string, MemoryEntry>(archive.entries);
    const instead = make(good);
    entries.delete(path);
    if (instead !== undefined) entries.set(path, instead);
    return [fault, createMemoryMachine(entries)];
  });
  if (!isProgram) return machines;
  const program = path.slice('cmd/'.length).split(' ', 1)[0];
  const others = [...archive.entries].filter(([name]) => name !== `cmd/${program}` && !name.startsWith(`cmd/${program} `));
  const failing = new Map<string, MemoryEntry>([...archive.entries, [`${path}.status`, '1\n'], [`${path}.stderr`, 'nl80211 not found.\n']]);
  return [['not installed', createMemoryMachine(others)], ['exit status 1', createMemoryMachine(failing)], ...machines];
}

/** Resolves links on the way to a path. */
function locate(entries: Fixture['archive']['entries'], path: string): string {
  for (const [name, entry] of entries) {
    if (entry.kind !== 'link' || (path !== name && !path.startsWith(`${name}/`))) continue;
    const base = entry.target.startsWith('/') ? [] : name.split('/').slice(0, -1);
    const parts = [...base];
    for (const part of `${entry.target}${path.slice(name.length)}`.split('/')) {
      if (part === '..') parts.pop();
      else if (part !== '' && part !== '.') parts.push(part);
    }
    return locate(entries, parts.join('/'));
  }
  return path;
}
