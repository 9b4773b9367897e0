/** What is measured: apsnap as users run it, with one Node. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from '../scripts/bundle.js';
import type { NodeProgram } from './nodes.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** The compiled tree needs a newer Node than the bundle. */
const TREE_NODE = [20, 15] as const;

/** A program, and the flags and variables that Node gets for it. */
export interface Program {
  readonly main: string;
  readonly flags: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export interface Subject {
  /** Words that start Node: its path, or a wrapper with arguments. */
  readonly node: readonly string[];
  /** Version without "v". */
  readonly version: string;
  /** The bundle of the Debian package, started as its systemd unit does. */
  readonly bundle: Program;
  /** The compiled tree that `npm start` runs. Undefined if this Node is too old for it. */
  readonly tree: Program | undefined;
}

/** Bundles apsnap into a folder and reads how it is started. */
export async function createSubject({ words }: NodeProgram, folder: string): Promise<Subject> {
  await bundle(folder);
  const version = versionOf(words);
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: { start: string } };
  const unit = readFileSync(join(ROOT, 'systemd/apsnap.service'), 'utf8');
  const startedAs = (text: string) => ({ flags: nodeFlags(text), env: mallocSettings(text) });
  const tree = { main: join(ROOT, 'dist/src/main.js'), ...startedAs(scripts.start) };
  return {
    node: words,
    version,
    bundle: { main: join(folder, 'dist/src/main.js'), ...startedAs(unit) },
    tree: isAtLeast(version, TREE_NODE) ? tree : undefined,
  };
}

/** Returns the flags before main.js in a command that starts Node. */
export function nodeFlags(text: string): string[] {
  const command = /^ExecStart=.*$/m.exec(text)?.[0] ?? text;
  const words = command.split(/\s+/);
  return words
    .slice(
      0,
      words.findIndex((word) => word.endsWith('main.js')),
    )
    .filter((word) => word.startsWith('-'));
}

/** Returns the variables for malloc in a command, or in a unit. */
export function mallocSettings(text: string): Record<string, string> {
  return Object.fromEntries([...text.matchAll(/\b(MALLOC_\w+)=(\S+)/g)].map(([, name = '', value = '']) => [name, value]));
}

export function isAtLeast(version: string, [major, minor]: readonly [number, number]): boolean {
  const [ownMajor = 0, ownMinor = 0] = version.split('.').map(Number);
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}

/** @throws {Error} if the program isn't a Node that starts */
function versionOf([program = '', ...args]: readonly string[]): string {
  const version = execFileSync(program, [...args, '--version'], { encoding: 'utf8' }).trim();
  if (!/^v\d+\.\d+\.\d+$/.test(version)) throw new Error(`${program} --version: expected a version of Node, got ${version}`);
  return version.slice(1);
}
