/** Shared memory, which passes between threads without being copied. */

/** What stands for shared memory in the engine's accounts, for as long as that is held. */
const weights = new WeakMap<SharedArrayBuffer, ArrayBuffer>();

/**
 * Has the engine see shared memory that this thread holds. It counts only what is a thread's own, and would let list after
 * list pile up before it looks for what can be freed. The memory that stands for it is never touched, so it is none.
 */
export function weigh({ buffer, length }: Uint8Array): void {
  if (buffer instanceof SharedArrayBuffer && !weights.has(buffer)) weights.set(buffer, new ArrayBuffer(length));
}
