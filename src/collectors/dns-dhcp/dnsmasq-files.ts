/** dnsmasq's configuration files. */
import { orUndefined, SourceError } from '../../errors.js';
import type { Machine } from '../../machine/machine.js';

export interface DnsmasqFile {
  readonly path: string;
  readonly text: string;
}

const FOLDER = '/etc/dnsmasq.d';

/** Maximum files. More are a mistake, and reading them would block a worker. */
const MAX_FILES = 1_000;
/** Maximum size of a file. Some are lists of half a million blocked names. */
const MAX_BYTES = 16 << 20;
/** Maximum size without lists of domains: four thousand static leases. The text is parsed several times. */
const MAX_OTHER_CHARS = 256 << 10;

/**
 * Reads the files that Debian's dnsmasq.service reads, in its order: those in /etc/dnsmasq.d without what editors and dpkg leave.
 * Options for single domains are left out of the texts.
 *
 * @throws {SourceError} if a file can't be read, or there are too many
 */
export function readDnsmasqFiles(machine: Machine): DnsmasqFile[] {
  return listFiles(machine).flatMap((path) => readIfFile(machine, path));
}

/** Reads the same files as {@link readDnsmasqFiles}, without those that can't be read. For callers that only need the paths in them. */
export function readableDnsmasqFiles(machine: Machine): DnsmasqFile[] {
  const paths = orUndefined(() => listFiles(machine)) ?? ['/etc/dnsmasq.conf'];
  return paths.flatMap((path) => orUndefined(() => readIfFile(machine, path)) ?? []);
}

function listFiles(machine: Machine): string[] {
  const names = machine.list(FOLDER).filter((name) => !/^[.#]|[~#]$|\.dpkg-(?:dist|old|new)$/.test(name));
  if (names.length > MAX_FILES) throw new SourceError('too-large', `${FOLDER}: has more than ${MAX_FILES} files`);
  return ['/etc/dnsmasq.conf', ...names.sort().map((name) => `${FOLDER}/${name}`)];
}

/** Options for single domains. No caller needs them, and parsing half a million several times takes seconds. */
const OF_DOMAINS = /^(?:address|ipset|local|nftset|server)=\/.*\n/gm;

/** Reads a file. Like dnsmasq it ignores what isn't a file, such as a folder of backups in /etc/dnsmasq.d. */
function readIfFile(machine: Machine, path: string): DnsmasqFile[] {
  try {
    const text = machine.readTextIfThere(path, MAX_BYTES)?.replace(OF_DOMAINS, '');
    if (text === undefined) return [];
    if (text.length > MAX_OTHER_CHARS) {
      throw new SourceError('too-large', `${path}: has more than ${MAX_OTHER_CHARS} characters besides lists of domains`);
    }
    return [{ path, text }];
  } catch (error) {
    if (error instanceof SourceError && error.code === 'not-a-file') return [];
    throw error;
  }
}
