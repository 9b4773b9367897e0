import { quote, SourceError } from '../../errors.js';
import { collector } from '../../model/collector.js';
import { gauge } from '../../model/metrics.js';
import { number, object } from '../../model/schema.js';

export interface Load {
  load1: number;
  load5: number;
  load15: number;
}

/** Load averages. */
export const load = collector({
  name: 'load',
  summary: 'Load averages',
  trigger: 'schedule',
  schedule: '* * * * * *',
  lane: 'quick',
  required: true,
  view: object({
    load1: number('Load average over 1 minute: processes that run or wait.', 'processes'),
    load5: number('Load average over 5 minutes: processes that run or wait.', 'processes'),
    load15: number('Load average over 15 minutes: processes that run or wait.', 'processes'),
  }),
  absent: { load1: 0, load5: 0, load15: 0 },
  read(machine) {
    const value = parseLoadavg(machine.readText('/proc/loadavg'));
    return {
      value,
      metrics: () => [
        gauge('node_load1', '1m load average.', value.load1),
        gauge('node_load5', '5m load average.', value.load5),
        gauge('node_load15', '15m load average.', value.load15),
      ],
    };
  },
});

/**
 * Parses /proc/loadavg, proc_loadavg(5).
 *
 *     0.14 0.18 0.11 1/163 4711
 */
export function parseLoadavg(text: string): Load {
  const match = /^(\d{1,9}\.\d+) (\d{1,9}\.\d+) (\d{1,9}\.\d+) \d+\/\d+ \d+$/.exec(text.trimEnd());
  if (!match) throw new SourceError('malformed', `loadavg: expected three load averages: ${quote(text)}`);
  return { load1: Number(match[1]), load5: Number(match[2]), load15: Number(match[3]) };
}
