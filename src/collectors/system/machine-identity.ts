import { orUndefined, quote, SourceError } from '../../errors.js';
import type { Machine } from '../../machine/machine.js';
import { collector } from '../../model/collector.js';
import type { MetricFamily } from '../../model/metrics.js';
import { integer, nullable, object, string } from '../../model/schema.js';
import { boardName } from './board.js';

const DEFAULTS_PHP = 'includes/defaults.php';

/** Names, versions and board of the machine. Its public name is `host`. */
export const machineIdentity = collector({
  name: 'host',
  summary: 'Host name, operating system, kernel, board and RaspAP version',
  trigger: 'schedule',
  schedule: '*/30 * * * * *',
  lane: 'quick',
  required: true,
  view: object({
    hostname: string('Host name of the machine.'),
    operatingSystem: nullable(string('Name and version of the distribution. `null` if /etc/os-release names none.')),
    kernelVersion: string('Kernel release.'),
    processorCount: integer('Number of configured processors, as `nproc --all` prints it.'),
    revision: nullable(string('Revision code of a Raspberry Pi board. `null` for other boards.')),
    board: string('Board model, or `Unknown Device`.'),
    raspapVersion: nullable(string('RaspAP version. `null` if RaspAP is not installed.')),
  }),
  absent: {
    hostname: '',
    operatingSystem: null,
    kernelVersion: '',
    processorCount: 0,
    revision: null,
    board: 'Unknown Device',
    raspapVersion: null,
  },
  read(machine) {
    const osRelease = machine.readTextIfThere('/etc/os-release') ?? machine.readTextIfThere('/usr/lib/os-release');
    const revision = parseRevision(machine.readTextIfThere('/proc/cpuinfo') ?? '');
    const model = machine.readTextIfThere('/proc/device-tree/model')?.replace(/\0.*$/s, '');
    const nodename = readName(machine, '/proc/sys/kernel/hostname');
    const release = readName(machine, '/proc/sys/kernel/osrelease');
    return {
      metrics: () => [unameInfo(machine, nodename, release)],
      value: {
        hostname: nodename,
        operatingSystem: osRelease === undefined ? null : parsePrettyName(osRelease),
        kernelVersion: release,
        processorCount: readProcessorCount(machine),
        revision,
        board: (revision && boardName(revision)) || model || 'Unknown Device',
        raspapVersion: readRaspapVersion(machine),
      },
    };
  },
});

/** Reads one of the kernel's names, uname(2): one line of up to 64 characters. */
function readName(machine: Machine, path: string): string {
  const text = machine.readText(path);
  if (!/^(?=\S)[^\p{C}]{1,64}\n?$/u.test(text)) throw new SourceError('malformed', `${path}: expected a name: ${quote(text)}`);
  return text.trim();
}

/**
 * Builds uname(2) from the kernel's files. `arch` exists since Linux 6.1: before that, `machine` is empty. A file that can't be read
 * leaves its label empty, as only this metric needs it.
 */
function unameInfo(machine: Machine, nodename: string, release: string): MetricFamily {
  const word = (file: string) => orUndefined(() => machine.readText(`/proc/sys/kernel/${file}`).trim().slice(0, 64)) ?? '';
  const labels = {
    ...{ sysname: word('ostype'), release, version: word('version') },
    ...{ machine: word('arch'), nodename, domainname: word('domainname') },
  };
  const help = 'Labeled system information as provided by the uname system call.';
  return { name: 'node_uname_info', help, type: 'info', samples: [{ labels, value: 1 }] };
}

/**
 * Parses `Revision` in /proc/cpuinfo, which only a Raspberry Pi's kernel writes.
 *
 *     Revision	: a02082
 */
export function parseRevision(cpuinfo: string): string | null {
  return /^Revision\s*: ([0-9a-f]+)$/m.exec(cpuinfo)?.[1] ?? null;
}

/**
 * Parses `PRETTY_NAME` of os-release(5): shell-like quoting, so a backslash escapes the next character.
 *
 *     PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
 */
export function parsePrettyName(text: string): string | null {
  const value = /^PRETTY_NAME=(.*)$/m.exec(text)?.[1]?.trim();
  if (!value) return null;
  const quoted = /^(["'])(.*)\1$/.exec(value);
  return (quoted?.[2] ?? value).replace(/\\(.)/g, '$1');
}

/** Reads what glibc reads for `nproc --all`. Without /sys, counts the processors that are online. */
function readProcessorCount(machine: Machine): number {
  const possible = machine.readTextIfThere('/sys/devices/system/cpu/possible');
  if (possible !== undefined) return parseCpuList(possible);
  return machine.readText('/proc/stat').match(/^cpu\d/gm)?.length ?? 1;
}

/**
 * Counts the processors in a list of /sys/devices/system/cpu (kernel documentation, admin-guide/cputopology).
 *
 *     0-3,8-11
 */
export function parseCpuList(text: string): number {
  let count = 0;
  for (const range of text.trim().split(',')) {
    const match = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(range);
    const first = Number(match?.[1]);
    const last = Number(match?.[2] ?? first);
    if (!match || last < first) throw new SourceError('malformed', `cpu/possible: expected a list of processors: ${quote(text)}`);
    count += last - first + 1;
  }
  return count;
}

function readRaspapVersion(machine: Machine): string | null {
  for (const webRoot of new Set(['/var/www/html', readDocumentRoot(machine)])) {
    const defaults = webRoot && machine.readTextIfThere(`${webRoot}/${DEFAULTS_PHP}`);
    if (defaults) return parseRaspapVersion(defaults);
  }
  return null;
}

function readDocumentRoot(machine: Machine): string | undefined {
  const lighttpd = machine.readTextIfThere('/etc/lighttpd/lighttpd.conf');
  return lighttpd && /^[ \t]*server\.document-root[ \t]*=[ \t]*"(\/[^"]*)"/m.exec(lighttpd)?.[1];
}

/**
 * Parses the version in RaspAP's includes/defaults.php.
 *
 *     'RASPI_VERSION' => '3.5.1',
 *
 * It is in an array of constants; up to 2.5 it was `define('RASPI_VERSION', '2.5');`.
 */
export function parseRaspapVersion(php: string): string | null {
  return /['"]RASPI_VERSION['"]\s*(?:=>|,)\s*['"]([^'"]{1,40})['"]/.exec(php)?.[1] ?? null;
}
