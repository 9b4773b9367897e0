// A short `npm run soak`: after many rounds with faults the service uses no more resources than before, and it recovers from each.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withPatient } from '../support/patient.js';
import { quarters, soak } from '../support/soak.js';

/** Time that a busy machine may add to two intervals. */
const SLACK_MS = 5_000;
/** Memory that lost threads leave behind, and later threads reuse. */
const SLACK_KB = 150_000;

test('150 rounds with faults leave the service recovered, with no more resources in use', { timeout: 600_000 }, () =>
  withPatient({ hooks: true }, async (patient) => {
    const { looks, recoveries, untold } = await soak(patient, { rounds: 150, share: 0.1, seed: 7 });
    assert.deepEqual(untold, []);
    assert.ok(recoveries.length > 3, `${recoveries.length} faults`);
    for (const { collector, fault, tookMs, intervalMs } of recoveries) {
      assert.ok(tookMs <= 2 * intervalMs + SLACK_MS, `${collector}, ${fault}: ${tookMs} ms`);
    }
    assert.ok(looks.length >= 8, `${looks.length} looks`);
    for (const [column, slack] of [
      ['threads', 0],
      ['children', 0],
      ['descriptors', 2],
      ['residentKb', SLACK_KB],
    ] as const) {
      const [first, last] = quarters(looks, column);
      assert.ok(last <= first + slack, `${column}: ${first}, then ${last}`);
    }
  }),
);
