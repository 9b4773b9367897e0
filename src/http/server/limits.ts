/** What one client may use of the service. docs/limits.md lists the limits. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** Maximum size of the request line and all headers. Larger requests get 431. */
export const MAX_HEADER_BYTES = 16_384;
/** Maximum number of headers. Requests with more get 431. */
export const MAX_HEADERS = 100;
/**
 * Maximum number of requests on one connection that wait for their response. A connection with more is closed: each takes about 10 KB, and
 * one packet could bring thousands.
 */
export const MAX_PIPELINED = 16;

/** File descriptors kept free for sampling and for starting programs. */
const SPARE_DESCRIPTORS = 64;
/** Minimum number of connections, however few file descriptors there are. */
const MIN_CONNECTIONS = 8;

/**
 * Returns how many connections the file descriptors suffice for, so that sampling never runs out of them.
 *
 * proc_pid_limits(5). The soft limit applies; Node raises it to the hard limit when it starts.
 *
 *     Max open files            1024                 524288               files
 *
 * @param wanted the configured number of connections
 */
export function affordableConnections(wanted: number): { readonly connections: number; readonly descriptors: number } {
  // Without /proc the limit isn't known. Running out of descriptors is reported when it happens.
  if (!existsSync('/proc/self/fd')) return { connections: wanted, descriptors: Number.POSITIVE_INFINITY };
  const soft = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
  const descriptors = soft === undefined ? Number.POSITIVE_INFINITY : Number(soft); // unlimited
  const free = descriptors - readdirSync('/proc/self/fd').length - SPARE_DESCRIPTORS;
  return { connections: Math.min(wanted, Math.max(MIN_CONNECTIONS, free)), descriptors };
}
