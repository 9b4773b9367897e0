/**
 * Measures how fast apsnap is, compared with the targets in docs/benchmarks.md.
 *
 *     npm run bench                     measures every figure and writes docs/benchmarks.md, in about 25 minutes
 *     npm run bench -- --only system    prints some figures, separated by commas
 *     npm run bench -- --quick          shows that every figure can be measured
 *     npm run bench -- --node NODE      measures another Node, and writes its section of the document
 *     npm run bench -- --output FILE    writes the document to another file
 *     npm run bench -- --access-point   measures the package on the virtual access point, and writes docs/access-point.md
 *     npm run bench -- --raspap FOLDER  finds RaspAP's RestAPI there (default: /etc/raspap/api)
 *
 * NODE is `debian-12`, `debian-13`, a major version such as `22`, or a path. A missed target is marked in the document. It doesn't change
 * the exit status.
 */
import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { measureAccessPoint } from './access-point.js';
import { MAX_LOAD, table } from './document.js';
import { figures } from './figures.js';
import { startLoad } from './load.js';
import { findNode } from './nodes.js';
import { RASPAP_FOLDER } from './raspap.js';
import { conditions, REPORT_FILE, writeReport } from './report.js';
import type { Row } from './row.js';
import { FULL, OTHER_NODE, OTHER_NODE_FIGURES, QUICK, type Run } from './run.js';
import { canPin, endAll, temporaryFolder } from './server.js';
import { createSubject } from './subject.js';

async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      'access-point': { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      node: { type: 'string' },
      output: { type: 'string' },
      raspap: { type: 'string', default: RASPAP_FOLDER },
    },
  });
  const isComplete = !values.quick && values.only === undefined;
  if (isComplete) await untilQuiet();
  const loadBefore = loadNow();
  if (values['access-point']) return measureAccessPoint((version) => conditions(version, loadBefore));
  const all = values.node === undefined ? Object.keys(figures) : OTHER_NODE_FIGURES;
  const names = values.only?.split(',') ?? all;
  for (const name of names) if (!figures[name]) throw new Error(`--only ${name}: expected ${Object.keys(figures).join(', ')}`);
  const node = await findNode(values.node);
  const effort = values.quick ? QUICK : values.node === undefined ? FULL : OTHER_NODE;
  const run: Run = {
    subject: await createSubject(node, temporaryFolder()),
    isOtherNode: values.node !== undefined,
    effort,
    load: startLoad(),
    raspap: values.raspap,
  };
  const rows = new Map<string, readonly Row[]>();
  for (const name of names) {
    const startedMs = performance.now();
    rows.set(name, (await figures[name]?.(run)) ?? []);
    process.stderr.write(`${name}: ${Math.round((performance.now() - startedMs) / 1000)} s\n`);
  }
  const cores = canPin ? 'The server and the load each had their own core.' : 'The server and the load shared all cores.';
  const head = conditions(run.subject.version, loadBefore, [cores]);
  process.stdout.write(`${head}\n\n${table(rows)}\n`);
  const output = values.output ?? (isComplete ? REPORT_FILE : undefined);
  if (output !== undefined) writeReport(output, node.name, rows, head);
}

const loadNow = () => loadavg()[0] ?? Number.NaN;

/** Waits up to two minutes for the load average to fall: an earlier run leaves a high one. */
async function untilQuiet(): Promise<void> {
  for (let seconds = 0; seconds < 120 && loadNow() > MAX_LOAD; seconds++) await sleep(1000);
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
