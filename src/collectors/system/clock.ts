import { quote, SourceError } from '../../errors.js';
import type { Machine } from '../../machine/machine.js';
import { collector } from '../../model/collector.js';
import { gauge } from '../../model/metrics.js';
import { integer, number, object, string } from '../../model/schema.js';
import { formatDate, parseTzif, type TimeZone, utc } from './timezone.js';

/** Time since boot, and the wall clock as `date` prints it in the machine's time zone. */
export const clock = collector({
  name: 'clock',
  summary: 'Uptime and wall clock',
  trigger: 'schedule',
  schedule: '* * * * * *',
  lane: 'quick',
  required: true,
  view: object({
    uptimeSeconds: number('Time since boot.', 'seconds'),
    unixSeconds: integer('Current time, in Unix time.', 'seconds'),
    text: string('Local time, in the format of `date`.'),
  }),
  absent: { uptimeSeconds: 0, unixSeconds: 0, text: '' },
  read(machine, { nowMs }) {
    const uptimeSeconds = parseUptime(machine.readText('/proc/uptime'));
    const unixSeconds = Math.floor(nowMs / 1000);
    return {
      value: { uptimeSeconds, unixSeconds, text: formatDate(readTimeZone(machine), unixSeconds) },
      metrics: () => [gauge('node_time_seconds', 'System time in seconds since epoch (1970).', nowMs / 1000)],
    };
  },
});

/** The last parsed time zone. It stays the same for years, and parsing it each second is expensive. */
let parsed: { readonly bytes: Buffer; readonly zone: TimeZone } | undefined;

/** Reads the time zone. Like `date`, it falls back to UTC if the file is missing or broken. */
function readTimeZone(machine: Machine): TimeZone {
  try {
    const bytes = machine.readBytes('/etc/localtime');
    if (!parsed?.bytes.equals(bytes)) parsed = { bytes, zone: parseTzif(bytes) };
    return parsed.zone;
  } catch {
    return utc;
  }
}

/**
 * Parses /proc/uptime, proc_uptime(5): seconds since boot, and seconds that all processors were idle.
 *
 *     12345.67 23456.78
 *
 * @returns seconds since boot
 */
export function parseUptime(text: string): number {
  const match = /^(\d{1,15}(?:\.\d+)?) /.exec(text);
  if (!match) throw new SourceError('malformed', `uptime: expected seconds: ${quote(text)}`);
  return Number(match[1]);
}
