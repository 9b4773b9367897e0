/**
 * Files that somebody writes, watched: a collector that reads them samples when one has changed, and need not wait for its
 * schedule. Folders are watched, not files, for editors and RaspAP replace files by renaming others.
 */
import { posix } from 'node:path';
import { SourceError } from '../errors.js';
import type { Following, Machine } from '../machine/machine.js';

/** A folder that came, went or was replaced without an event of its own is noticed after this long. */
const LOOK_AGAIN_MS = 30_000;
/** Many write a file in steps: it is read when nothing has happened for so long, */
const QUIET_MS = 100;
/** but not later than this after the first step. */
const PATIENCE_MS = 400;

/** A file that is a link is followed to another, from there perhaps to the next; no more than this. */
const MOST_HOPS = 8;
/** Files outside the folders that are watched anyway, to which links lead. */
const MOST_LINKED = 64;

/** Who wants to know of which files. */
export interface Watched<Name> {
  readonly name: Name;
  /** Absolute paths, the last part of which may have a `*`. */
  readonly patterns: readonly string[];
}

/**
 * @param onChange called with those whose files have changed, once for many changes at about the same time
 * @param onTrouble takes one line if a folder cannot be watched
 */
export function followFiles<Name>(
  machine: Machine,
  watched: readonly Watched<Name>[],
  onChange: (names: Name[]) => void,
  onTrouble: (line: string) => void,
): Following {
  const changed = createGatherer((names: Name[]) => {
    followLinks();
    onChange(names);
  });
  const folders = new Map<string, { readonly name: Name; readonly pattern: string }[]>();
  for (const { name, patterns } of watched) {
    for (const path of patterns) {
      const [folder, pattern] = split(path);
      folders.set(folder, [...(folders.get(folder) ?? []), { name, pattern }]);
    }
  }
  const told = new Set<string>();
  const tell = (reason: SourceError) => {
    // Where the kernel has no watch left for one folder, it has none for the others.
    const [what, where] = reason.code === 'permission' ? [reason.message, ' there'] : ['all', ''];
    if (!told.has(what)) onTrouble(`${reason.message}: changes${where} show with the schedule only`);
    told.add(what);
  };
  const linked = new Map<string, { readonly names: readonly Name[]; readonly following: Following }>();
  const followings = [...folders].map(([folder, wants]) =>
    followFolder(
      machine,
      folder,
      (file) => {
        for (const { name, pattern } of wants) if (file === undefined || matches(pattern, file)) changed.add(name);
      },
      tell,
    ),
  );

  /** Watches what the files are links to, where that lies elsewhere: /etc/resolv.conf is one on many machines. */
  function followLinks(): void {
    const wanted = new Map<string, Set<Name>>();
    for (const [folder, wants] of folders) {
      for (const link of linksIn(machine, folder)) {
        const names = wants.filter(({ pattern }) => matches(pattern, link)).map(({ name }) => name);
        if (names.length === 0) continue;
        for (const target of targetsOf(machine, `${folder}/${link}`)) {
          if (split(target)[0] === folder || (wanted.size >= MOST_LINKED && !wanted.has(target))) continue;
          wanted.set(target, new Set([...(wanted.get(target) ?? []), ...names]));
        }
      }
    }
    for (const [target, { names, following }] of linked) {
      const now = wanted.get(target);
      if (now && now.size === names.length && names.every((name) => now.has(name))) continue;
      following.stop();
      linked.delete(target);
    }
    for (const [target, set] of wanted) if (!linked.has(target)) linked.set(target, followLinked(target, [...set]));
  }

  function followLinked(target: string, names: readonly Name[]) {
    const [folder, own] = split(target);
    const onFile = (file: string | undefined) => {
      if (file !== undefined && file !== own) return;
      for (const name of names) changed.add(name);
    };
    return { names, following: followFolder(machine, folder, onFile, tell) };
  }

  followLinks();
  return {
    stop() {
      changed.stop();
      for (const { following } of linked.values()) following.stop();
      for (const following of followings) following.stop();
    },
  };
}

