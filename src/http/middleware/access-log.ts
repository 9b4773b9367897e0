/**
 * The access log, in uvicorn's shape, where RaspAP's page looks for it:
 *
 *     INFO: 192.168.0.102:58844 - "GET /clients/wlan0 HTTP/1.1" 200 OK
 *
 * No query string and no header ever gets into it.
 */
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { ForwardedFor } from '../../access/client-address.js';

/**
 * all: each answer; errors: those from 400; off: none but refused keys;
 * summary: the first of an address, path and status at once, its repeats as one line a minute.
 */
export const ACCESS_LOG_MODES = ['summary', 'all', 'errors', 'off'] as const;
export type AccessLogMode = (typeof ACCESS_LOG_MODES)[number];

/** The client's end of a connection. */
export type Peer = Pick<Socket, 'remoteAddress' | 'remotePort'>;

export interface AccessLog {
  /**
   * Records an answer that is being sent, or has been.
   *
   * @param peer who asked, as it was before the answer: a connection that is closed knows no more
   */
  record(request: IncomingMessage, status: number, peer?: Peer): void;
  /** Writes what has not been written. */
  close(): void;
}

const INTERVAL_MS = 60_000;
/** How many different answers a summary tells apart: an attacker's thousand paths are one line. */
const MAX_ENTRIES = 1_000;
const MAX_PATH = 200;

interface Entry {
  /** The line of the last of them. */
  line: string;
  repeats: number;
}

/** What a connection asked last, so that a client that polls costs no look-up. */
interface Last {
  readonly url: string | undefined;
  readonly method: string | undefined;
  readonly status: number;
  /** Who it was, where a proxy says so: the connection is everybody's then. */
  readonly forwarded: string | undefined;
  readonly entry: Entry;
  readonly round: number;
}

/**
 * @param write takes whole lines
 * @param forwardedFor who a trusted proxy says it was; as uvicorn does, we show port 0 then
 */
export function createAccessLog(
  mode: AccessLogMode,
  write: (text: string) => void,
  forwardedFor: ForwardedFor = () => undefined,
): AccessLog {
  let entries = new Map<string, Entry>();
  let others = 0;
  let round = 0;
  const lastOf = new WeakMap<Socket, Last>();

  let sinceMs = performance.now();

  function summarize(): void {
    const seconds = Math.max(1, Math.round((performance.now() - sinceMs) / 1000));
    sinceMs = performance.now();
    const repeated = new Map<string, Entry>();
    for (const [key, entry] of entries) {
      if (entry.repeats === 0) continue;
      write(`${entry.line}, ${entry.repeats} more in ${seconds} s\n`);
      repeated.set(key, { line: entry.line, repeats: 0 });
    }
    if (others > 0) write(`INFO: ${others} answers to further addresses and paths in ${seconds} s\n`);
    entries = repeated;
    others = 0;
    round++;
  }

  function recordSummary(request: IncomingMessage, status: number, connected: Peer): void {
    const { url, method, socket } = request;
    const forwarded = forwardedFor(request);
    const last = lastOf.get(socket);
    if (
      last &&
      last.url === url &&
      last.status === status &&
      last.method === method &&
      last.round === round &&
      last.forwarded === forwarded
    ) {
      last.entry.repeats++;
      return;
    }
    const peer = forwarded === undefined ? connected : { remoteAddress: forwarded, remotePort: 0 };
    const key = `${status} ${peer.remoteAddress} ${method} ${pathOf(url)}`;
    let entry = entries.get(key);
    if (entry) {
      entry.repeats++;
      entry.line = lineOf(request, status, peer);
    } else if (entries.size >= MAX_ENTRIES) {
      others++;
      return;
    } else {
      entry = { line: lineOf(request, status, peer), repeats: 0 };
      entries.set(key, entry);
      write(`${entry.line}\n`);
    }
    lastOf.set(socket, { url, method, status, forwarded, entry, round });
  }

  const timer = setInterval(summarize, INTERVAL_MS);
  timer.unref();
  return {
    record(request, status, peer = request.socket) {
      // A refused key is told of in any mode, and never so often that it fills a disk.
      if (mode === 'summary' || (mode === 'off' && (status === 403 || status === 429))) recordSummary(request, status, peer);
      else if (mode === 'all' || (mode === 'errors' && status >= 400)) {
        const forwarded = forwardedFor(request);
        write(`${lineOf(request, status, forwarded === undefined ? peer : { remoteAddress: forwarded, remotePort: 0 })}\n`);
      }
    },
    close() {
      clearInterval(timer);
      summarize();
    },
  };
}

function lineOf({ method, url, httpVersion }: IncomingMessage, status: number, { remoteAddress = '-', remotePort = 0 }: Peer): string {
  const address = remoteAddress.startsWith('::ffff:') ? remoteAddress.slice(7) : remoteAddress;
  const shown = address.includes(':') ? `[${address}]` : address;
  return `INFO: ${shown}:${remotePort} - "${method} ${pathOf(url)} HTTP/${httpVersion}" ${status} ${STATUS_CODES[status] ?? ''}`;
}

/** The path without its query, with whatever could forge a line written as %XX. */
function pathOf(url = '/'): string {
  const path = url.split('?', 1)[0] ?? '/';
  const shown = path.length > MAX_PATH ? `${path.slice(0, MAX_PATH)}…` : path;
  return shown.replace(/[^\x21\x23-\x7e…]/g, (char) => `%${(char.charCodeAt(0) & 0xff).toString(16).padStart(2, '0').toUpperCase()}`);
}
