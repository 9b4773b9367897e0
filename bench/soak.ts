/**
 * `node dist/bench/soak.js [MINUTES]`: the service with an `iw` that never ends. Memory, threads, descriptors and children have
 * to stay what they are, and `/system` fresh.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isFresh } from './ask.js';
import { writeFixture } from './fixture.js';
import { lookAt, type Process } from './proc.js';
import { endAll, KEY, startOurs, temporaryFolder } from './server.js';

const LOOK_SECONDS = 10;
/** Until the first samples are taken; before that `/system` is not fresh. */
const START_SECONDS = 2;

const columns = ['residentKb', 'threads', 'descriptors', 'children'] as const;

async function soak(minutes: number): Promise<void> {
  const { rootfs, path } = writeFixture(temporaryFolder(), { clients: 3, hanging: true });
  const server = await startOurs({ args: ['--path.rootfs', rootfs], path });
  await sleep(START_SECONDS * 1000);
  const looks: Process[] = [];
  let asked = 0;
  let notFresh = 0;
  process.stdout.write(`${['seconds', ...columns].join('\t')}\n`);
  for (let second = 0; second <= minutes * 60; second++) {
    asked++;
    if (!(await isFresh(`${server.url}/system`, KEY))) notFresh++;
    if (second % LOOK_SECONDS === 0) {
      const look = lookAt(server.pid);
      looks.push(look);
      process.stdout.write(`${[second, ...columns.map((column) => look[column])].join('\t')}\n`);
    }
    await sleep(1000);
  }
  await server.stop();
  process.stdout.write(`\n| over ${minutes} min | first | last | least | most |\n| --- | --- | --- | --- | --- |\n`);
  for (const column of columns) {
    const values = looks.map((look) => look[column]);
    process.stdout.write(`| ${column} | ${values[0]} | ${values.at(-1)} | ${Math.min(...values)} | ${Math.max(...values)} |\n`);
  }
  process.stdout.write(`\n/system was not fresh in ${notFresh} of ${asked} answers, asked each second\n`);
}

process.on('exit', endAll);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(1));
try {
  await soak(Number(process.argv[2] ?? 10));
  process.exit(0);
} catch (error) {
  process.stderr.write(`soak: ${(error as Error).stack}\n`);
  process.exit(1);
}
