/** The servers that are measured, and the end of all that was started. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ask } from './ask.js';

const { scripts } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { scripts: { start: string } };

const START_MS = 20_000;
const STOP_MS = 5_000;

export const KEY = 'a-key-for-measuring-and-no-more-0';

export interface Server {
  readonly url: string;
  readonly pid: number;
  readonly process: ChildProcess;
  /** When it was started, by `performance.now()`. */
  readonly startedMs: number;
  /** What it has written to standard error. */
  errors(): string;
  stop(): Promise<void>;
}

/** What the bare server sends, and to whom. */
export interface BareAnswer {
  readonly key: string;
  /** Flat. */
  readonly headers: string[];
  /** Base64. */
  readonly body: string;
}

/** Where a process runs: of two cores the server has the one and the load the other, where that can be arranged. */
export type Core = 'server' | 'load' | 'any';

const cores = { server: '0', load: '1' };
export const canPin = availableParallelism() > 1 && spawnSync('taskset', ['--version']).status === 0;

const groups = new Set<number>();
const folders = new Set<string>();

/** A folder that is removed in the end. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'apsnap-bench-'));
  folders.add(folder);
  return folder;
}

/** Ends every process that was started here, with the programs it started, and removes the folders. */
export function endAll(): void {
  for (const group of groups) killGroup(group);
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}

function killGroup(group: number): void {
  try {
    process.kill(-group, 'SIGKILL');
  } catch {
    // It has ended, and all of it.
  }
  groups.delete(group);
}

/** The path of a program of ours, built. */
export function built(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}

/** Starts Node, in a process group of its own. */
export function startNode(args: readonly string[], core: Core, env: NodeJS.Dict<string> = {}): ChildProcess {
  const pinned = canPin && core !== 'any';
  const [program, ...first] = pinned ? ['taskset', '-c', cores[core], process.execPath] : [process.execPath];
  const child = spawn(program as string, [...first, ...args], {
    detached: true,
    env: { PATH: process.env.PATH, ...env },
    stdio: 'pipe',
  });
  if (child.pid) groups.add(child.pid);
  return child;
}

export interface OursOptions {
  /** Flags besides where it listens. */
  readonly args?: readonly string[];
  /** A folder of programs, before those of this machine. */
  readonly path?: string;
  /** Further flags of Node itself. */
  readonly nodeArgs?: readonly string[];
  readonly core?: Core;
}

/** Flags of Node that `npm start` gives. */
const NODE_FLAGS = /\bnode (.*)dist\/src\/main\.js/.exec(scripts.start)?.[1]?.split(' ').filter(Boolean) ?? [];

/** Starts the built service, as `npm start` does. */
export async function startOurs({ args = [], path, nodeArgs = [], core = 'any' }: OursOptions): Promise<Server> {
  const dotenv = join(temporaryFolder(), '.env');
  writeFileSync(dotenv, `RASPAP_API_KEY=${KEY}\n`);
  const where = ['--host', '127.0.0.1', '--port', '0', '--dotenv', dotenv];
  const startedMs = performance.now();
  const child = startNode(
    [...NODE_FLAGS, ...nodeArgs, built('../src/main.js'), ...where, ...args],
    core,
    path ? { PATH: `${path}:${process.env.PATH}` } : {},
  );
  return whenListening(child, startedMs);
}

/** Starts the bare server, which sends what ours sends for a path now. */
export async function startBare(ours: Server, path: string, core: Core): Promise<Server> {
  const { headers, body } = await ask(`${ours.url}${path}`, KEY);
  const startedMs = performance.now();
  const child = startNode([built('bare.js')], core);
  const answer: BareAnswer = { key: KEY, headers, body: body.toString('base64') };
  child.stdin?.end(JSON.stringify(answer));
  return whenListening(child, startedMs);
}

/** Starts what writes so many bytes to each connection every second, and nothing else. */
export function startTelling(bytes: number, core: Core): Promise<Server> {
  return whenListening(startNode([built('tell.js'), String(bytes)], core), performance.now());
}

async function whenListening(child: ChildProcess, startedMs: number): Promise<Server> {
  let output = '';
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    errors += chunk;
  });
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      output = (output + chunk).slice(-10_000);
      const address = /\bhttps?:\/\/127\.0\.0\.1:\d+/.exec(output);
      if (address) resolve(address[0]);
    });
    child.once('error', reject);
    child.once('exit', (code, signal) => reject(new Error(`a server ended (${signal ?? code}) before it listened: ${output}${errors}`)));
    setTimeout(() => reject(new Error(`a server does not listen after ${START_MS} ms: ${output}${errors}`)), START_MS).unref();
  });
  const pid = child.pid as number;
  return {
    url,
    pid,
    process: child,
    startedMs,
    errors: () => errors,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        const exited = once(child, 'exit');
        child.kill('SIGTERM');
        const deadline = setTimeout(() => killGroup(pid), STOP_MS);
        await exited;
        clearTimeout(deadline);
      }
      killGroup(pid);
    },
  };
}
