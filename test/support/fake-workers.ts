/** Workers whose cycles end when the test says so, for tests of the scheduler. */
import { type CollectorName, collectors } from '../../src/collectors/index.js';
import { documents } from '../../src/documents/index.js';
import { monotonicMs } from '../../src/engine/clock.js';
import { type CycleReport, type CycleRequest, type ListReport, type ListTask, NOTHING } from '../../src/engine/messages.js';
import type { Finished, Lost } from '../../src/engine/task.js';
import type { Workers } from '../../src/engine/worker-pool.js';
import { busyWorkers, sampleReport } from './reports.js';

/** A task that has started. */
export interface Started<Task, Result> {
  readonly task: Task;
  finish(result?: Partial<Result>): Promise<void>;
  /** @param subject what the thread was busy with; undefined if it had not started */
  lose(subject?: string, lost?: Partial<Lost>): Promise<void>;
}

export interface FakeWorkers extends Workers {
  readonly cycles: Started<CycleRequest, CycleReport>[];
  readonly lists: Started<ListTask, ListReport>[];
  /** True if the next cycle runs in another thread. */
  isNext: boolean;
  /** A program has ended after its cycle. */
  late(): Promise<void>;
}

const EMPTY: CycleReport = {
  startedMonotonicMs: 0,
  samples: [],
  unchanged: [],
  lists: [],
  longLists: [],
  metrics: new Map(),
  documents: [],
  postponed: [],
};

export function createFakeWorkers(): FakeWorkers {
  const cycles: FakeWorkers['cycles'] = [];
  const lists: FakeWorkers['lists'] = [];
  let onLate = () => {};
  const workers: FakeWorkers = {
    ...busyWorkers,
    cycles,
    lists,
    isNext: true,
    isNew: () => workers.isNext,
    onLate: (listener) => {
      onLate = listener;
    },
    cycle(request) {
      workers.isNext = false;
      const report = () => ({ ...EMPTY, startedMonotonicMs: monotonicMs(), samples: request.due.map((name) => sampleReport(name)) });
      return started(cycles, request, report, () => {
        workers.isNext = true;
      });
    },
    list: (task) =>
      started(lists, task, () => ({ sample: sampleReport(task.collector), metrics: [], document: undefined, reads: undefined })),
    async late() {
      onLate();
      await settled();
    },
  };
  return workers;
}

function started<Task, Result>(
  all: Started<Task, Result>[],
  task: Task,
  usual: () => Result,
  onLost = () => {},
): Promise<Finished<Result> | Lost> {
  return new Promise((resolve) => {
    all.push({
      task,
      finish(result) {
        resolve({ kind: 'finished', result: { ...usual(), ...result } });
        return settled();
      },
      lose(subject, lost) {
        onLost();
        resolve({ ...lostWith(subject), ...lost });
        return settled();
      },
    });
  });
}

/** A task that cost its thread, which ends at once. */
export function lostWith(subject: string | undefined): Lost {
  const step = [...collectors, ...documents].findIndex(({ name }) => name === subject);
  const failure = { kind: 'failed', code: 'thread-lost', message: 'no answer' } as const;
  return { kind: 'lost', failure, step: subject === undefined ? NOTHING : step, tookMs: 0, threadEnd: Promise.resolve() };
}

/** Lets everything happen that waits for no time. */
export async function settled(): Promise<void> {
  for (let round = 0; round < 5; round++) await new Promise((resolve) => setImmediate(resolve));
}

/** A report without a sample of these collectors: their programs are still running. */
export function withoutSamples(request: CycleRequest, ...running: readonly CollectorName[]): Partial<CycleReport> {
  return { samples: request.due.filter((name) => !running.includes(name)).map((name) => sampleReport(name)) };
}
