import { collectors } from '../../collectors/index.js';
import type { Config } from '../../config/read.js';
import { adviceFor } from '../../engine/advice.js';
import { problemOf } from '../../engine/freshness.js';
import { MOST_SERIES, SERIES_BYTES } from '../../engine/history.js';
import type { CollectorRecord } from '../../engine/records.js';
import { joinSources } from '../../engine/sources.js';
import type { SourceError } from '../../errors.js';
import { createMachine, type Machine } from '../../machine/machine.js';
import { sampleOnce } from '../once.js';
import { accessRows } from './access.js';

export interface Row {
  readonly name: string;
  readonly state: 'ok' | 'absent' | 'failing';
  readonly source: string;
  readonly why?: string | undefined;
  readonly advice?: string | undefined;
}

/** How long `iw event` must run to be believed. */
const EVENT_TRIAL_MS = 300;

/**
 * `apsnap doctor`: what each collector reads, whether it can, and what to do if it cannot.
 *
 * @returns the exit status: 1 if something fails
 */
export async function doctor(config: Config, environment: NodeJS.Dict<string>): Promise<number> {
  const store = await sampleOnce(
    config,
    collectors.map(({ name }) => name),
  );
  const rows = [
    ...accessRows(config, environment),
    ...(config.tls ? [(await import('./tls.js')).tlsRow(config.tls)] : []),
    ...[...store.collectors.values()].map(collectorRow),
    await eventRow(config),
    historyRow([...store.collectors.values()]),
  ];
  process.stdout.write(`${formatRows(rows)}\n`);
  return rows.some((row) => row.state === 'failing') ? 1 : 0;
}

function collectorRow(record: CollectorRecord): Row {
  const { collector, failure, good } = record;
  const { name } = collector;
  const source = joinSources(record.sources).join(', ');
  const problem = problemOf(record);
  if (problem)
    return {
      name,
      state: 'failing',
      source,
      why: failure?.message ?? problem.message,
      advice: problem.advice ?? undefined,
    };
  if (good?.absent) return { name, state: 'absent', source, why: good.absent };
  return { name, state: 'ok', source };
}

function hasRadio(machine: Machine): boolean {
  try {
    return machine.list('/sys/class/ieee80211').length > 0;
  } catch {
    return true; // a row of the stations collector says why it can't be read
  }
}

/** Without `iw event` clients come and go with the schedule alone. */
async function eventRow(config: Config): Promise<Row> {
  const machine = createMachine(config);
  const row = { name: 'events', source: 'iw event' } as const;
  if (!hasRadio(machine)) {
    return { ...row, state: 'absent', why: 'no Wi-Fi radio in /sys/class/ieee80211' };
  }
  const ended = await new Promise<SourceError | undefined>((resolve) => {
    const following = machine.follow('iw', ['event'], () => {}, resolve);
    setTimeout(() => {
      following.stop();
      resolve(undefined);
    }, EVENT_TRIAL_MS);
  });
  if (!ended) return { ...row, state: 'ok' };
  const why = `${ended.message}: clients that come and go show with the schedule only`;
  return { ...row, state: ended.code === 'program-missing' ? 'absent' : 'failing', why, advice: adviceFor(ended, undefined) };
}

/** How much memory the history of this machine takes. */
function historyRow(records: readonly CollectorRecord[]): Row {
  const amount = records.flatMap(({ good }) => Object.keys(good?.points ?? {})).length;
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
  const kept = Math.min(amount, MOST_SERIES);
  const source = `${kept} series in memory, ${megabytes(kept * SERIES_BYTES)} MB of at most ${megabytes(MOST_SERIES * SERIES_BYTES)} MB`;
  return { name: 'history', state: 'ok', source, ...(amount > kept && { why: `${amount - kept} series have no room` }) };
}

function formatRows(rows: readonly Row[]): string {
  const width = Math.max(...rows.map((row) => row.name.length));
  const indent = ' '.repeat(width + 11);
  return rows
    .flatMap(({ name, state, source, why, advice }) => [
      `${name.padEnd(width)}  ${state.padEnd(7)}  ${source}`,
      ...(why ? [`${indent}why: ${why}`] : []),
      ...(advice ? [`${indent}do:  ${advice}`] : []),
    ])
    .join('\n');
}
