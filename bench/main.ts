/**
 * `npm run bench`: measures how fast the service is, against what the README promises, and prints it as one Markdown table.
 *
 *     node dist/bench/main.js [--quick] [--only NAME]
 *
 * Figures are never a gate: a target that is missed is said in the table, and the exit status stays 0.
 */
import { readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { type Effort, figures } from './figures.js';
import type { Row } from './measure.js';
import { canPin, endAll } from './server.js';

const full: Effort = {
  warmUpSeconds: 2,
  system: { rounds: 20, seconds: 3 },
  clients: { rounds: 5, seconds: 1 },
  latency: { rounds: 4, seconds: 4 },
  delaySeconds: 8,
  idleSeconds: 60,
  starts: 10,
  lists: { names: 1_000_000, warmUpChanges: 5, rounds: 4, seconds: 5, changes: 10, queries: 50, unchangedSeconds: 30, settleSeconds: 2.5 },
  events: { listeners: 1_000, rounds: 5, seconds: 6 },
  log: { warmUpSeconds: 5, rounds: 6, seconds: 10 },
  crowd: { connections: 1_000, listeners: 100, seconds: 60, settleSeconds: 40 },
};
/** Shows that all of it works, in under a minute; its figures are worth nothing. */
const quick: Effort = {
  warmUpSeconds: 0,
  system: { rounds: 1, seconds: 1 },
  clients: { rounds: 1, seconds: 1 },
  latency: { rounds: 1, seconds: 1 },
  delaySeconds: 1,
  idleSeconds: 3,
  starts: 2,
  lists: { names: 20_000, warmUpChanges: 0, rounds: 1, seconds: 1, changes: 1, queries: 2, unchangedSeconds: 1, settleSeconds: 0.3 },
  events: { listeners: 100, rounds: 1, seconds: 2 },
  log: { warmUpSeconds: 0, rounds: 1, seconds: 2 },
  crowd: { connections: 100, listeners: 10, seconds: 2, settleSeconds: 1 },
};

/** What was measured once of the service that ours takes the place of. */
const RASPAP = "RaspAP's own API, for comparison, NOT measured here: 36 ms of CPU per request, 27 requests/s.";

function table(rows: readonly Row[]): string {
  const lines = rows.map(
    ({ figure, target, measured, reached }) =>
      `| ${figure} | ${target ?? '–'} | ${measured} | ${reached === null ? '–' : reached ? 'yes' : '**no**'} |`,
  );
  return ['| figure | target | measured | reached |', '| --- | --- | --- | --- |', ...lines].join('\n');
}

function conditions(loadBefore: number): string {
  const model = /^model name\s*: (.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? 'unknown processor';
  const cores = canPin ? 'server and load on a core each' : 'server and load share the cores';
  const load = `load average ${loadBefore.toFixed(1)} before, ${loadavg()[0]?.toFixed(1)} after`;
  return `Measured on ${model}, Node ${process.versions.node}, ${cores}, ${load}; medians, with the lowest and the highest round. CPU time of sampling is in all of ours.`;
}

async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { quick: { type: 'boolean', default: false }, only: { type: 'string' } } });
  const names = values.only === undefined ? Object.keys(figures) : [values.only];
  const loadBefore = loadavg()[0] ?? Number.NaN;
  const rows: Row[] = [];
  for (const name of names) {
    const measure = figures[name];
    if (!measure) throw new Error(`--only ${name}: expected ${Object.keys(figures).join(', ')}`);
    process.stderr.write(`measuring ${name}\n`);
    rows.push(...(await measure(values.quick ? quick : full)));
  }
  process.stdout.write(`${table(rows)}\n\n${conditions(loadBefore)}\n\n${RASPAP}\n`);
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
