/**
 * `npm run soak -- [ROUNDS [SEED]]` samples everything 10,000 times or ROUNDS times, with random faults in collectors, files and programs.
 * Memory, threads, descriptors and children must not grow. Collectors without a fault must stay fresh, and the others must recover.
 */
import { withPatient } from '../test/support/patient.js';
import { quarters, soak } from '../test/support/soak.js';

/** Share of rounds that start a fault. */
const SHARE = 0.02;
const columns = ['residentKb', 'threads', 'descriptors', 'children'] as const;
const [rounds = 10_000, seed = 1] = process.argv.slice(2).map(Number);

const startedMs = performance.now();
process.stdout.write(`${['seconds', 'round', ...columns].join('\t')}\n`);
await withPatient({ hooks: true }, async (patient) => {
  const { looks, recoveries, untold } = await soak(patient, {
    rounds,
    share: SHARE,
    seed,
    onLook(round, look) {
      const seconds = Math.round((performance.now() - startedMs) / 1_000);
      process.stdout.write(`${[seconds, round, ...columns.map((column) => look[column])].join('\t')}\n`);
    },
  });
  process.stdout.write(
    `\n| ${rounds} rounds, ${recoveries.length} faults | first quarter | last quarter | maximum |\n| --- | --- | --- | --- |\n`,
  );
  for (const column of columns) {
    const [first, last] = quarters(looks, column);
    process.stdout.write(`| ${column} | ${first} | ${last} | ${Math.max(...looks.map((look) => look[column]))} |\n`);
  }
  const ratios = recoveries.map(({ tookMs, intervalMs }) => tookMs / intervalMs).sort((a, b) => a - b);
  const late = recoveries.filter(({ tookMs, intervalMs }) => tookMs > 2 * intervalMs);
  const at = (share: number) => ratios[Math.floor(share * (ratios.length - 1))]?.toFixed(2);
  process.stdout.write(
    `\nRecovery, in intervals: median ${at(0.5)}, 99% within ${at(0.99)}, maximum ${at(1)}; ${late.length} took more than two\n`,
  );
  for (const one of late) process.stdout.write(`  ${one.collector}, ${one.fault}: ${Math.round(one.tookMs)} ms\n`);
  for (const one of untold) process.stdout.write(`not reported within 30 s: ${one}\n`);
});
process.stdout.write('Collectors without a fault stayed fresh.\n');
process.exit(0);
