/** Advice for a source that gives no value. */
import type { Failure } from './messages.js';

/** Debian's packages of the programs that collectors start. */
const PACKAGES: Readonly<Record<string, string>> = {
  iw: 'iw',
  ip: 'iproute2',
  vcgencmd: 'raspi-utils',
};

/**
 * Returns what to do about a failure, in one line.
 *
 * @param ofCollector advice in the definition of the collector
 */
export function adviceFor({ code, message }: Pick<Failure, 'code' | 'message'>, ofCollector: string | undefined): string {
  switch (code) {
    case 'program-missing': {
      const program = message.split(':', 1)[0] ?? '';
      return `apt-get install ${PACKAGES[program] ?? program}`;
    }
    case 'permission':
      return ofCollector ?? 'run the service as a user or in a group that can read it (ls -l shows which)';
    case 'program-failed':
      return ofCollector ?? 'run the program by hand, as the user of the service, to see more';
    case 'timeout':
    case 'thread-lost':
      return 'run it by hand: if it hangs too, look for errors of the driver in dmesg';
    case 'internal':
      return 'this is a bug in apsnap: please report it with this line';
    default:
      return 'check the source: it is not in the form that this collector expects';
  }
}
