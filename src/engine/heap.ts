/** Keeps the heap of a thread small while the service idles. */

const CHECK_EVERY_MS = 60_000;
/** V8 itself waits until the old generation has grown by 8 MB. */
const MAX_GROWTH_BYTES = 2 << 20;

/**
 * Collects garbage in the calling thread whenever its heap has grown by 2 MB, checked once a minute.
 *
 * @param collect collects all garbage of the thread. Undefined without `--expose-gc`: then V8 alone decides
 */
export function keepHeapSmall(collect: (() => void) | undefined = globalThis.gc): { stop(): void } {
  if (!collect) return { stop() {} };
  const used = () => process.memoryUsage().heapUsed;
  let usedBefore = used();
  const timer = setInterval(() => {
    if (used() - usedBefore > MAX_GROWTH_BYTES) {
      collect();
      usedBefore = used();
    } else {
      usedBefore = Math.min(usedBefore, used());
    }
  }, CHECK_EVERY_MS).unref();
  return { stop: () => clearInterval(timer) };
}
