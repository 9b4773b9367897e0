/**
 * Follows `ip monitor`, which reports changes of neighbours, addresses and links, so that `ip` need not be started on a schedule.
 *
 *     const ipMonitor = followIpMonitor(machine);                            // in the main thread
 *     ipMonitor.read();                                                      // when a cycle is wanted
 *     setImmediate(() => { request.ipMonitor = ipMonitor.take(); … });       // with its request
 *
 * Nothing is read in between: each line would wake the thread, which takes 0.1 ms (100 changes a second: 10 ms of CPU).
 *
 * The lines go as they are to the collectors with `followsIpMonitor`. These start with a dump of `ip neigh` or `ip addr`, and dump again
 * after a gap.
 */
import { debuglog } from 'node:util';
import type { Machine } from '../machine/machine.js';
import type { IpMonitorLines } from '../model/collector.js';
import { monotonicMs } from './clock.js';
import { keepFollowing } from './follow.js';

const log = debuglog('apsnap:ip-monitor');

/** The JSON of `ip -j monitor` differs between versions of iproute2, or is text. This form is the same in 6.1 and 6.15. */
const ARGS = ['-o', 'monitor', 'label', 'link', 'address', 'neigh'];

/**
 * Maximum lines between two cycles. The pipe holds some 270, so beyond it there are more that can't be read now. All of them are a gap:
 * a dump is more current, and takes less time.
 */
const MAX_LINES = 250;

export interface IpMonitor {
  /** Reads what was printed. If a timer calls this, the lines arrive before the next `setImmediate`, else perhaps after it. */
  read(): void;
  /**
   * Returns what was read since the previous call. Undefined while `ip monitor` isn't running. If events were missed, `sinceMs` is later
   * than in the previous call, and the lines are those since then.
   */
  take(): IpMonitorLines | undefined;
  stop(): void;
}

/** What is known while `ip monitor` is running. */
interface Running {
  sinceMs: number;
  lines: string[];
  /** Names of the links by index. Undefined until they are known. */
  names: Map<string, string> | undefined;
}

/** Starts `ip monitor`. If it ends, starts it again with growing delays. */
export function followIpMonitor(machine: Machine): IpMonitor {
  let running: Running | undefined;

  function skip(reason: string): void {
    log('gap: %s', reason);
    if (running) Object.assign(running, { sinceMs: monotonicMs(), lines: [] });
  }

  const program = keepFollowing(machine, 'ip', ARGS, {
    onStart() {
      const started: Running = { sinceMs: monotonicMs(), lines: [], names: undefined };
      running = started;
      machine.run('ip', ['-o', 'link']).then(
        (text) => {
          started.names = parseNames(text);
        },
        (error: Error) => log('%s', error.message),
      );
    },
    onLine(line) {
      if (!running) return;
      const link = parseLink(line);
      if (link && !isKnown(link, running.names)) {
        log('restart: %s', line);
        program.restart();
        return;
      }
      if (running.lines.length === MAX_LINES) skip(`more than ${MAX_LINES} lines`);
      running.lines.push(line);
    },
    // If the kernel dropped events: "netlink receive error No buffer space available (105)".
    onErrorLine: skip,
    onEnd() {
      running = undefined;
    },
    onDemand: true,
  });

  return {
    read: () => program.read(),
    take() {
      if (!running) return undefined;
      const { sinceMs, lines } = running;
      running.lines = [];
      return { sinceMs, lines };
    },
    stop: () => program.stop(),
  };
}

/** Parses `ip -o link`. Its lines are those of `ip monitor` without the label. */
function parseNames(text: string): Map<string, string> {
  const names = new Map<string, string>();
  for (const line of text.split('\n')) {
    const link = parseLink(line);
    if (link) names.set(link.index, link.name);
  }
  return names;
}

interface Link {
  readonly index: string;
  readonly name: string;
  readonly isDeleted: boolean;
}

/**
 * Parses a line about a link. Its peer, or the link below it, follows its name.
 *
 *     [LINK]4: v0@v1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default \\    link/ether 02:…
 *     [LINK]Deleted 4: v0@NONE: <BROADCAST,MULTICAST> mtu 1500 qdisc noop state DOWN group default \\    link/ether 02:…
 */
function parseLink(line: string): Link | undefined {
  const [, deleted, index, name] = /^(?:\[LINK\])?(Deleted )?(\d+): (\S+): </.exec(line) ?? [];
  return index && name ? { index, name: name.split('@', 1)[0] as string, isDeleted: deleted !== undefined } : undefined;
}

/**
 * Returns whether `ip monitor` knows a link by its current name. It looks up the names of neighbours in a table, where a link keeps the
 * name that it had at first. `names` is the same table.
 */
function isKnown({ index, name, isDeleted }: Link, names: Map<string, string> | undefined): boolean {
  if (!names) return false;
  if (isDeleted) names.delete(index);
  else if (!names.has(index)) names.set(index, name);
  return isDeleted || names.get(index) === name;
}
