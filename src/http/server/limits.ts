/** What a client may take of the service, at most: the README's table of limits. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';

export interface Limits {
  /** Connections at once. */
  readonly maxConnections: number;
  /** From the start of a connection, or of a request, to the end of its headers. */
  readonly headersMs: number;
  /** From the start of a request to the end of its body. */
  readonly requestMs: number;
  /** How long a connection may wait for another request. */
  readonly idleMs: number;
  /** How long a client may take nothing of its answer. */
  readonly sendMs: number;
}

/** All headers of a request together, and what it asks for. */
export const MAX_HEADER_BYTES = 16_384;
export const MAX_HEADERS = 100;
/** Requests on one connection that are not answered yet: each takes some 10 KB, and one packet could bring thousands. */
export const MAX_PIPELINED = 16;

/** What sampling, watching and a start of programs need besides those that are open when the service listens. */
const SPARE_DESCRIPTORS = 64;
const MIN_CONNECTIONS = 8;

/**
 * How many connections the file descriptors suffice for, so that none is missing for a sample or a new key.
 *
 * proc_pid_limits(5); the soft limit counts, which Node raises to the hard one when it starts.
 *
 *     Max open files            1024                 524288               files
 *
 * @param wanted how many there may be otherwise
 */
export function affordableConnections(wanted: number): { readonly connections: number; readonly descriptors: number } {
  // In a root where no /proc is mounted, the limit is not known: what cannot be taken is told of when it happens.
  if (!existsSync('/proc/self/fd')) return { connections: wanted, descriptors: Number.POSITIVE_INFINITY };
  const soft = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
  const descriptors = soft === undefined ? Number.POSITIVE_INFINITY : Number(soft); // unlimited
  const free = descriptors - readdirSync('/proc/self/fd').length - SPARE_DESCRIPTORS;
  return { connections: Math.min(wanted, Math.max(MIN_CONNECTIONS, free)), descriptors };
}
