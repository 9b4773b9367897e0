/** What to do about a source that gives no value. */
import type { Failure } from './messages.js';

/** Debian's packages of the programs that are started. */
const PACKAGES: Readonly<Record<string, string>> = {
  iw: 'iw',
  ip: 'iproute2',
  vcgencmd: 'raspi-utils',
};

/**
 * @param ofCollector what its definition says of it
 * @returns one line
 */
export function adviceFor({ code, message }: Pick<Failure, 'code' | 'message'>, ofCollector: string | undefined): string {
  switch (code) {
    case 'program-missing': {
      const program = message.split(':', 1)[0] ?? '';
      return `apt-get install ${PACKAGES[program] ?? program}`;
    }
    case 'permission':
      return ofCollector ?? 'run the service as a user or in a group that may read it (ls -l shows which)';
    case 'program-failed':
      return ofCollector ?? 'run the program by hand, as the user of the service: it says more';
    case 'timeout':
    case 'thread-lost':
      return 'run it by hand: if it hangs there too, its driver does (see dmesg)';
    case 'internal':
      return 'a defect of apsnap: please report it, with this line';
    default:
      return 'look at what is there: it is not what this collector expects';
  }
}
