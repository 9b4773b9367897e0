// A short `npm run soak`: the service holds no more after many rounds with faults than before, and recovers from each.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withPatient } from '../support/patient.js';
import { soak } from '../support/soak.js';

/** What a busy machine may add to two intervals. */
const SLACK_MS = 5_000;
/** Threads that were lost leave memory that the next ones take again. */
const SLACK_KB = 150_000;

test('soak/400 rounds', { timeout: 600_000 }, () =>
  withPatient({ hooks: true }, async (patient) => {
    const { looks, recoveries, untold } = await soak(patient, { rounds: 400, seed: 7 });
    assert.deepEqual(untold, []);
    assert.ok(recoveries.length > 3, `${recoveries.length} faults`);
    for (const { collector, fault, tookMs, intervalMs } of recoveries) {
      assert.ok(tookMs <= 2 * intervalMs + SLACK_MS, `${collector}, ${fault}: ${tookMs} ms`);
    }
    const [first] = looks;
    const last = looks.at(-1);
    assert.ok(first && last && looks.length > 5);
    assert.equal(last.threads, first.threads);
    assert.equal(last.children, first.children);
    assert.ok(last.descriptors <= first.descriptors + 2, `${first.descriptors} descriptors, then ${last.descriptors}`);
    assert.ok(last.residentKb <= first.residentKb + SLACK_KB, `${first.residentKb} KB, then ${last.residentKb}`);
  }),
);
