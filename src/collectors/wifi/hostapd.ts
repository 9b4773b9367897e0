import type { Machine } from '../../machine/machine.js';
import { collector } from '../../model/collector.js';
import { gauge } from '../../model/metrics.js';
import { boolean, object } from '../../model/schema.js';

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
  read(machine, { carried }: { carried: { pid: string } | undefined }) {
    // Nearly always it is the previous sample's process: one file to read instead of hundreds.
    const pid = carried && isHostapd(machine, carried.pid) ? carried.pid : machine.list('/proc').find((name) => isHostapd(machine, name));
    return {
      value: { running: pid !== undefined },
      ...(pid && { carry: { pid } }),
      metrics: () => [gauge('apsnap_hostapd_up', 'Value is 1 if hostapd is running, 0 otherwise.', Number(pid !== undefined))],
    };
  },
});

function isHostapd(machine: Machine, name: string): boolean {
  // A process may end after it was listed.
  return /^\d+$/.test(name) && machine.readTextIfThere(`/proc/${name}/comm`) === 'hostapd\n';
}
