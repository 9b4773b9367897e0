/** Writes docs/benchmarks.md. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { loadLine, type Rows, table, withFirstPart, withSection } from './document.js';

export const REPORT_FILE = fileURLToPath(new URL('../../docs/benchmarks.md', import.meta.url));

/** Returns the lines about the machine, the versions and the load. */
export function conditions(version: string, loadBefore: number, more: readonly string[] = []): string {
  const model = /^model name\s*: (.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? 'unknown processor';
  return [
    `- Date: ${new Date().toISOString().slice(0, 10)}, commit ${commit()}`,
    `- Machine: ${model}, ${availableParallelism()} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}`,
    `- Node.js ${version}`,
    ...more.map((line) => `- ${line}`),
    loadLine(loadBefore, loadavg()[0] ?? Number.NaN),
  ].join('\n');
}

function commit(): string {
  const git = (...args: string[]) => spawnSync('git', args, { encoding: 'utf8' }).stdout?.trim();
  const id = git('rev-parse', '--short', 'HEAD');
  if (!id) return 'unknown';
  return git('status', '--porcelain', '--untracked-files=no', '--', 'src', 'workers') ? `${id} with local changes` : id;
}

/** Writes the part of the Node that runs the benchmark, or the section of another one. */
export function writeReport(file: string, node: string | undefined, rows: Rows, head: string): void {
  const document = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const written = node === undefined ? withFirstPart(document, firstPart(rows, head)) : withSection(document, node, section(rows, head));
  writeFileSync(file, written);
}

const firstPart = (rows: Rows, head: string) => `# Benchmarks

<!-- Written by \`npm run bench\`. Don't edit this file. -->

The bare server is a plain \`node:http\` server with the same Node and the same flags. It compares the
key like apsnap and sends the same bytes and headers. CPU times of apsnap include sampling, but not
the programs that it starts unless the row says so. MB are 2^20 bytes.

Each row measures apsnap and its peer in turn, or during the same seconds, and shows the median of all
rounds. The range in parentheses is the 95 % confidence interval of the median. With up to five rounds,
it is the lowest and the highest value. The *spread* is the width of this interval as a share of the
median. Rounds are repeated until the spread is under 10 %, or until a maximum number of rounds. A row
that reached the maximum shows its spread. A value without a range comes from a single round. A
difference whose interval contains zero is *not resolved*.

${head}

To measure one row again, run \`npm run bench -- --only NAME\` with the name in the last column.

${table(rows)}
`;

const section = (
  rows: Rows,
  head: string,
) => `Measured with the bundle of the Debian package. Ratios compare it with a bare server on the same
Node.

${head}

${table(rows)}
`;
