// Every event in every state of a worker thread.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { NOTHING } from '../../../src/engine/messages.js';
import { type MaxLooks, nextWorkerState, type WorkerEvent, type WorkerState } from '../../../src/engine/worker-state.js';

const MAX: MaxLooks = { start: 3, step: 2 };

const states = {
  starting: { kind: 'starting', looks: 0 },
  'starting, for the last look': { kind: 'starting', looks: 2 },
  idle: { kind: 'idle' },
  working: { kind: 'working', step: 7, steps: 40, looks: 0 },
  'working, for the last look': { kind: 'working', step: 7, steps: 40, looks: 1 },
  stuck: { kind: 'stuck', step: 7 },
  ended: { kind: 'ended' },
} as const satisfies Readonly<Record<string, WorkerState>>;
type StateName = keyof typeof states;

const another: WorkerState = { kind: 'working', step: 8, steps: 41, looks: 0 };

const cases: readonly { title: string; event: WorkerEvent; changes: Partial<Record<StateName, WorkerState>> }[] = [
  {
    title: 'asked',
    event: { kind: 'asked', step: NOTHING, steps: 40 },
    changes: { idle: { kind: 'working', step: NOTHING, steps: 40, looks: 0 } },
  },
  {
    title: 'looked, and it has taken no step yet',
    event: { kind: 'looked', step: NOTHING, steps: 0 },
    changes: {
      starting: { kind: 'starting', looks: 1 },
      'starting, for the last look': states.ended,
      // Counters of the same thread never fall. These count as another step.
      working: { kind: 'working', step: NOTHING, steps: 0, looks: 0 },
      'working, for the last look': { kind: 'working', step: NOTHING, steps: 0, looks: 0 },
    },
  },
  {
    title: 'looked, and it is busy with the same step',
    event: { kind: 'looked', step: 7, steps: 40 },
    changes: {
      starting: states.working,
      'starting, for the last look': states.working,
      working: states['working, for the last look'],
      'working, for the last look': states.stuck,
    },
  },
  {
    title: 'looked, and it is busy with another step',
    event: { kind: 'looked', step: 8, steps: 41 },
    changes: {
      starting: another,
      'starting, for the last look': another,
      working: another,
      'working, for the last look': another,
    },
  },
  {
    title: 'finished',
    event: { kind: 'finished' },
    changes: {
      starting: states.idle,
      'starting, for the last look': states.idle,
      working: states.idle,
      'working, for the last look': states.idle,
    },
  },
  {
    title: 'exited',
    event: { kind: 'exited' },
    changes: Object.fromEntries(Object.keys(states).map((name) => [name, states.ended])),
  },
];

for (const { title, event, changes } of cases) {
  describe(title, () => {
    for (const name of Object.keys(states) as StateName[]) {
      const next = changes[name] ?? states[name];
      test(`${name}: ${JSON.stringify(next)}`, () => assert.deepEqual(nextWorkerState(states[name], event, MAX), next));
    }
  });
}

test('a thread that takes the same step again is not stuck', () => {
  let state: WorkerState = states.working;
  for (let steps = 41; steps < 60; steps++) state = nextWorkerState(state, { kind: 'looked', step: 7, steps }, MAX);
  assert.deepEqual(state, { kind: 'working', step: 7, steps: 59, looks: 0 });
});

test('a process that was stopped for an hour counts one look', () => {
  const looked: WorkerEvent = { kind: 'looked', step: 7, steps: 40 };
  assert.deepEqual(nextWorkerState(states.working, looked, { start: 40, step: 8 }), { ...states.working, looks: 1 });
});
