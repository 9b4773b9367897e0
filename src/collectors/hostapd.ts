import { collector } from '../collector.js';
import type { Host } from '../host.js';
import { gauge } from '../metrics.js';
import { boolean, object } from '../schema.js';

/** Whether hostapd runs: a process of that name. */
export const hostapd = collector({
  name: 'hostapd',
  summary: 'Whether hostapd runs',
  schedule: '*/5 * * * * *',
  sources: ['/proc/*/comm'],
  required: false,
  view: object({ running: boolean('A process named hostapd exists') }),
  absent: { running: false },
  read(host, { before }: { before: { pid: string } | undefined }) {
    // Nearly always it is the process that it was: one file to read instead of hundreds.
    const pid = before && isHostapd(host, before.pid) ? before.pid : host.list('/proc').find((name) => isHostapd(host, name));
    return {
      value: { running: pid !== undefined },
      ...(pid && { keep: { pid } }),
      metrics: () => [gauge('apsnap_hostapd_up', 'Whether hostapd runs.', Number(pid !== undefined))],
    };
  },
});

function isHostapd(host: Host, name: string): boolean {
  // A process may end between the listing and the reading.
  return /^\d+$/.test(name) && host.readTextIfThere(`/proc/${name}/comm`) === 'hostapd\n';
}
