/**
 * Faults from outside, for programs that are started with `--import` of this module: it is loaded before the service, in the main
 * thread and in each sampling thread, and does there what no file and no fake program can.
 *
 *     fault-hooks.js?control=FILE     {"clockMs": 3600000, "faults": {"thermal": "throw"}, "fifo": "/tmp/…/fifo"}
 *
 * The file is read again and again; FILE.heeded has what was read last. What it says lies in shared memory, so all threads heed it at once.
 */
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import threads, { getEnvironmentData, isMainThread, setEnvironmentData } from 'node:worker_threads';
import { type AnyCollector, collectors } from '../../src/collectors/index.js';

/** What can happen when a collector reads. */
export const FAULTS = ['none', 'throw', 'exit', 'memory', 'loop', 'block'] as const;
export type Fault = (typeof FAULTS)[number];

export interface Control {
  /** How far the wall clock is from the right one. */
  readonly clockMs?: number;
  readonly faults?: Readonly<Record<string, Fault>>;
  /** Opened for reading by `block`, which goes on when somebody opens it for writing. */
  readonly fifo?: string;
}

const control = new URL(import.meta.url).searchParams.get('control') as string;
const SHARED = 'fault-hooks';
const LOOK_EVERY_MS = 10;

/** The shift of the clock, then the fault of each collector. */
const shared = isMainThread
  ? new Float64Array(new SharedArrayBuffer(8 * (1 + collectors.length)))
  : (getEnvironmentData(SHARED) as Float64Array);

let heeded = '';

/** What is heeded now is written down, so that who waits for it knows. */
function look(): void {
  const text = readFileSync(control, 'utf8');
  if (text === heeded) return;
  heeded = text;
  const { clockMs = 0, faults = {} } = JSON.parse(text) as Control;
  shared[0] = clockMs;
  for (const [index, { name }] of collectors.entries()) shared[index + 1] = FAULTS.indexOf(faults[name] ?? 'none');
  writeFileSync(`${control}.heeded`, text);
}

function shiftClock(): void {
  const real = Date;
  const nowMs = () => real.now() + (shared[0] as number);
  globalThis.Date = new Proxy(real, {
    get: (target, property, receiver) => (property === 'now' ? nowMs : Reflect.get(target, property, receiver)),
    construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [nowMs()] : args, newTarget) as object,
  });
}

function fail(fault: Fault): void {
  if (fault === 'throw') throw new TypeError('injected');
  if (fault === 'exit') process.exit(7);
  if (fault === 'memory') for (const kept: unknown[] = []; ; ) kept.push(new Array(100_000).fill(0.5));
  while (fault === 'loop');
  if (fault === 'block') {
    const { fifo = '' } = JSON.parse(readFileSync(control, 'utf8')) as Control;
    closeSync(openSync(fifo, 'r'));
  }
}

if (isMainThread) {
  look();
  setInterval(look, LOOK_EVERY_MS).unref();
  setEnvironmentData(SHARED, shared);
  // Threads inherit no flag of the process: each is given this module.
  const { Worker } = threads;
  const own = class extends Worker {
    constructor(file: string | URL, options: threads.WorkerOptions = {}) {
      super(file, { ...options, execArgv: [...(options.execArgv ?? []), '--import', import.meta.url] });
    }
  };
  (createRequire(import.meta.url)('node:worker_threads') as { Worker: unknown }).Worker = own;
  syncBuiltinESMExports();
} else {
  for (const [index, collector] of collectors.entries()) {
    const { read } = collector;
    (collector as { read: AnyCollector['read'] }).read = (...args) => {
      fail(FAULTS[shared[index + 1] as number] as Fault);
      return read(...args);
    };
  }
}
shiftClock();
