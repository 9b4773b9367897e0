/** CPU time, memory, threads and file descriptors of a process, from /proc (proc(5)). */
import { readdirSync, readFileSync } from 'node:fs';

export interface Process {
  readonly residentKb: number;
  readonly threads: number;
  readonly descriptors: number;
  readonly children: number;
}

/** A clock tick is always a hundredth of a second for programs on Linux (`getconf CLK_TCK`). */
const TICK_MS = 10;

/** CPU time at one moment. */
export interface CpuReading {
  readonly pid: number;
  /** Of each current thread in milliseconds, by its ID. The main thread has the ID of the process. */
  readonly threads: ReadonlyMap<string, number>;
  /** Of all threads in milliseconds, those that have ended included, in clock ticks. */
  readonly ticksMs: number;
  /** Of all child processes in milliseconds. Those that have ended are counted in clock ticks. */
  readonly childrenMs: number;
}

/** CPU time between two readings, in milliseconds. */
export interface CpuTime {
  readonly threads: number;
  readonly mainThread: number;
  readonly children: number;
  /** Threads and children. */
  readonly all: number;
}

export function readCpu(pid: number): CpuReading {
  const { utime, stime, cutime, cstime } = readTimes(pid);
  const running = childrenOf(pid).reduce((sum, child) => sum + ifItRuns(() => withChildrenMs(readCpu(child)), 0), 0);
  return { pid, threads: readThreads(pid), ticksMs: utime + stime, childrenMs: cutime + cstime + running };
}

function withChildrenMs({ threads, childrenMs }: CpuReading): number {
  return [...threads.values()].reduce((sum, ms) => sum + ms, childrenMs);
}

/** Returns the CPU time between two readings. It is precise to nanoseconds, or to clock ticks if a thread has ended in between. */
export function cpuBetween(before: CpuReading, after: CpuReading): CpuTime {
  const since = (thread: string) => (after.threads.get(thread) ?? Number.NaN) - (before.threads.get(thread) ?? 0);
  const hasEnded = [...before.threads.keys()].some((thread) => !after.threads.has(thread));
  const threads = hasEnded ? after.ticksMs - before.ticksMs : [...after.threads.keys()].reduce((sum, thread) => sum + since(thread), 0);
  const children = after.childrenMs - before.childrenMs;
  return { threads, mainThread: since(String(after.pid)), children, all: threads + children };
}

/** Returns the CPU time while something runs, in milliseconds. */
export async function cpuOf(pid: number, run: () => Promise<unknown>): Promise<CpuTime> {
  const before = readCpu(pid);
  await run();
  return cpuBetween(before, readCpu(pid));
}

/**
 * Reads the CPU time of each thread at the scheduler's precision: the first number of /proc/PID/task/TID/schedstat is in nanoseconds
 * (kernel documentation, scheduler/sched-stats).
 */
function readThreads(pid: number): Map<string, number> {
  const threads = new Map<string, number>();
  for (const id of readdirSync(`/proc/${pid}/task`)) {
    const text = ifItRuns(() => readFileSync(`/proc/${pid}/task/${id}/schedstat`, 'latin1'), undefined);
    if (text !== undefined) threads.set(id, Number(text.split(' ')[0]) / 1e6);
  }
  return threads;
}

/** Returns the resident memory of a process in MB of 2^20 bytes. */
export function residentMb(pid: number): number {
  return statusField(pid, 'VmRSS') / 1024;
}

export function lookAt(pid: number): Process {
  return {
    residentKb: statusField(pid, 'VmRSS'),
    threads: statusField(pid, 'Threads'),
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    children: childrenOf(pid).length,
  };
}

/** Reads fields 14 to 17 of /proc/PID/stat. Field 2 is a name in parentheses that may contain any character. */
function readTimes(pid: number) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const [utime = 0, stime = 0, cutime = 0, cstime = 0] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 15)
    .map((ticks) => Number(ticks) * TICK_MS);
  return { utime, stime, cutime, cstime };
}

function statusField(pid: number, name: string): number {
  return Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]);
}

/** Lists running children. A program that a worker thread starts is a child of that thread. */
function childrenOf(pid: number): number[] {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return all.map(Number).filter((other) => parentOf(other) === pid);
}

function parentOf(pid: number): number | undefined {
  return ifItRuns(() => {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  }, undefined);
}

/** Reads from a process that may have ended since it was listed. */
function ifItRuns<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}
