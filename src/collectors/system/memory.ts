import { quote, SourceError } from '../../errors.js';
import { collector } from '../../model/collector.js';
import { gauge, type MetricFamily } from '../../model/metrics.js';
import { integer, object } from '../../model/schema.js';

export interface Memory {
  totalBytes: number;
  availableBytes: number;
  freeBytes: number;
  buffersBytes: number;
  cachedBytes: number;
  swapTotalBytes: number;
  swapFreeBytes: number;
}

/** Memory and swap. */
export const memory = collector({
  name: 'memory',
  summary: 'Memory and swap',
  trigger: 'schedule',
  schedule: '* * * * * *',
  lane: 'quick',
  required: true,
  view: object({
    totalBytes: integer('Total memory that Linux manages.', 'bytes'),
    availableBytes: integer('Memory that programs can get without swapping.', 'bytes'),
    freeBytes: integer('Unused memory.', 'bytes'),
    buffersBytes: integer('Memory for buffers of block devices.', 'bytes'),
    cachedBytes: integer('Memory for cached files.', 'bytes'),
    swapTotalBytes: integer('Total swap space.', 'bytes'),
    swapFreeBytes: integer('Unused swap space.', 'bytes'),
  }),
  absent: { totalBytes: 0, availableBytes: 0, freeBytes: 0, buffersBytes: 0, cachedBytes: 0, swapTotalBytes: 0, swapFreeBytes: 0 },
  read(machine) {
    const text = machine.readText('/proc/meminfo');
    const value = parseMeminfo(text);
    return { value, metrics: () => meminfoFamilies(text), points: { memory_used_ratio: 1 - value.availableBytes / value.totalBytes } };
  },
});

/**
 * Parses /proc/meminfo, proc_meminfo(5). The kernel's kB are 1024 bytes.
 *
 *     MemTotal:        3885396 kB
 *     MemFree:         2890144 kB
 *     MemAvailable:    3301876 kB
 *
 * Before Linux 3.14 there is no MemAvailable: free, buffers and cache together come close. In a container (lxcfs) it may
 * exceed the total. Then, like procps, the parser uses MemFree.
 */
export function parseMeminfo(text: string): Memory {
  const bytes: Record<string, number> = {};
  for (const [, name = '', kibibytes = ''] of text.matchAll(/^(\w+): +(\d{1,13}) kB$/gm)) bytes[name] = Number(kibibytes) * 1024;
  const { MemTotal, MemFree, Buffers = 0, Cached = 0, SwapTotal = 0, SwapFree = 0 } = bytes;
  if (!MemTotal || MemFree === undefined) throw new SourceError('malformed', `meminfo: expected MemTotal and MemFree: ${quote(text)}`);
  const { MemAvailable = MemFree + Buffers + Cached } = bytes;
  return {
    totalBytes: MemTotal,
    availableBytes: Math.min(MemAvailable > MemTotal ? MemFree : MemAvailable, MemTotal),
    freeBytes: MemFree,
    buffersBytes: Buffers,
    cachedBytes: Cached,
    swapTotalBytes: SwapTotal,
    swapFreeBytes: SwapFree,
  };
}

/**
 * Builds a family from each line of /proc/meminfo under node_exporter's name. Values in kB become bytes, and the name says so.
 *
 *     Active(anon):     123456 kB
 *     HugePages_Total:       0
 */
export function meminfoFamilies(text: string): MetricFamily[] {
  const families = new Map<string, MetricFamily>();
  for (const [, field = '', number, unit] of text.matchAll(/^([\w()]{1,64}): +(\d{1,13})( kB)?$/gm)) {
    const name = `node_memory_${field.replace(/\((\w*)\)$/, '_$1')}${unit ? '_bytes' : ''}`;
    if (!/^\w+$/.test(name)) continue;
    families.set(name, gauge(name, `Memory information field ${name.slice(12)}.`, Number(number) * (unit ? 1024 : 1)));
  }
  return [...families.values()];
}
