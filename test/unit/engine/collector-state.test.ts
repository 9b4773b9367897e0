// Every event in every state of a collector.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type CollectorEvent, type CollectorState, nextCollectorState } from '../../../src/engine/collector-state.js';

const NOW_MS = 1_000;

const states = {
  waiting: { kind: 'waiting' },
  due: { kind: 'due' },
  running: { kind: 'running', again: false },
  'running, and again after that': { kind: 'running', again: true },
  'backing off': { kind: 'backing-off', untilMs: NOW_MS + 1 },
  'backing off, and its time is over': { kind: 'backing-off', untilMs: NOW_MS },
  quarantined: { kind: 'quarantined' },
} as const satisfies Readonly<Record<string, CollectorState>>;
type StateName = keyof typeof states;

const events = {
  scheduled: { kind: 'scheduled', nowMs: NOW_MS },
  asked: { kind: 'asked', nowMs: NOW_MS },
  started: { kind: 'started' },
  ended: { kind: 'ended' },
  hung: { kind: 'hung', nowMs: NOW_MS, tookMs: 1, intervalMs: 60_000 },
  lost: { kind: 'lost' },
  stuck: { kind: 'stuck' },
  freed: { kind: 'freed' },
} as const satisfies Readonly<Record<CollectorEvent['kind'], CollectorEvent>>;

/** Next states by event. Every other pair leaves the state as it is. */
const changes: Readonly<Record<keyof typeof events, Partial<Record<StateName, StateName>>>> = {
  scheduled: { waiting: 'due', 'backing off, and its time is over': 'due' },
  asked: { waiting: 'due', running: 'running, and again after that', 'backing off, and its time is over': 'due' },
  started: { due: 'running' },
  ended: { running: 'waiting', 'running, and again after that': 'due' },
  hung: { running: 'backing off', 'running, and again after that': 'backing off', quarantined: 'backing off' },
  lost: { running: 'due', 'running, and again after that': 'due' },
  stuck: { running: 'quarantined', 'running, and again after that': 'quarantined' },
  freed: { quarantined: 'due' },
};

for (const [eventName, event] of Object.entries(events)) {
  describe(eventName, () => {
    for (const name of Object.keys(states) as StateName[]) {
      const next = changes[event.kind][name] ?? name;
      test(name === next ? `${name}: stays so` : `${name}: becomes ${next}`, () => {
        assert.deepEqual(nextCollectorState(states[name], event), states[next]);
      });
    }
  });
}

test('a collector that hung is retried after the time that it took, or after its interval if that is shorter', () => {
  for (const { tookMs, intervalMs, untilMs } of [
    { tookMs: 60, intervalMs: 60_000, untilMs: NOW_MS + 60 },
    { tookMs: 60_000, intervalMs: 60, untilMs: NOW_MS + 60 },
    { tookMs: 60_000, intervalMs: Number.POSITIVE_INFINITY, untilMs: NOW_MS + 60_000 },
  ]) {
    for (const state of [states.running, states.quarantined]) {
      const next = nextCollectorState(state, { kind: 'hung', nowMs: NOW_MS, tookMs, intervalMs });
      assert.deepEqual(next, { kind: 'backing-off', untilMs });
    }
  }
});
