/** State of each collector: failing ones first, with reason and advice; the others are folded. */
import { byId, createList, element, type ListItem, setText } from './elements.js';
import { ago, amount, duration } from './format.js';
import type { CollectorState } from './model.js';

interface Row {
  readonly collector: CollectorState;
  readonly nowMs: number;
}

/** @returns a function that shows them; `nowMs` is the time on the server's clock */
export function createHealth(): (collectors: readonly CollectorState[], nowMs: number) => void {
  const keyOf = ({ collector: { name } }: Row) => name;
  const failing = createList(byId('collectors-failing'), keyOf, createRow);
  const ok = createList(byId('collectors-ok'), keyOf, createRow);
  const absent = createList(byId('collectors-absent'), keyOf, createRow);

  return (collectors, nowMs) => {
    const rows = collectors.map((collector) => ({ collector, nowMs }));
    const of = (state: CollectorState['state']) => rows.filter(({ collector }) => collector.state === state);
    const groups = { failing: [...of('failing'), ...of('pending')], ok: of('ok'), absent: of('absent') };
    failing(groups.failing);
    ok(groups.ok);
    absent(groups.absent);
    byId('collectors-failing').hidden = groups.failing.length === 0;
    byId('collectors-ok-group').hidden = groups.ok.length === 0;
    byId('collectors-absent-group').hidden = groups.absent.length === 0;
    const failures = of('failing').length;
    setText(
      byId('health-summary'),
      failures > 0 ? `${failures} of ${collectors.length} failing` : collectors.length > 0 ? 'All OK' : 'Waiting',
    );
    byId('health-summary').className = `state ${failures > 0 ? 'bad' : collectors.length > 0 ? 'ok' : 'off'}`;
    setText(byId('collectors-ok-title'), `${amount(groups.ok.length, 'source')} OK`);
    setText(byId('collectors-absent-title'), `${groups.absent.length} not on this machine`);
  };
}

const words = { ok: 'OK', absent: 'Absent', failing: 'Failing', pending: 'Waiting' } as const;
const colours = { ok: 'ok', absent: 'off', failing: 'bad', pending: 'off' } as const;

function createRow(): ListItem<Row> {
  const state = element('span', { class: 'state' });
  const name = element('h3');
  const summary = element('span', { class: 'summary' });
  const times = element('p', { class: 'times' });
  const reason = element('p', { class: 'reason' });
  const advice = element('p', { class: 'advice' });
  const root = element(
    'li',
    { class: 'collector' },
    element('div', { class: 'collector-name' }, state, name, summary),
    times,
    reason,
    advice,
  );
  return {
    root,
    update({ collector, nowMs }) {
      setText(state, words[collector.state]);
      state.className = `state ${colours[collector.state]}`;
      setText(name, collector.name);
      setText(summary, collector.summary);
      setText(times, timesOf(collector, nowMs));
      setText(reason, collector.reason ?? '');
      reason.hidden = !collector.reason;
      setText(advice, collector.advice ?? '');
      advice.hidden = !collector.advice;
    },
  };
}

function timesOf({ state, last_success, duration_ms, interval_seconds }: CollectorState, nowMs: number): string {
  const took = `${duration_ms < 10 ? Number(duration_ms.toFixed(1)) : Math.round(duration_ms)} ms`;
  const every = Number.isFinite(interval_seconds) && interval_seconds > 0 ? `every ${duration(interval_seconds)}` : '';
  if (state === 'absent' || last_success === null) return every;
  const last = state === 'ok' ? '' : `last success ${ago((nowMs - Date.parse(last_success)) / 1000)}`;
  return [last, every, `took ${took}`].filter(Boolean).join(' · ');
}
