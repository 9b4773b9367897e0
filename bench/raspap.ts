/** RaspAP's own RestAPI, compared in the same run. Its code isn't part of this repository. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { number, quantity } from './format.js';
import { untilFresh } from './measure.js';
import { cpuOf } from './proc.js';
import { inTurn, repeat } from './rounds.js';
import { missingRow, type Row, valueRow } from './row.js';
import type { Run } from './run.js';
import { KEY, type Server, startApsnap, startProgram, whenListening } from './server.js';
import { median } from './statistics.js';

export const RASPAP_FOLDER = '/etc/raspap/api';
/** Debian's Python, which has Debian's packages. RaspAP's service starts it too. */
const PYTHON = '/usr/bin/python3';
/** Fewer than for other figures, because RaspAP's RestAPI takes long for each request. */
const CONNECTIONS = 8;
const FIGURE = "CPU per request of `/system`, RaspAP's own RestAPI ÷ apsnap, programs included";

export async function raspap({ subject, load, effort, raspap: folder }: Run): Promise<Row[]> {
  const missing = whatIsMissing(folder);
  if (missing !== undefined) return [missingRow(FIGURE, missing)];
  const ours = await startApsnap(subject, { core: 'server' });
  await untilFresh(ours, '/system');
  const command = [PYTHON, '-m', 'uvicorn', 'main:app', '--host', '127.0.0.1', '--port', '0'];
  const theirs = await whenListening(startProgram(command, 'server', { RASPAP_API_KEY: KEY }, folder), performance.now());
  const measure = async ({ pid, url }: Server) => {
    let done = { requests: Number.NaN, seconds: Number.NaN };
    const { all } = await cpuOf(pid, async () => {
      done = await load.saturate(`${url}/system`, effort.raspap.seconds, CONNECTIONS);
    });
    return { cpuMs: all / done.requests, perSecond: done.requests / done.seconds };
  };
  for (const server of [ours, theirs]) if (effort.warmUpSeconds > 0) await load.saturate(`${server.url}/system`, effort.warmUpSeconds);
  const round = inTurn(
    () => measure(theirs),
    () => measure(ours),
  );
  const measured = await repeat(effort.raspap, round, ([a, b]) => a.cpuMs / b.cpuMs);
  await Promise.all([ours.stop(), theirs.stop()]);
  return [
    valueRow({
      figure: FIGURE,
      values: measured.map(([a, b]) => a.cpuMs / b.cpuMs),
      details: [
        quantity(median(measured.map(([a]) => a.cpuMs)), 'ms'),
        `apsnap ${quantity(median(measured.map(([, b]) => b.cpuMs)), 'ms')}`,
      ],
    }),
    valueRow({
      figure: "Requests of `/system` per second on one core, RaspAP's own RestAPI",
      values: measured.map(([a]) => a.perSecond),
      details: [`apsnap ${number(median(measured.map(([, b]) => b.perSecond)))}`],
    }),
  ];
}

/** Returns what is missing to start RaspAP's RestAPI, or undefined. */
function whatIsMissing(folder: string): string | undefined {
  if (!existsSync(join(folder, 'main.py'))) return `there is no ${join(folder, 'main.py')}`;
  const { status } = spawnSync(PYTHON, ['-c', 'import fastapi, uvicorn']);
  return status === 0 ? undefined : 'the packages `python3-fastapi` and `uvicorn` are not installed';
}
