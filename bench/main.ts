/**
 * Measures how fast apsnap is, compared with the targets in docs/benchmarks.md.
 *
 *     npm run bench                     measures every figure and writes docs/benchmarks.md
 *     npm run bench -- --only system    prints one figure
 *     npm run bench -- --quick          shows that every figure can be measured
 *     npm run bench -- --output FILE    writes the document to another file
 *
 * A missed target is marked in the document. It doesn't change the exit status.
 */
import { writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { type Effort, figures } from './figures.js';
import type { Row } from './measure.js';
import { conditions, REPORT_FILE, report, table } from './report.js';
import { endAll } from './server.js';

const full: Effort = {
  warmUpSeconds: 2,
  system: { rounds: 20, seconds: 3 },
  clients: { rounds: 5, seconds: 1 },
  latency: { rounds: 4, seconds: 4 },
  delaySeconds: 8,
  idleSeconds: 60,
  starts: 10,
  lists: {
    names: 250_000,
    maxNames: 1_000_000,
    warmUpChanges: 5,
    rounds: 4,
    seconds: 5,
    changes: 10,
    queries: 50,
    unchangedSeconds: 30,
    settleSeconds: 2.5,
  },
  events: { listeners: 1_000, rounds: 5, seconds: 6 },
  log: { warmUpSeconds: 5, rounds: 6, seconds: 10 },
  crowd: { connections: 1_000, listeners: 100, seconds: 60, settleSeconds: 40 },
};
/** Runs every figure within two minutes to show that it works. The values mean nothing. */
const quick: Effort = {
  warmUpSeconds: 0,
  system: { rounds: 1, seconds: 1 },
  clients: { rounds: 1, seconds: 1 },
  latency: { rounds: 1, seconds: 1 },
  delaySeconds: 1,
  idleSeconds: 3,
  starts: 2,
  lists: {
    names: 20_000,
    maxNames: 20_000,
    warmUpChanges: 0,
    rounds: 1,
    seconds: 1,
    changes: 1,
    queries: 2,
    unchangedSeconds: 1,
    settleSeconds: 0.3,
  },
  events: { listeners: 100, rounds: 1, seconds: 2 },
  log: { warmUpSeconds: 0, rounds: 1, seconds: 2 },
  crowd: { connections: 100, listeners: 10, seconds: 2, settleSeconds: 1 },
};

async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: { quick: { type: 'boolean', default: false }, only: { type: 'string' }, output: { type: 'string' } },
  });
  const names = values.only === undefined ? Object.keys(figures) : [values.only];
  const loadBefore = loadavg()[0] ?? Number.NaN;
  const rows = new Map<string, readonly Row[]>();
  for (const name of names) {
    const measure = figures[name];
    if (!measure) throw new Error(`--only ${name}: expected ${Object.keys(figures).join(', ')}`);
    process.stderr.write(`measuring ${name}\n`);
    rows.set(name, await measure(values.quick ? quick : full));
  }
  process.stdout.write(`${table(rows)}\n\n${conditions(loadBefore)}\n`);
  const isComplete = !values.quick && values.only === undefined;
  const output = values.output ?? (isComplete ? REPORT_FILE : undefined);
  if (output !== undefined) writeFileSync(output, report(rows, loadBefore));
}

process.on('exit', endAll);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(1));
try {
  await main(process.argv.slice(2));
  process.exit(0);
} catch (error) {
  process.stderr.write(`bench: ${(error as Error).stack}\n`);
  process.exit(1);
}
