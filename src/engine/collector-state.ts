/**
 * States of a collector, as the scheduler sees it.
 *
 * | state | event | next state |
 * | --- | --- | --- |
 * | waiting | scheduled, asked | due |
 * | due | started | running |
 * | running | asked | running, and again after that |
 * | running | ended | waiting, or due if it was asked again |
 * | running | hung: its program took too long | backing-off |
 * | running | lost: its worker was lost with another collector | due |
 * | running | stuck: its thread has not ended | quarantined |
 * | quarantined | hung: its thread has ended soon | backing-off |
 * | backing-off | scheduled, asked, when its time is over | due |
 * | quarantined | freed: its thread has ended at last | due |
 *
 * Every other pair leaves the state as it is. Times are those of the monotonic clock.
 */
export type CollectorState =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'due' }
  | { readonly kind: 'running'; readonly again: boolean }
  | { readonly kind: 'backing-off'; readonly untilMs: number }
  | { readonly kind: 'quarantined' };

export type CollectorEvent =
  | { readonly kind: 'scheduled'; readonly nowMs: number }
  /** A caller waits for a sample that starts from now on: a running one may have missed what the caller knows about. */
  | { readonly kind: 'asked'; readonly nowMs: number }
  | { readonly kind: 'started' }
  | { readonly kind: 'ended' }
  | { readonly kind: 'hung'; readonly nowMs: number; readonly tookMs: number; readonly intervalMs: number }
  | { readonly kind: 'lost' }
  | { readonly kind: 'stuck' }
  | { readonly kind: 'freed' };

export const WAITING: CollectorState = { kind: 'waiting' };

export function nextCollectorState(state: CollectorState, event: CollectorEvent): CollectorState {
  switch (event.kind) {
    case 'scheduled':
    case 'asked':
      if (state.kind === 'waiting') return { kind: 'due' };
      if (state.kind === 'backing-off' && event.nowMs >= state.untilMs) return { kind: 'due' };
      return state.kind === 'running' && event.kind === 'asked' ? { kind: 'running', again: true } : state;
    case 'started':
      return state.kind === 'due' ? { kind: 'running', again: false } : state;
    case 'ended':
      if (state.kind !== 'running') return state;
      return state.again ? { kind: 'due' } : WAITING;
    case 'hung':
      // It occupies a thread half of the time at most, and recovers within two intervals.
      if (state.kind !== 'running' && state.kind !== 'quarantined') return state;
      return { kind: 'backing-off', untilMs: event.nowMs + Math.min(event.tookMs, event.intervalMs) };
    case 'lost':
      return state.kind === 'running' ? { kind: 'due' } : state;
    case 'stuck':
      return state.kind === 'running' ? { kind: 'quarantined' } : state;
    case 'freed':
      return state.kind === 'quarantined' ? { kind: 'due' } : state;
  }
}
