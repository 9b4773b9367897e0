import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { adviceFor } from '../advice.js';
import { collectors } from '../collectors/index.js';
import type { Config } from '../config.js';
import type { SourceError, StartError } from '../errors.js';
import { MOST_SERIES, SERIES_BYTES } from '../history.js';
import { createHost } from '../host.js';
import { KEY_VARIABLE, keyProblem, readEnvFile } from '../key.js';
import { type CollectorRecord, problemOf } from '../store.js';
import { sampleOnce } from './once.js';

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
export async function doctor(config: Config, keyFromEnvironment: string | undefined): Promise<number> {
  const store = await sampleOnce(
    config,
    collectors.map(({ name }) => name),
  );
  const rows = [
    keyRow(config, keyFromEnvironment),
    ...(config.tls ? [(await import('./doctor-tls.js')).tlsRow(config.tls)] : []),
    ...[...store.collectors.values()].map(collectorRow),
    await eventRow(config),
    historyRow([...store.collectors.values()]),
  ];
  process.stdout.write(`${formatRows(rows)}\n`);
  return rows.some((row) => row.state === 'failing') ? 1 : 0;
}

function collectorRow(record: CollectorRecord): Row {
  const { collector, failure, good } = record;
  const { name, sources } = collector;
  const source = sources.join(', ');
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

function keyRow({ dotenv, host }: Config, fromEnvironment: string | undefined): Row {
  const source = fromEnvironment ? `the environment, ${KEY_VARIABLE}` : dotenv;
  let value = fromEnvironment;
  try {
    value ??= readEnvFile(dotenv)?.[KEY_VARIABLE];
  } catch (error) {
    const [why, advice] = (error as StartError).message.split('; ', 2);
    return { name: 'key', state: 'failing', source, why, advice };
  }
  if (value) {
    const problem = keyProblem(value, host);
    if (problem) return { name: 'key', state: 'failing', source, why: problem, advice: 'apsnap key generate' };
    const open = !fromEnvironment && (statSync(dotenv).mode & 0o007) !== 0;
    return {
      name: 'key',
      state: 'ok',
      source,
      ...(open && { why: 'every user of this machine can read it', advice: `chmod o= ${dotenv}` }),
    };
  }
  const folder = dirname(dotenv);
  if (isWritable(folder) && isFull(folder)) {
    const why = `there is none, and the disk of ${folder} is full`;
    return { name: 'key', state: 'failing', source, why, advice: 'free some space, or name a file on another disk with --dotenv' };
  }
  if (isWritable(folder)) return { name: 'key', state: 'absent', source, why: 'the service will generate one when it starts' };
  return {
    name: 'key',
    state: 'failing',
    source,
    why: `there is none, and ${folder} cannot be written`,
    advice: 'name a file that can be with --dotenv',
  };
}

function isWritable(folder: string): boolean {
  if (!existsSync(folder)) return false;
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Of space or of room for names; some file systems have no limit of names, and say 0 of 0. */
function isFull(folder: string): boolean {
  const { bavail, bfree, files, ffree } = statfsSync(folder);
  return (process.getuid?.() === 0 ? bfree : bavail) === 0 || (files > 0 && ffree === 0);
}

/** Without `iw event` clients come and go with the schedule alone. */
async function eventRow(config: Config): Promise<Row> {
  const host = createHost(config);
  const row = { name: 'events', source: 'iw event' } as const;
  if (!host.exists('/sys/class/ieee80211') || host.list('/sys/class/ieee80211').length === 0) {
    return { ...row, state: 'absent', why: 'no Wi-Fi radio in /sys/class/ieee80211' };
  }
  const ended = await new Promise<SourceError | undefined>((resolve) => {
    const following = host.follow('iw', ['event'], () => {}, resolve);
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
