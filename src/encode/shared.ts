/** Shared memory, which passes between threads without being copied. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

let collect: (() => void) | undefined;

/**
 * Frees shared memory that this thread holds no more. The engine counts only what is a thread's own, and would let list after list of
 * 40 MB pile up before it looked for what can be freed: it takes a few milliseconds, so it is for when such a list has been replaced.
 */
export function freeShared(): void {
  if (!collect) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
  }
  collect();
}
