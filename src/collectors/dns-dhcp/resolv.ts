import { isIP } from 'node:net';
import { Absent, SourceError } from '../../errors.js';
import type { Machine } from '../../machine/machine.js';
import { collector } from '../../model/collector.js';
import { array, object, string } from '../../model/schema.js';
import { optionValues, readableDnsmasqFiles } from '../../parse/dnsmasq.js';

const FILES = ['/run/dnsmasq/resolv.conf', '/etc/resolv.conf'];
/** The C library takes three servers. */
const MAX_BYTES = 64 << 10;

/** The name servers in files that dnsmasq may take them from. */
export const resolv = collector({
  name: 'resolv',
  summary: 'Name servers of resolv.conf',
  trigger: 'file-change',
  schedule: '* * * * * *',
  lane: 'quick',
  required: false,
  view: object({
    files: array(
      object({ file: string('Path'), nameServers: array(string('Address'), 'In the order of the file') }),
      'Those that there are: of resolvconf, of the system, of dnsmasq itself',
    ),
  }),
  absent: { files: [] },
  read(machine) {
    const files = [...new Set([...FILES, ...configured(machine)])].flatMap((file) => {
      const text = machine.readTextIfThere(file, MAX_BYTES);
      return text === undefined ? [] : [{ file, nameServers: parseResolv(text, file) }];
    });
    if (files.length === 0) throw new Absent(`neither ${FILES.join(' nor ')} exists`);
    return { value: { files } };
  },
});

/** The file that dnsmasq is told to read. What cannot be read of its configuration is the dnsmasq collector's trouble. */
function configured(machine: Machine): string[] {
  const values = readableDnsmasqFiles(machine).flatMap(({ text }) => optionValues(text, 'resolv-file'));
  return values.filter((value) => value.startsWith('/')).slice(-1);
}

/**
 * The name servers of resolv.conf(5). What glibc and dnsmasq pass over, such as a host name, is passed over.
 *
 *     # nameserver 192.168.1.254
 *     nameserver 9.9.9.9
 *     nameserver fe80::1%eth0
 *
 * @param file its path
 * @throws SourceError it holds NUL bytes
 */
export function parseResolv(text: string, file: string): string[] {
  if (text.includes('\0')) throw new SourceError('malformed', `${file}: holds NUL bytes, so it is no configuration file`);
  return text.split('\n').flatMap((line) => {
    const [keyword, address = ''] = line.trim().split(/\s+/, 2);
    return keyword === 'nameserver' && isIP(address) !== 0 ? [address] : [];
  });
}
