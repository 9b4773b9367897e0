import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCycle } from '../../../src/engine/cycle.js';
import type { CycleRequest } from '../../../src/engine/messages.js';
import { createMemoryMachine } from '../../support/memory-machine.js';

test('the first cycle waits for no program, and the next ones wait for a moment', async () => {
  let end = () => {};
  const machine = {
    ...createMemoryMachine([]),
    run: () =>
      new Promise<string>((resolve) => {
        end = () => resolve('throttled=0x0\n');
      }),
  };
  const { promise: late, resolve: onLate } = resolvable();
  const cycle = createCycle(machine, { exposeSecrets: false, maxStationMetrics: 0 }, { onStep() {}, onLate });
  const request: CycleRequest = {
    ...{ due: ['power'], thorough: false, ipMonitor: undefined, listReads: new Map(), restored: undefined, leftOut: [] },
    wants: { changes: false, metrics: false, secrets: false, sources: false },
  };
  const names = ({ samples }: Awaited<ReturnType<typeof cycle>>) => samples.map((one) => one.collector);
  assert.deepEqual(names(await cycle(request)), []);
  end();
  await late;
  assert.deepEqual(names(await cycle({ ...request, due: [] })), ['power']);
  const running = cycle(request);
  setTimeout(() => end(), 5);
  assert.deepEqual(names(await running), ['power']);
});

function resolvable() {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
