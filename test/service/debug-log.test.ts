import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apsnap } from '../support/cli.js';

test('NODE_DEBUG logs samples in the main thread and in the workers', async () => {
  const env = { NODE_DEBUG: 'apsnap:scheduler,apsnap:pool,apsnap:worker', PATH: process.env.PATH ?? '' };
  const { status, stderr } = await apsnap(['snapshot', 'system'], { env });
  assert.equal(status, 0);
  assert.match(stderr, /^APSNAP:SCHEDULER \d+: load: sampled in \d+ ms$/m);
  assert.match(stderr, /^APSNAP:WORKER \d+: cycle: \d+ due, \d+ sampled, \d+ documents$/m);
  assert.match(stderr, /^APSNAP:POOL \d+: all threads have ended$/m);
});
