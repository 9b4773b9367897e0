import { collectors } from '../../collectors/index.js';
import type { Config } from '../../config/config.js';
import { adviceFor } from '../../engine/advice.js';
import { problemOf } from '../../engine/freshness.js';
import { MAX_SERIES, SERIES_BYTES } from '../../engine/history.js';
import type { CollectorRecord } from '../../engine/records.js';
import { joinSources } from '../../engine/sources.js';
import type { SourceError } from '../../errors.js';
import { createMachine, type Machine } from '../../machine/machine.js';
import { sampleOnce } from '../sample-once.js';
import { accessRows } from './access.js';
import { formatReport, type Row, showsColors } from './report.js';

/** Time that `iw event` must run for the check to pass. */
const EVENT_TRIAL_MS = 300;

/**
 * Runs `apsnap doctor`: checks what each collector reads, and prints what to do about failures.
 *
 * @returns the exit status: 1 if something fails
 */
export async function doctor(config: Config, environment: NodeJS.Dict<string>): Promise<number> {
  const store = await sampleOnce(
    config,
    collectors.map(({ name }) => name),
  );
  const records = [...store.collectors.values()];
  const rows = [
    ...accessRows(config, environment),
    ...(config.tls ? [(await import('./tls.js')).tlsRow(config.tls)] : []),
    ...records.map(collectorRow),
    await eventRow(config),
    historyRow(records),
  ];
  process.stdout.write(`${formatReport(rows, showsColors(process.stdout, environment))}\n`);
  return rows.some(({ state }) => state === 'failing') ? 1 : 0;
}

function collectorRow(record: CollectorRecord): Row {
  const { collector, failure, good } = record;
  const row = { name: collector.name, source: joinSources(record.sources).join(', ') };
  const problem = problemOf(record);
  if (problem) return { ...row, state: 'failing', why: failure?.message ?? problem.message, advice: problem.advice ?? undefined };
  if (good?.absent) return { ...row, state: 'absent', why: good.absent };
  return { ...row, state: 'ok' };
}

/** Tells whether the machine has a Wi-Fi radio, or may have one. */
function hasRadio(machine: Machine): boolean {
  try {
    return machine.list('/sys/class/ieee80211').length > 0;
  } catch {
    // The row of the stations collector explains the error.
    return true;
  }
}

/** Checks `iw event`. Without it, clients appear and leave only when their collector runs. */
async function eventRow(config: Config): Promise<Row> {
  const machine = createMachine(config);
  const row = { name: 'events', source: 'iw event' } as const;
  if (!hasRadio(machine)) {
    return { ...row, state: 'absent', why: 'no Wi-Fi radio in /sys/class/ieee80211' };
  }
  const ended = await new Promise<SourceError | undefined>((resolve) => {
    const following = machine.follow('iw', ['event'], { onLine() {}, onEnd: resolve });
    setTimeout(() => {
      following.stop();
      resolve(undefined);
    }, EVENT_TRIAL_MS);
  });
  if (!ended) return { ...row, state: 'ok' };
  const why = `${ended.message}: clients appear and leave only on schedule`;
  return { ...row, state: ended.code === 'program-missing' ? 'absent' : 'failing', why, advice: adviceFor(ended, undefined) };
}

/** Reports the memory that the history of this machine takes. */
function historyRow(records: readonly CollectorRecord[]): Row {
  const amount = records.flatMap(({ good }) => Object.keys(good?.points ?? {})).length;
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
  const kept = Math.min(amount, MAX_SERIES);
  const source = `${kept} series in memory, ${megabytes(kept * SERIES_BYTES)} MB of at most ${megabytes(MAX_SERIES * SERIES_BYTES)} MB`;
  return { name: 'history', state: 'ok', source, ...(amount > kept && { why: `no room for ${amount - kept} more series` }) };
}
