/** How each collector is: what fails first, with the reason and what to do; what is well is folded away. */
import { byId, createList, element, type ListItem, setText } from './elements.js';
import { ago, amount, duration } from './format.js';
import type { CollectorState } from './model.js';

interface Row {
  readonly collector: CollectorState;
  readonly nowMs: number;
}

/** @returns shows them; `nowMs` is what the clock of the service says */
export function createHealth(): (collectors: readonly CollectorState[], nowMs: number) => void {
  const keyOf = ({ collector: { name } }: Row) => name;
  const troubled = createList(byId('collectors-troubled'), keyOf, createRow);
  const well = createList(byId('collectors-ok'), keyOf, createRow);
  const absent = createList(byId('collectors-absent'), keyOf, createRow);

  return (collectors, nowMs) => {
    const rows = collectors.map((collector) => ({ collector, nowMs }));
    const of = (...states: CollectorState['state'][]) => rows.filter(({ collector: { state } }) => states.includes(state));
    const groups = { troubled: of('failing', 'pending'), ok: of('ok'), absent: of('absent') };
    groups.troubled.sort((a, b) => Number(a.collector.state === 'pending') - Number(b.collector.state === 'pending'));
    troubled(groups.troubled);
    well(groups.ok);
    absent(groups.absent);
    byId('collectors-troubled').hidden = groups.troubled.length === 0;
    byId('collectors-ok-group').hidden = groups.ok.length === 0;
    byId('collectors-absent-group').hidden = groups.absent.length === 0;
    const failing = of('failing').length;
    setText(
      byId('health-summary'),
      failing > 0 ? `${failing} of ${collectors.length} fail` : collectors.length > 0 ? 'All is well' : 'Waiting',
    );
    byId('health-summary').className = `state ${failing > 0 ? 'bad' : collectors.length > 0 ? 'ok' : 'off'}`;
    setText(byId('collectors-ok-title'), `${amount(groups.ok.length, 'source')} well`);
    setText(byId('collectors-absent-title'), `${groups.absent.length} not on this machine`);
  };
}

const words = { ok: 'Well', absent: 'Not here', failing: 'Fails', pending: 'Waiting' } as const;
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
  const last = state === 'ok' ? '' : `last good ${ago((nowMs - Date.parse(last_success)) / 1000)}`;
  return [last, every, `took ${took}`].filter(Boolean).join(' · ');
}
