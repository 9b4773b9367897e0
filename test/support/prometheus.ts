/** Starts Debian's Prometheus and VictoriaMetrics with the configurations in docs/prometheus.md. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from './eventually.js';

export const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url));
const DOCS = readFileSync(join(REPOSITORY, 'docs/prometheus.md'), 'utf8');

/** Kill all programs when the tests end, however they end. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/**
 * Returns a configuration from docs/prometheus.md.
 *
 * @param title its first line, without `# `
 * @param changes texts to replace, such as names of hosts and files
 */
export function configuration(title: string, changes: Readonly<Record<string, string>> = {}): string {
  const blocks = [...DOCS.matchAll(/^```\w+\n# (.*)\n([\s\S]*?)^```$/gm)].filter(([, first]) => first === title);
  assert.equal(blocks.length, 1, `docs/prometheus.md has one block "# ${title}"`);
  return Object.entries(changes).reduce((text, [from, to]) => {
    assert.ok(text.includes(from), `"# ${title}" in docs/prometheus.md has ${from}`);
    return text.replaceAll(from, to);
  }, blocks[0]?.[2] ?? '');
}

export interface Folder {
  readonly path: string;
  /** Writes a file and returns its path. */
  write(name: string, text: string): string;
  remove(): void;
}

export function createFolder(): Folder {
  const path = mkdtempSync(join(tmpdir(), 'apsnap-prometheus-'));
  return {
    path,
    write(name, text) {
      writeFileSync(join(path, name), text);
      return join(path, name);
    },
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}

/** Returns an unused port. Prometheus and VictoriaMetrics don't report the port they would get for port 0. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

export interface Database {
  readonly url: string;
  get<T>(path: string): Promise<T>;
  /** Runs an instant query. */
  query(expression: string): Promise<{ readonly labels: Readonly<Record<string, string>>; readonly value: number }[]>;
  /** Returns what the program has written so far. */
  output(): string;
  stop(): Promise<void>;
}

/** Starts Prometheus and waits until it is ready. */
export async function startPrometheus(folder: Folder, config: string): Promise<Database> {
  const port = await freePort();
  const file = folder.write('prometheus.yml', config);
  const args = [`--config.file=${file}`, `--storage.tsdb.path=${join(folder.path, 'tsdb')}`, `--web.listen-address=127.0.0.1:${port}`];
  return startDatabase('prometheus', args, port, '/-/ready');
}

/** Starts VictoriaMetrics with the command in docs/prometheus.md and waits until it is ready. */
export async function startVictoriaMetrics(folder: Folder): Promise<Database> {
  const port = await freePort();
  const command = configuration('victoria-metrics of a fleet', {
    '/var/lib/victoria-metrics': join(folder.path, 'victoria-metrics'),
    '127.0.0.1:8428': `127.0.0.1:${port}`,
  });
  const [program = '', ...args] = command.trim().split(' ');
  return startDatabase(program, args, port, '/health');
}

async function startDatabase(program: string, args: readonly string[], port: number, health: string): Promise<Database> {
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  child.once('exit', () => running.delete(child));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
  }
  child.once('error', (error) => {
    output += `${error.message}: apt-get install prometheus victoria-metrics`;
  });
  const get = async (path: string) => {
    const response = await fetch(`${url}${path}`);
    const text = await response.text();
    assert.equal(response.status, 200, `${path}: ${text}`);
    return text;
  };
  await eventually(async () => {
    if (child.exitCode !== null || child.pid === undefined) assert.fail(`${program} stopped: ${output}`);
    await get(health);
  }, 20_000);
  return {
    url,
    get: async <T>(path: string) => JSON.parse(await get(path)) as T,
    async query(expression) {
      const { data } = JSON.parse(await get(`/api/v1/query?query=${encodeURIComponent(expression)}`)) as {
        data: { result: { metric: Record<string, string>; value: [number, string] }[] };
      };
      return data.result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
    },
    output: () => output,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      const deadline = setTimeout(() => child.kill('SIGKILL'), 5_000);
      await exited;
      clearTimeout(deadline);
    },
  };
}
