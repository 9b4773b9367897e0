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

/** Returns the user and system CPU time of all threads of a process, in milliseconds. */
export function cpuMs(pid: number): number {
  const { utime, stime } = readTimes(pid);
  return utime + stime;
}

/** Returns {@link cpuMs} of the main thread only. */
export function mainThreadCpuMs(pid: number): number {
  const { utime, stime } = readTimes(`${pid}/task/${pid}`);
  return utime + stime;
}

/** Returns {@link cpuMs} including its children, ended or running. */
export function cpuWithChildrenMs(pid: number): number {
  const { utime, stime, cutime, cstime } = readTimes(pid);
  return childrenOf(pid).reduce((sum, child) => sum + ifItRuns(() => cpuWithChildrenMs(child), 0), utime + stime + cutime + cstime);
}

/**
 * Returns the CPU time of a process's current threads in milliseconds, at the scheduler's precision: the first number of
 * /proc/PID/task/TID/schedstat is in nanoseconds (kernel documentation, scheduler/sched-stats).
 */
export function threadsCpuMs(pid: number): number {
  const nanoseconds = readdirSync(`/proc/${pid}/task`).map((thread) =>
    ifItRuns(() => Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ')[0]), 0),
  );
  return nanoseconds.reduce((sum, own) => sum + own, 0) / 1e6;
}

export function residentKb(pid: number): number {
  return statusField(pid, 'VmRSS');
}

export function lookAt(pid: number): Process {
  return {
    residentKb: residentKb(pid),
    threads: statusField(pid, 'Threads'),
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    children: childrenOf(pid).length,
  };
}

/** Reads fields 14 to 17 of /proc/PID/stat. Field 2 is a name in parentheses that may contain any character. */
function readTimes(process: number | string) {
  const stat = readFileSync(`/proc/${process}/stat`, 'latin1');
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
