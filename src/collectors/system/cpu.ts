import { quote, SourceError } from '../../errors.js';
import { collector } from '../../model/collector.js';
import { gauge, type MetricFamily, type MetricSample } from '../../model/metrics.js';
import { array, integer, nullable, number, object } from '../../model/schema.js';

/** Clock ticks since boot. Only differences between two samples mean something. */
export interface Ticks {
  readonly busy: number;
  readonly total: number;
}

/** Fields of a line, under node_exporter's names. Guest time, which is part of user and nice, follows them. */
const MODES = ['user', 'nice', 'system', 'idle', 'iowait', 'irq', 'softirq', 'steal'] as const;

/** Ticks that a processor spent in each mode, in the order of {@link MODES}. */
interface CoreTicks extends Ticks {
  readonly modes: readonly number[];
}

export interface CpuTicks {
  readonly all: Ticks;
  /** By processor number. Offline processors are missing. */
  readonly cores: Readonly<Record<string, CoreTicks>>;
  /** Time of boot, Unix seconds. */
  readonly bootSeconds: number | null;
}

interface Busy {
  busyRatio: number | null;
  cores: { core: number; busyRatio: number | null }[];
}

/** State for the next sample: the readings to compare with, and the last result. */
interface Carried {
  readonly atMs: number;
  readonly ticks: CpuTicks;
  readonly busy: Busy;
}

/** Minimum time between two readings. A share of less time says little: ticks are 10 ms. */
const MIN_INTERVAL_MS = 300;

const busyRatio = nullable(number('Ratio of time not spent idle since the previous sample. `null` in the first sample.', 'ratio'));

/** Processor usage, together and each, computed from two samples. */
export const cpu = collector({
  name: 'cpu',
  summary: 'Processor usage',
  trigger: 'schedule',
  schedule: '* * * * * *',
  lane: 'quick',
  required: true,
  view: object({
    busyRatio,
    cores: array(object({ core: integer('Number of the processor.'), busyRatio }), 'All processors that are online.'),
  }),
  absent: { busyRatio: null, cores: [] },
  read(machine, { carried, monotonicMs }: { carried: Carried | undefined; monotonicMs: number }) {
    if (carried && monotonicMs - carried.atMs < MIN_INTERVAL_MS)
      return { value: carried.busy, carry: carried, metrics: () => families(carried.ticks) };
    const ticks = parseStat(machine.readText('/proc/stat'), carried?.ticks);
    const busy: Busy = {
      busyRatio: share(ticks.all, carried?.ticks.all),
      cores: Object.entries(ticks.cores).map(([core, now]) => ({ core: Number(core), busyRatio: share(now, carried?.ticks.cores[core]) })),
    };
    const carry = { atMs: monotonicMs, ticks, busy };
    return { value: busy, carry, metrics: () => families(ticks), points: { cpu_busy_ratio: busy.busyRatio } };
  },
});

/** The kernel reports hundredths of a second to programs, whatever its own clock rate. */
const TICKS_PER_SECOND = 100;

function families({ cores, bootSeconds }: CpuTicks): MetricFamily[] {
  const samples = Object.entries(cores).flatMap(([cpu, { modes }]) =>
    MODES.map((mode, index): MetricSample => ({ labels: { cpu, mode }, value: (modes[index] ?? 0) / TICKS_PER_SECOND })),
  );
  return [
    { name: 'node_cpu_seconds_total', help: 'Seconds the CPUs spent in each mode.', type: 'counter', samples },
    gauge('node_boot_time_seconds', 'Node boot time, in unixtime.', bootSeconds),
  ];
}

/** Computes the busy share between two samples, 0 to 1. Returns null for the first sample, and if a counter fell. */
export function share(now: Ticks, previous: Ticks | undefined): number | null {
  const total = previous ? now.total - previous.total : 0;
  if (!previous || total <= 0) return null;
  // The kernel lets iowait fall, so the idle share may exceed the total by a tick.
  const busy = Math.min(Math.max(now.busy - previous.busy, 0), total);
  return Math.round((busy / total) * 10_000) / 10_000;
}

/**
 * Parses the `cpu` lines of /proc/stat, proc_stat(5): user, nice, system, idle, iowait, irq, softirq, steal, guest, guest_nice,
 * in ticks. Guest time is part of user and nice, so it isn't counted again.
 *
 *     cpu  74608 2520 24433 1117073 6176 0 1054 0 0 0
 *     cpu0 37784 1251 12166 558499 3174 0 987 0 0 0
 *     intr 3084120 0 9 0 …
 *     btime 1795464787
 *
 * @param previous ticks of the previous sample
 */
export function parseStat(text: string, previous?: CpuTicks): CpuTicks {
  let all: Ticks | undefined;
  const cores: Record<string, CoreTicks> = {};
  for (const [line, number = '', fields = ''] of text.matchAll(/^cpu(\d{0,6}) +(.*)$/gm)) {
    const ticks = fields.split(' ', MODES.length).map(Number);
    const [user = 0, nice = 0, system = 0, idle = Number.NaN, iowait = 0, irq = 0, softirq = 0, steal = 0] = ticks;
    const busy = user + nice + system + irq + softirq + steal;
    const total = busy + idle + iowait;
    if (!Number.isFinite(total)) throw new SourceError('malformed', `stat: expected processor times: ${quote(line)}`);
    if (number === '') all = { busy, total };
    else
      cores[number] = {
        busy,
        total,
        modes: risen([user, nice, system, idle, iowait, irq, softirq, steal], previous?.cores[number]?.modes),
      };
  }
  if (!all) throw new SourceError('malformed', `stat: expected a line of all processors: ${quote(text)}`);
  const bootSeconds = /^btime (\d{1,12})$/m.exec(text)?.[1];
  return { all, cores, bootSeconds: bootSeconds === undefined ? null : Number(bootSeconds) };
}

/** Minimum fall of a time that means a restart: a processor that was offline starts again at 0. */
const MIN_FALL_TICKS = 3 * TICKS_PER_SECOND;

/** Keeps counters from falling by a few ticks, as the kernel lets idle and iowait do: Prometheus would take that for a restart. */
function risen(now: readonly number[], previous: readonly number[] | undefined): readonly number[] {
  if (!previous || now.some((ticks, mode) => (previous[mode] ?? 0) - ticks >= MIN_FALL_TICKS)) return now;
  return now.map((ticks, mode) => Math.max(ticks, previous[mode] ?? 0));
}
