/**
 * States of a worker thread, as the main thread sees it.
 *
 * | state | event | next state |
 * | --- | --- | --- |
 * | starting | looked: no step yet, for less than `start` | starting |
 * | starting | looked: no step yet, for `start` | ended |
 * | starting, working | looked: another step | working |
 * | working | looked: the same step, for less than `step` | working |
 * | working | looked: the same step, for `step` | stuck |
 * | starting, working | finished | idle |
 * | idle | asked | working |
 * | any | exited | ended |
 *
 * Time is counted in looks. A process that was stopped for an hour counts one look, and blames no worker.
 */
export type WorkerState =
  | { readonly kind: 'starting'; readonly looks: number }
  | { readonly kind: 'idle' }
  | { readonly kind: 'working'; readonly step: number; readonly steps: number; readonly looks: number }
  | { readonly kind: 'stuck'; readonly step: number }
  | { readonly kind: 'ended' };

export type WorkerEvent =
  | { readonly kind: 'asked'; readonly step: number; readonly steps: number }
  /** The counters of the worker's progress were read. */
  | { readonly kind: 'looked'; readonly step: number; readonly steps: number }
  | { readonly kind: 'finished' }
  | { readonly kind: 'exited' };

/** Maximum numbers of looks: until a new worker takes its first step, and for one step. */
export interface MaxLooks {
  readonly start: number;
  readonly step: number;
}

export function nextWorkerState(state: WorkerState, event: WorkerEvent, max: MaxLooks): WorkerState {
  if (event.kind === 'exited') return { kind: 'ended' };
  if (event.kind === 'finished') return state.kind === 'starting' || state.kind === 'working' ? { kind: 'idle' } : state;
  const { kind, step, steps } = event;
  if (kind === 'asked') return state.kind === 'idle' ? { kind: 'working', step, steps, looks: 0 } : state;
  if (state.kind !== 'starting' && state.kind !== 'working') return state;
  const looks = state.looks + 1;
  if (state.kind === 'starting') {
    if (steps > 0) return { kind: 'working', step, steps, looks: 0 };
    return looks < max.start ? { kind: 'starting', looks } : { kind: 'ended' };
  }
  if (steps !== state.steps) return { kind: 'working', step, steps, looks: 0 };
  return looks < max.step ? { ...state, looks } : { kind: 'stuck', step };
}