/** Names in a folder that are links; none where it may not be read. */
function linksIn(machine: Machine, folder: string): string[] {
  try {
    return [...machine.entries(folder)].flatMap(([name, kind]) => (kind === 'link' ? [name] : []));
  } catch (error) {
    if (error instanceof SourceError) return [];
    throw error;
  }
}

/** Where a link leads, and where that leads if it is one itself. */
function targetsOf(machine: Machine, path: string): string[] {
  const targets: string[] = [];
  let at = path;
  while (targets.length < MOST_HOPS) {
    const target = machine.readLink(at);
    if (target === undefined) break;
    at = posix.resolve(split(at)[0], target);
    targets.push(at);
  }
  return targets;
}

/**
 * Follows what happens in a folder, be it there or not: until it is, the nearest folder above it that is there is watched.
 *
 * @param onFile called with the name of what has changed; undefined: all of it may have
 */
function followFolder(
  machine: Machine,
  folder: string,
  onFile: (name: string | undefined) => void,
  onTrouble: (reason: SourceError) => void,
): Following {
  let watch: Following | undefined;
  /** The folder that is watched, and how it is known again. */
  let at = '';
  let identity = '';

  function start(): void {
    watch?.stop();
    watch = undefined;
    at = folder;
    while (at !== '/' && !machine.exists(at)) at = split(at)[0];
    identity = identityOf(machine, at);
    try {
      watch = machine.watch(at, onName, (reason) => {
        watch = undefined;
        onTrouble(reason);
      });
    } catch (error) {
      if (!(error instanceof SourceError)) throw error;
      onTrouble(error);
      return;
    }
    // It may have been made while the one above it was not watched yet.
    if (isNextThere()) start();
  }

  function onName(name: string): void {
    const [, own] = split(at);
    // What happens to a folder itself comes under its own name. Then the watch may be that of a folder that is gone, and the
    // one that has taken its place may have taken its number too.
    if (name === own) startAgain();
    else if (at !== folder) lookAgain();
    else onFile(name);
  }

  function lookAgain(): void {
    if (!watch || identityOf(machine, at) !== identity || isNextThere()) startAgain();
  }

  function startAgain(): void {
    start();
    onFile(undefined);
  }

  /** Whether the folder below the one that is watched, on the way to the one that is meant, is there now. */
  function isNextThere(): boolean {
    if (at === folder) return false;
    const above = at === '/' ? '' : at;
    const [next] = folder.slice(above.length + 1).split('/', 1);
    return machine.exists(`${above}/${next}`);
  }

  start();
  const timer = setInterval(lookAgain, LOOK_AGAIN_MS);
  timer.unref();
  return {
    stop() {
      clearInterval(timer);
      watch?.stop();
    },
  };
}

/** Device and number of a folder: another one at the same path has others. */
function identityOf(machine: Machine, folder: string): string {
  return machine.fingerprint(folder).words.split(' ', 2).join(' ');
}

/** Collects what is added until nothing has been for a while. */
function createGatherer<Name>(give: (names: Name[]) => void): { add(name: Name): void; stop(): void } {
  let names = new Set<Name>();
  let timer: NodeJS.Timeout | undefined;
  let sinceMs = 0;

  function flush(): void {
    const given = [...names];
    names = new Set();
    timer = undefined;
    give(given);
  }

  return {
    add(name) {
      const nowMs = performance.now();
      if (names.size === 0) sinceMs = nowMs;
      names.add(name);
      clearTimeout(timer);
      timer = setTimeout(flush, Math.min(QUIET_MS, Math.max(0, sinceMs + PATIENCE_MS - nowMs)));
    },
    stop: () => clearTimeout(timer),
  };
}

/** A path as its folder and its last part. */
function split(path: string): [folder: string, last: string] {
  const at = path.lastIndexOf('/');
  return [path.slice(0, at) || '/', path.slice(at + 1)];
}

/** Whether a name is one that a pattern with at most one `*` means. */
function matches(pattern: string, name: string): boolean {
  const [start = '', end] = pattern.split('*');
  if (end === undefined) return name === pattern;
  return name.length >= start.length + end.length && name.startsWith(start) && name.endsWith(end);
}
