/** dnsmasq's configuration files: which there are, and what a line of them says. */
import { SourceError } from '../errors.js';
import type { Machine } from '../machine/machine.js';

export interface DnsmasqFile {
  readonly path: string;
  readonly text: string;
}

const FOLDER = '/etc/dnsmasq.d';

/** A folder of so many is a mistake, and reading them all would take a thread for good. */
const MAX_FILES = 1_000;
/** Lists of blocked names lie there too: of half a million lines. */
const MAX_BYTES = 16 << 20;
/** Of all else that one says, four thousand fixed leases: it is taken apart several times. */
const MAX_OTHER_CHARS = 256 << 10;

/**
 * The files that Debian's dnsmasq.service reads, in its order: those in /etc/dnsmasq.d without what editors and dpkg leave.
 * Their texts lack what they say of single domains.
 *
 * @throws SourceError one is there and cannot be read, or there are too many
 */
export function readDnsmasqFiles(machine: Machine): DnsmasqFile[] {
  return listFiles(machine).flatMap((path) => readIfFile(machine, path));
}

/** As {@link readDnsmasqFiles}, but without those that cannot be read: for whom the configuration only says where else to look. */
export function readableDnsmasqFiles(machine: Machine): DnsmasqFile[] {
  const paths = orNone(() => listFiles(machine)) ?? ['/etc/dnsmasq.conf'];
  return paths.flatMap((path) => orNone(() => readIfFile(machine, path)) ?? []);
}

function listFiles(machine: Machine): string[] {
  const names = machine.list(FOLDER).filter((name) => !/^[.#]|[~#]$|\.dpkg-(?:dist|old|new)$/.test(name));
  if (names.length > MAX_FILES) throw new SourceError('too-large', `${FOLDER}: has more than ${MAX_FILES} files`);
  return ['/etc/dnsmasq.conf', ...names.sort().map((name) => `${FOLDER}/${name}`)];
}

/** What is said of single domains: nobody here asks for it, and taking a list of half a million apart several times takes seconds. */
const OF_DOMAINS = /^(?:address|ipset|local|nftset|server)=\/.*\n/gm;

/** dnsmasq passes over what is no file, such as a folder of backups in /etc/dnsmasq.d. */
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

function orNone<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof SourceError) return undefined;
    throw error;
  }
}

/** A line of a configuration file. */
export interface DnsmasqOption {
  readonly name: string;
  /** null where there is no `=`. */
  readonly value: string | null;
  readonly comment: string | null;
}

/**
 * The options of a file, in their order, dnsmasq(8): `option=value` or `option`, blanks around both allowed, a comment after ` #`.
 *
 *     interface=lo,uap0               # Enable uap0 interface for wireless client AP mode
 *     bind-dynamic                    # Hybrid between --bind-interfaces and default
 *     server=8.8.8.8                  # Forward DNS requests to Google DNS
 */
export function parseOptions(text: string): DnsmasqOption[] {
  const options: DnsmasqOption[] = [];
  for (const whole of text.split('\n')) {
    const line = whole.trim();
    if (line === '' || line.startsWith('#') || line.startsWith('=')) continue;
    const hash = line.includes('#') ? line.search(/\s#/) : -1;
    const option = hash < 0 ? line : line.slice(0, hash);
    const equals = option.indexOf('=');
    options.push({
      name: (equals < 0 ? option : option.slice(0, equals)).trim(),
      value: equals < 0 ? null : option.slice(equals + 1).trim(),
      comment: hash < 0 ? null : line.slice(hash + 2).trim(),
    });
  }
  return options;
}

/** Values of an option, in the order in which they stand. */
export function optionValues(text: string, option: string): string[] {
  return parseOptions(text).flatMap(({ name, value }) => (name === option && value !== null ? [value] : []));
}
