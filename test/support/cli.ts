import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The built program. */
export const main = fileURLToPath(new URL('../../src/main.js', import.meta.url));
const DEADLINE_MS = 20_000;

export interface Ended {
  /** `null`: it was killed. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Start {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Standard input. */
  readonly input?: string;
  /** The user to run as. */
  readonly uid?: number | undefined;
  /** Time after which it is killed. */
  readonly withinMs?: number;
}

/** Runs the built `apsnap` until it ends. */
export function apsnap(args: readonly string[], { env = {}, cwd = '/', input = '', uid }: Start = {}): Promise<Ended> {
  return run(process.execPath, [main, ...args], { env, cwd, input, uid });
}

/** Runs a program until it ends. */
export function run(program: string, args: readonly string[], start: Start = {}): Promise<Ended> {
  const { env = {}, cwd = '/', input = '', uid, withinMs = DEADLINE_MS } = start;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      env: { PATH: process.env.PATH, ...env },
      timeout: withinMs,
      killSignal: 'SIGKILL',
      ...(uid !== undefined && { uid, gid: uid }),
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      stdout += chunk;
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      stderr += chunk;
    });
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, stdout, stderr }));
    child.stdin.on('error', () => {}); // It may end without reading it.
    child.stdin.end(input);
  });
}
