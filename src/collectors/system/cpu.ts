import { quote, SourceError } from '../../errors.js';
import { collector } from '../../model/collector.js';
import { gauge, type MetricFamily, type MetricSample } from '../../model/metrics.js';
import { array, integer, nullable, number, object } from '../../model/schema.js';

/** Clock ticks since boot; only differences and their ratio are of use. */
export interface Ticks {
  readonly busy: number;
  readonly total: number;
}

/** The fields of a line, as node_exporter calls them. Guest time, which is part of user and nice, comes after. */
const MODES = ['user', 'nice', 'system', 'idle', 'iowait', 'irq', 'softirq', 'steal'] as const;

/** What a processor spent in each mode, in the order of {@link MODES}. */
interface CoreTicks extends Ticks {
  readonly modes: readonly number[];
}

export interface CpuTicks {
  readonly all: Ticks;
  /** By processor number. One that is offline is missing. */
  readonly cores: Readonly<Record<string, CoreTicks>>;
  /** When the machine was started, Unix seconds. */
  readonly bootSeconds: number | null;
}

interface Busy {
  busyRatio: number | null;
  cores: { core: number; busyRatio: number | null }[];
}

/** What the next sample needs: of which sample rates are made, and its own result. */
interface Carried {
  readonly atMs: number;
  readonly ticks: CpuTicks;
  readonly busy: Busy;
}

/** A share of less time than this says little: ticks are 10 ms. */
const LEAST_INTERVAL_MS = 300;

const busyRatio = nullable(number('Ratio of time not spent idle since the previous sample. `null` in the first sample.', 'ratio'));

/** How busy the processors are, all together and each: from two samples. */
export const cpu = collector({
  name: 'cpu',
  summary: 'Busy share of the processors',
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
    if (carried && monotonicMs - carried.atMs < LEAST_INTERVAL_MS)
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

/** Ticks are hundredths of a second for every program, whatever the kernel's own clock does. */
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

/** Busy share between two samples, 0 to 1; null where there is no span between them (the first, a counter that fell). */
export function share(now: Ticks, before: Ticks | undefined): number | null {
  const total = before ? now.total - before.total : 0;
  if (!before || total <= 0) return null;
  // The kernel lets iowait fall, so the idle share may exceed the total by a tick.
  const busy = Math.min(Math.max(now.busy - before.busy, 0), total);
  return Math.round((busy / total) * 10_000) / 10_000;
}

/**
 * The `cpu` lines of /proc/stat, proc_stat(5): user, nice, system, idle, iowait, irq, softirq, steal, guest, guest_nice,
 * in ticks. Guest time is part of user and nice, so it is not counted again.
 *
 *     cpu  74608 2520 24433 1117073 6176 0 1054 0 0 0
 *     cpu0 37784 1251 12166 558499 3174 0 987 0 0 0
 *     intr 3084120 0 9 0 …
 *     btime 1795464787
 *
 * @param before the same at the sample before, if there is one
 */
export function parseStat(text: string, before?: CpuTicks): CpuTicks {
  let all: Ticks | undefined;
  const cores: Record<string, CoreTicks> = {};
  for (const [line, number = '', fields = ''] of text.matchAll(/^cpu(\d{0,6}) +(.*)$/gm)) {
    const ticks = fields.split(' ', MODES.length).map(Number);
    const [user = 0, nice = 0, system = 0, idle = Number.NaN, iowait = 0, irq = 0, softirq = 0, steal = 0] = ticks;
    const busy = user + nice + system + irq + softirq + steal;
    const total = busy + idle + iowait;
    if (!Number.isFinite(total)) throw new SourceError('malformed', `stat: not processor times: ${quote(line)}`);
    if (number === '') all = { busy, total };
    else
      cores[number] = { busy, total, modes: risen([user, nice, system, idle, iowait, irq, softirq, steal], before?.cores[number]?.modes) };
  }
  if (!all) throw new SourceError('malformed', `stat: no line of all processors: ${quote(text)}`);
  const bootSeconds = /^btime (\d{1,12})$/m.exec(text)?.[1];
  return { all, cores, bootSeconds: bootSeconds === undefined ? null : Number(bootSeconds) };
}

/** A processor that was offline starts anew; one whose times have fallen by less has not. */
const LEAST_FALL_TICKS = 3 * TICKS_PER_SECOND;

/** The kernel lets idle and iowait fall by some ticks, which for Prometheus would be a counter that started anew: those stay as they were. */
function risen(now: readonly number[], before: readonly number[] | undefined): readonly number[] {
  if (!before || now.some((ticks, mode) => (before[mode] ?? 0) - ticks >= LEAST_FALL_TICKS)) return now;
  return now.map((ticks, mode) => Math.max(ticks, before[mode] ?? 0));
}
