/**
 * Injects faults into programs that are started with `--import` of this module. It is loaded before the service, in the main thread
 * and in each worker, and does there what no file and no fake program can.
 *
 *     fault-hooks.js?control=FILE     {"clockMs": 3600000, "faults": {"thermal": "throw"}, "fifo": "/tmp/…/fifo"}
 *
 * The file is polled, and its content lies in shared memory, so all threads respect it at once. FILE.applied is a copy of the last content.
 */
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import threads, { getEnvironmentData, isMainThread, setEnvironmentData } from 'node:worker_threads';
import { type AnyCollector, collectors } from '../../src/collectors/index.js';

/** Faults that can happen when a collector reads. */
export const FAULTS = ['none', 'throw', 'exit', 'memory', 'loop', 'block'] as const;
export type Fault = (typeof FAULTS)[number];

export interface Control {
  /** Offset of the wall clock. */
  readonly clockMs?: number;
  readonly faults?: Readonly<Record<string, Fault>>;
  /** `block` opens it for reading, and continues when it is opened for writing. */
  readonly fifo?: string;
}

const control = new URL(import.meta.url).searchParams.get('control') as string;
const SHARED = 'fault-hooks';
const LOOK_EVERY_MS = 10;

/** The shift of the clock, then the fault of each collector. */
const shared = isMainThread
  ? new Float64Array(new SharedArrayBuffer(8 * (1 + collectors.length)))
  : (getEnvironmentData(SHARED) as Float64Array);

let applied = '';

/** Applies the file's content and confirms it. */
function look(): void {
  const text = readFileSync(control, 'utf8');
  if (text === applied) return;
  applied = text;
  const { clockMs = 0, faults = {} } = JSON.parse(text) as Control;
  shared[0] = clockMs;
  for (const [index, { name }] of collectors.entries()) shared[index + 1] = FAULTS.indexOf(faults[name] ?? 'none');
  writeFileSync(`${control}.applied`, text);
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
  // Workers inherit no flag of the process, so each is given this module.
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
