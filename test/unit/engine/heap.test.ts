import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { keepHeapSmall } from '../../../src/engine/heap.js';

const MB = 1 << 20;

/** Creates a thread whose heap the test sets. Collecting garbage leaves 6 MB. */
function setUp(context: TestContext) {
  context.mock.timers.enable({ apis: ['setInterval'] });
  const thread = { heapMb: 8, collections: 0 };
  context.mock.method(process, 'memoryUsage', () => ({ heapUsed: thread.heapMb * MB }));
  const kept = keepHeapSmall(() => {
    thread.collections++;
    thread.heapMb = 6;
  });
  return {
    kept,
    /** Returns how often garbage was collected in the next minute. */
    minuteWith(heapMb: number) {
      Object.assign(thread, { heapMb, collections: 0 });
      context.mock.timers.tick(60_000);
      return thread.collections;
    },
  };
}

test('garbage is collected when the heap has grown by more than 2 MB since the last time', (context) => {
  const { minuteWith } = setUp(context);
  assert.deepEqual([minuteWith(9), minuteWith(10), minuteWith(10.1)], [0, 0, 1]);
  assert.deepEqual([minuteWith(8), minuteWith(8.1)], [0, 1]);
});

test('what V8 has collected by itself counts too', (context) => {
  const { minuteWith } = setUp(context);
  assert.deepEqual([minuteWith(5), minuteWith(7), minuteWith(7.1)], [0, 0, 1]);
});

test('nothing is collected after the end, or without --expose-gc', (context) => {
  const { kept, minuteWith } = setUp(context);
  kept.stop();
  assert.equal(minuteWith(20), 0);
  keepHeapSmall(undefined).stop();
});
