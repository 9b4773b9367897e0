/** Writes the measured rows as docs/benchmarks.md. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, loadavg, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Row } from './measure.js';
import { canPin } from './server.js';

/** Rows by the name of the figure that measured them. */
export type Rows = ReadonlyMap<string, readonly Row[]>;

export const REPORT_FILE = fileURLToPath(new URL('../../docs/benchmarks.md', import.meta.url));

/** Returns the rows as a Markdown table. */
export function table(rows: Rows): string {
  const lines = [...rows].flatMap(([name, all]) =>
    all.map(({ figure, target, measured, details, met }) =>
      [figure, target ?? '–', measured, met === null ? '–' : met ? 'yes' : '**no**', details || '–', `\`${name}\``].join(' | '),
    ),
  );
  return ['figure | target | measured | met | details | name', '--- | --- | --- | --- | --- | ---', ...lines]
    .map((line) => `| ${line} |`)
    .join('\n');
}

/** Returns the lines about the machine, the versions and the load. */
export function conditions(loadBefore: number): string {
  const model = /^model name\s*: (.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? 'unknown processor';
  const load = (average: number | undefined) => average?.toFixed(1) ?? 'unknown';
  return [
    `- Date: ${new Date().toISOString().slice(0, 10)}, commit ${commit()}`,
    `- Machine: ${model}, ${availableParallelism()} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}`,
    `- Node.js ${process.versions.node}`,
    `- ${canPin ? 'The server and the load each had their own core.' : 'The server and the load shared all cores.'}`,
    `- Load average: ${load(loadBefore)} before, ${load(loadavg()[0])} after`,
  ].join('\n');
}

function commit(): string {
  const git = (...args: string[]) => spawnSync('git', args, { encoding: 'utf8' }).stdout?.trim();
  const id = git('rev-parse', '--short', 'HEAD');
  if (!id) return 'unknown';
  return git('status', '--porcelain', '--untracked-files=no', '--', 'src', 'workers') ? `${id} with local changes` : id;
}

/** Returns the whole document. */
export function report(rows: Rows, loadBefore: number): string {
  return `# Benchmarks

<!-- Written by \`npm run bench\`. Don't edit this file. -->

The bare server is a plain \`node:http\` server. It compares the key like apsnap and sends the same
bytes and headers. CPU times of apsnap include sampling.

Values are medians. The lowest and the highest round are in parentheses. On a shared machine, values
differ by about a fifth from run to run, and latencies by more.

${conditions(loadBefore)}

To measure one row again, run \`npm run bench -- --only NAME\` with the name in the last column.

${table(rows)}

For comparison, RaspAP's own RestAPI takes 36 ms of CPU per request and serves 27 requests/s. It
starts 11 to 18 shell pipelines for each request. \`npm run bench\` doesn't measure it.
`;
}
