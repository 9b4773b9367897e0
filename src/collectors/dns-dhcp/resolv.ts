import { Absent } from '../../errors.js';
import type { Machine } from '../../machine/machine.js';
import { collector } from '../../model/collector.js';
import { array, object, string } from '../../model/schema.js';
import { rejectBinary } from '../../parse/configuration-text.js';
import { optionValues } from '../../parse/dnsmasq-options.js';
import { isIP } from '../../parse/ip-address.js';
import { readableDnsmasqFiles } from './dnsmasq-files.js';

const FILES = ['/run/dnsmasq/resolv.conf', '/etc/resolv.conf'];
/** Maximum size. The C library uses three servers. */
const MAX_BYTES = 64 << 10;

/** Name servers in the files that dnsmasq may read them from. */
export const resolv = collector({
  name: 'resolv',
  summary: 'Name servers in resolv.conf files',
  trigger: 'file-change',
  schedule: '* * * * * *',
  lane: 'quick',
  required: false,
  view: object({
    files: array(
      object({ file: string('Path of the file.'), nameServers: array(string('IP address.'), 'Name servers in the order of the file.') }),
      'Files that exist: of resolvconf, of the system, and the one that dnsmasq is configured to read.',
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

/** Returns the file that dnsmasq is configured to read. The dnsmasq collector reports configuration files that can't be read. */
function configured(machine: Machine): string[] {
  const values = readableDnsmasqFiles(machine).flatMap(({ text }) => optionValues(text, 'resolv-file'));
  return values.filter((value) => value.startsWith('/')).slice(-1);
}

/**
 * Parses the name servers of resolv.conf(5). It ignores what glibc and dnsmasq ignore, such as host names.
 *
 *     # nameserver 192.168.1.254
 *     nameserver 9.9.9.9
 *     nameserver fe80::1%eth0
 *
 * @param file its path
 * @throws {SourceError} if the text is binary
 */
export function parseResolv(text: string, file: string): string[] {
  rejectBinary(text, file);
  return text.split('\n').flatMap((line) => {
    const [keyword, address = ''] = line.trim().split(/\s+/, 2);
    return keyword === 'nameserver' && isIP(address) !== 0 ? [address] : [];
  });
}
