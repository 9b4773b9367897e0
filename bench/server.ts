/** Starts the measured servers, and ends everything that was started. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ask } from './ask.js';
import type { Program, Subject } from './subject.js';

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

/** Starts a program, in a process group of its own. */
export function startProgram(words: readonly string[], core: Core, env: NodeJS.Dict<string> = {}, cwd?: string): ChildProcess {
  const pinned = canPin && core !== 'any' ? ['taskset', '-c', cores[core]] : [];
  const [program = '', ...args] = [...pinned, ...words];
  const child = spawn(program, args, { cwd, detached: true, env: { PATH: process.env.PATH, ...env }, stdio: 'pipe' });
  if (child.pid) groups.add(child.pid);
  return child;
}

/** Starts a program of the benchmark itself, with the Node that runs the benchmark. */
export function startOwn(args: readonly string[], core: Core, env: NodeJS.Dict<string> = {}): ChildProcess {
  return startProgram([process.execPath, ...args], core, env);
}

export interface ApsnapOptions {
  /** Flags besides the address. */
  readonly args?: readonly string[];
  /** A folder of programs that take precedence over this machine's. */
  readonly path?: string;
  /** Further flags of Node itself. */
  readonly nodeArgs?: readonly string[];
  readonly core?: Core;
  /** The bundle, or the compiled tree. */
  readonly program?: Program;
}

/** Starts apsnap as its systemd unit does, but without the sandbox. */
export async function startApsnap({ node, bundle }: Subject, options: ApsnapOptions = {}): Promise<Server> {
  const { args = [], path, nodeArgs = [], core = 'any', program = bundle } = options;
  const dotenv = join(temporaryFolder(), '.env');
  writeFileSync(dotenv, `RASPAP_API_KEY=${KEY}\n`);
  const where = ['--host', '127.0.0.1', '--port', '0', '--dotenv', dotenv];
  const env = { NODE_ENV: 'production', ...program.env, ...(path && { PATH: `${path}:${process.env.PATH}` }) };
  const startedMs = performance.now();
  const child = startProgram([...node, ...program.flags, ...nodeArgs, program.main, ...where, ...args], core, env);
  return whenListening(child, startedMs);
}

/** Returns what the bare server needs to respond as apsnap does at a path. */
export async function responseOf({ url }: Server, path: string): Promise<BareResponse> {
  const { headers, body } = await ask(`${url}${path}`, KEY);
  return { key: KEY, headers, body: body.toString('base64') };
}

/** Starts the bare server, with the same Node, flags and variables as the bundle. */
export async function startBare({ node, bundle }: Subject, response: BareResponse, core: Core): Promise<Server> {
  const startedMs = performance.now();
  const child = startProgram([...node, ...bundle.flags, built('bare.js')], core, bundle.env);
  child.stdin?.end(JSON.stringify(response));
  return whenListening(child, startedMs);
}

/** Starts the bare server that writes `bytes` bytes to each client every second. */
export function startBareEvents({ node, bundle }: Subject, bytes: number, core: Core): Promise<Server> {
  return whenListening(startProgram([...node, ...bundle.flags, built('tell.js'), String(bytes)], core, bundle.env), performance.now());
}

/** Waits until a program prints its URL, on either stream. */
export async function whenListening(child: ChildProcess, startedMs: number): Promise<Server> {
  let output = '';
  let errors = '';
  const url = await new Promise<string>((resolve, reject) => {
    const read = (chunk: string) => {
      output = (output + chunk).slice(-10_000);
      const address = /\bhttps?:\/\/127\.0\.0\.1:\d+/.exec(output);
      if (address) resolve(address[0]);
    };
    child.stdout?.setEncoding('utf8').on('data', read);
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      errors += chunk;
      read(chunk);
    });
    child.once('error', reject);
    child.once('exit', (code, signal) => reject(new Error(`a server ended (${signal ?? code}) before it listened: ${output}`)));
    setTimeout(() => reject(new Error(`a server did not listen within ${START_MS} ms: ${output}`)), START_MS).unref();
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
