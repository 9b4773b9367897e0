/** dnsmasq's configuration files: which there are, and what a line of them says. */
import { SourceError } from './errors.js';
import type { Host } from './host.js';

export interface DnsmasqFile {
  readonly path: string;
  readonly text: string;
}

export const DNSMASQ_SOURCES = ['/etc/dnsmasq.conf', '/etc/dnsmasq.d/*'] as const;

/**
 * The files that Debian's dnsmasq.service reads, in its order: those in /etc/dnsmasq.d without what editors and dpkg leave.
 *
 * @throws SourceError one is there and cannot be read
 */
export function readDnsmasqFiles(host: Host): DnsmasqFile[] {
  const names = host.list('/etc/dnsmasq.d').filter((name) => !/^[.#]|[~#]$|\.dpkg-(?:dist|old|new)$/.test(name));
  const paths = ['/etc/dnsmasq.conf', ...names.sort().map((name) => `/etc/dnsmasq.d/${name}`)];
  return paths.flatMap((path) => {
    const text = readIfFile(host, path);
    return text === undefined ? [] : [{ path, text }];
  });
}

/** dnsmasq passes over what is no file, such as a folder of backups in /etc/dnsmasq.d. */
function readIfFile(host: Host, path: string): string | undefined {
  try {
    return host.readTextIfThere(path);
  } catch (error) {
    if (error instanceof SourceError && error.code === 'not-a-file') return undefined;
    throw error;
  }
}

/**
 * Values of an option, in the order in which they stand: `option=value`, blanks around both allowed, a comment after ` #`.
 *
 *     interface=wlan0        # RaspAP wlan0 configuration
 */
export function optionValues(text: string, option: string): string[] {
  const values: string[] = [];
  for (const line of text.split('\n')) {
    const equals = line.indexOf('=');
    if (equals < 0 || line.slice(0, equals).trim() !== option) continue;
    values.push(
      line
        .slice(equals + 1)
        .replace(/\s#.*$/, '')
        .trim(),
    );
  }
  return values;
}
