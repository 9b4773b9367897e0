/** Starts the measured servers, and ends everything that was started. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ask } from './ask.js';

const START_MS = 20_000;
const STOP_MS = 5_000;

export const KEY = 'a-key-for-measuring-and-no-more-0';

export interface Server {
  readonly url: string;
  readonly pid: number;
  readonly process: ChildProcess;
  /** When it was started, by `performance.now()`. */
  readonly startedMs: number;
  /** Returns its standard error so far. */
  errors(): string;
  stop(): Promise<void>;
}

/** The response of the bare server, and the key it expects. */
export interface BareResponse {
  readonly key: string;
  /** Names and values in turn. */
  readonly headers: string[];
  /** Base64. */
  readonly body: string;
}

/** The core of a process: the server and the load get one each, if `taskset` is installed. */
export type Core = 'server' | 'load' | 'any';

const cores = { server: '0', load: '1' };
export const canPin = availableParallelism() > 1 && spawnSync('taskset', ['--version']).status === 0;

const groups = new Set<number>();
const folders = new Set<string>();

/** Creates a folder that {@link endAll} removes. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'apsnap-bench-'));
  folders.add(folder);
  return folder;
}

/** Kills every process group that was started here and removes the folders. */
export function endAll(): void {
  for (const group of groups) killGroup(group);
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}

function killGroup(group: number): void {
  try {
    process.kill(-group, 'SIGKILL');
  } catch {
    // The whole group has ended.
  }
  groups.delete(group);
}

/** Returns the path of a compiled program. */
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

export interface ApsnapOptions {
  /** Flags besides the address. */
  readonly args?: readonly string[];
  /** A folder of programs that take precedence over this machine's. */
  readonly path?: string;
  /** Further flags of Node itself. */
  readonly nodeArgs?: readonly string[];
  readonly core?: Core;
}

/** Starts apsnap, as `npm start` does. */
export async function startApsnap({ args = [], path, nodeArgs = [], core = 'any' }: ApsnapOptions): Promise<Server> {
  const dotenv = join(temporaryFolder(), '.env');
  writeFileSync(dotenv, `RASPAP_API_KEY=${KEY}\n`);
  const where = ['--host', '127.0.0.1', '--port', '0', '--dotenv', dotenv];
  const startedMs = performance.now();
  const child = startNode(
    [...nodeArgs, built('../src/main.js'), ...where, ...args],
    core,
    path ? { PATH: `${path}:${process.env.PATH}` } : {},
  );
  return whenListening(child, startedMs);
}

/** Starts the bare server with the current response of apsnap for a path. */
export async function startBare(ours: Server, path: string, core: Core): Promise<Server> {
  const { headers, body } = await ask(`${ours.url}${path}`, KEY);
  const startedMs = performance.now();
  const child = startNode([built('bare.js')], core);
  const answer: BareResponse = { key: KEY, headers, body: body.toString('base64') };
  child.stdin?.end(JSON.stringify(answer));
  return whenListening(child, startedMs);
}

/** Starts the bare server that writes `bytes` bytes to each client every second. */
export function startBareEvents(bytes: number, core: Core): Promise<Server> {
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
    setTimeout(() => reject(new Error(`a server did not listen within ${START_MS} ms: ${output}${errors}`)), START_MS).unref();
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
