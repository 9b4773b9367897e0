import type { Machine } from '../../machine/machine.js';
import { collector, type Sampling } from '../../model/collector.js';
import { gauge } from '../../model/metrics.js';
import { boolean, object } from '../../model/schema.js';

interface Carried {
  readonly pid: string | undefined;
  /** How many samples found that an entry of /proc is another process, by name. */
  readonly rejections: Readonly<Record<string, number>>;
  /** When the rejections began, by the monotonic clock. */
  readonly scannedAtMs: number;
}

/** A process that was rejected this often isn't read again. Once is too little: it may have been about to execute hostapd. */
const MAX_REJECTIONS = 2;
/** Time after which all processes are read again: a number may belong to another process by then. */
const MAX_SCAN_AGE_MS = 60_000;

/** Finds hostapd among the processes of the machine. */
export const hostapd = collector({
  name: 'hostapd',
  summary: 'State of hostapd',
  trigger: 'schedule',
  schedule: '*/5 * * * * *',
  lane: 'quick',
  required: false,
  view: object({ running: boolean('True if a process named hostapd exists.') }),
  absent: { running: false },
  read(machine, { carried, thorough, monotonicMs }: Sampling<Carried>) {
    const isScanDue = !carried || thorough || monotonicMs - carried.scannedAtMs >= MAX_SCAN_AGE_MS;
    const scan = isScanDue ? { rejections: {}, scannedAtMs: monotonicMs } : carried;
    const found = find(machine, carried?.pid, scan.rejections);
    return {
      value: { running: found.pid !== undefined },
      carry: { ...found, scannedAtMs: scan.scannedAtMs },
      metrics: () => [gauge('apsnap_hostapd_up', 'Value is 1 if hostapd is running, 0 otherwise.', Number(found.pid !== undefined))],
    };
  },
});

/** Finds hostapd among all processes. Nearly always it is the previous sample's process: one file to read instead of hundreds. */
function find(machine: Machine, previous: string | undefined, rejections: Carried['rejections']): Pick<Carried, 'pid' | 'rejections'> {
  if (previous !== undefined && isHostapd(machine, previous)) return { pid: previous, rejections: {} };
  const next: Record<string, number> = {};
  for (const name of machine.list('/proc')) {
    const times = rejections[name] ?? 0;
    if (times < MAX_REJECTIONS && isHostapd(machine, name)) return { pid: name, rejections: {} };
    next[name] = times + 1;
  }
  return { pid: undefined, rejections: next };
}

function isHostapd(machine: Machine, name: string): boolean {
  // A process may end after it was listed.
  return /^\d+$/.test(name) && machine.readTextIfThere(`/proc/${name}/comm`) === 'hostapd\n';
}
