import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { main } from './cli.js';

const START_MS = 20_000;
const STOP_MS = 5_000;

/** None outlives the tests, however these end. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export interface TestServer {
  /** Where it listens, without a slash at its end. */
  readonly url: string;
  /** The key in its env file, or in the variables it was given. */
  readonly key: string;
  readonly dotenv: string;
  readonly process: ChildProcess;
  /** What it has written so far. */
  output(): string;
  /** Ends it with SIGTERM. Gives its exit status; null: it had to be killed. */
  stop(): Promise<number | null>;
}

interface ServerOptions {
  args?: string[];
  env?: Record<string, string>;
  dotenv?: string;
  /** How many files it may have open. */
  descriptors?: number;
  /** Path of the program. Without it, the compiled tree is started. */
  program?: string;
}

/** Starts several at once, or none: if one does not start, the others are stopped. */
export async function startServers<const T extends readonly ServerOptions[]>(...each: T): Promise<{ [I in keyof T]: TestServer }> {
  const started = await Promise.allSettled(each.map(startServer));
  const servers = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const failed = started.find((one) => one.status === 'rejected');
  if (!failed) return servers as { [I in keyof T]: TestServer };
  await Promise.all(servers.map((server) => server.stop()));
  throw failed.reason;
}

/**
 * Starts the built service on a free port of the loopback address, with an env file and a working directory of its own.
 *
 * @param options flags after the command, variables besides PATH, another env file, and a limit of its own
 */
export async function startServer(options: ServerOptions = {}): Promise<TestServer> {
  const folder = await mkdtemp(join(tmpdir(), 'apsnap-'));
  const { args = [], env = {}, dotenv = join(folder, '.env'), descriptors, program: file = main } = options;
  const limited = descriptors === undefined ? [] : ['prlimit', `--nofile=${descriptors}:${descriptors}`];
  const [program = '', ...words] = [...limited, process.execPath, file];
  const child = spawn(program, [...words, '--host', '127.0.0.1', '--port', '0', '--dotenv', dotenv, ...args], {
    cwd: folder,
    // Tests send wrong keys, and all from one address; that those are counted is tested where it is turned on.
    env: { PATH: process.env.PATH, APSNAP_FAILED_KEYS: 'off', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  let output = '';
  const url = new Promise<string>((resolve, reject) => {
    const listen = (chunk: string) => {
      output += chunk;
      const address = /\bhttps?:\/\/127\.0\.0\.1:\d+/.exec(output);
      if (address) resolve(address[0]);
    };
    child.stdout.setEncoding('utf8').on('data', listen);
    child.stderr.setEncoding('utf8').on('data', listen);
    child.once('error', reject);
    child.once('exit', (code, signal) => reject(new Error(`the service ended (${signal ?? code}) before it listened: ${output}`)));
    setTimeout(() => reject(new Error(`the service does not listen after ${START_MS / 1000} s: ${output}`)), START_MS).unref();
  });

  async function stop(): Promise<number | null> {
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      const deadline = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      await exited;
      clearTimeout(deadline);
    }
    await rm(folder, { recursive: true, force: true });
    return child.exitCode;
  }

  try {
    const address = await url;
    const key = env.RASPAP_API_KEY ?? /^RASPAP_API_KEY=["']?([^"'\n]*)/m.exec(await readFile(dotenv, 'utf8'))?.[1];
    if (!key) throw new Error(`no RASPAP_API_KEY in ${dotenv}: ${output}`);
    return { url: address, key, dotenv, process: child, output: () => output, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
