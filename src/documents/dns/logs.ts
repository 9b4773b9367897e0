import { logView, newestEntries } from '../../collectors/dns-dhcp/dnslog.js';
import { Absent } from '../../errors.js';
import { document } from '../define.js';

export const dnsLogs = document({
  name: 'dns/logs',
  summary: "Newest entries of dnsmasq's log",
  required: ['dnslog'],
  view: logView,
  compose: ({ dnslog }) => dnslog.entries,
  queries: {
    parameters: {
      limit: { type: 'integer', description: 'Maximum number of entries in the response.', min: 1, max: 10_000, default: 1_000 },
      client: {
        type: 'string',
        description: 'IP or MAC address. The response has only entries that contain it, from the last 16 MiB of the log.',
        pattern: /^(?:\d{1,3}(?:\.\d{1,3}){3}|[\da-fA-F]{0,4}(?::[\da-fA-F]{0,4}){2,7})$/,
        expected: 'an IP or a MAC address',
      },
    },
    answer({ limit, client }, machine) {
      try {
        return newestEntries(machine, limit as number, client as string | undefined);
      } catch (error) {
        if (error instanceof Absent) return [];
        throw error;
      }
    },
  },
});
