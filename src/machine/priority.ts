import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';

/**
 * Lowers the priority of the calling thread, and of programs that it starts, so that requests come before sampling when
 * the processor is busy. Linux gives each thread its own priority.
 */
export function lowerPriority(): void {
  try {
    const thread = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
    setPriority(thread, 5);
  } catch {
    // Without the right to change it (a sandbox), or on another system, the thread keeps its priority.
  }
}
