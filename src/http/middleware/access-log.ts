/**
 * The access log, in uvicorn's format, where RaspAP's page looks for it:
 *
 *     INFO: 192.168.0.102:58844 - "GET /clients/wlan0 HTTP/1.1" 200 OK
 *
 * It never contains query strings or headers, as those may hold keys.
 */
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Middleware } from 'koa';
import type { ForwardedFor } from '../../access/client-address.js';
import type { AccessLogMode } from '../../config/config.js';

/** The client's end of a connection. */
export type Peer = Pick<Socket, 'remoteAddress' | 'remotePort'>;

export interface AccessLog {
  /**
   * Records a response.
   *
   * @param peer the client, if it was saved before the response: a closed connection no longer has it
   */
  record(request: IncomingMessage, status: number, peer?: Peer): void;
  /** Writes what a summary has counted so far. */
  close(): void;
}

/**
 * Logs every response that Koa sends.
 *
 * @example app.use(logAccess(createAccessLog('all', (text) => process.stdout.write(text))));
 */
export function logAccess(log: AccessLog): Middleware {
  return function logAccess({ req, res }, next) {
    const { remoteAddress, remotePort } = req.socket;
    res.once('close', () => {
      if (res.headersSent) log.record(req, res.statusCode, { remoteAddress, remotePort });
    });
    return next();
  };
}

/**
 * Starts a log.
 *
 * @param write takes whole lines
 * @param forwardedFor returns the client's address if a trusted proxy names it. The port is 0 then, as with uvicorn
 */
export function createAccessLog(
  mode: AccessLogMode,
  write: (text: string) => void,
  forwardedFor: ForwardedFor = () => undefined,
): AccessLog {
  const summary = new Summary(write);
  return {
    record(request, status, peer = request.socket) {
      const forwarded = forwardedFor(request);
      const client = forwarded === undefined ? peer : { remoteAddress: forwarded, remotePort: 0 };
      // Every mode logs rejected keys, but never so often that they fill a disk.
      if (mode === 'summary' || (mode === 'off' && (status === 403 || status === 429))) summary.record(request, status, client, forwarded);
      else if (mode === 'all' || (mode === 'errors' && status >= 400)) write(`${lineOf(request, status, client)}\n`);
    },
    close: () => summary.close(),
  };
}

const INTERVAL_MS = 60_000;
/** Responses that a summary tells apart. Further ones are only counted: an attacker's thousand paths become one line. */
const MAX_ENTRIES = 1_000;
/** Characters of a path that are logged. The rest is cut. */
const MAX_PATH_LENGTH = 200;

/** Responses that count as the same. */
interface Entry {
  /** The line of the latest one. */
  line: string;
  repeats: number;
}

/** The previous response on a connection, so that a polling client costs no look-up. */
interface Previous {
  readonly url: string | undefined;
  readonly method: string | undefined;
  readonly status: number;
  /** The client's address if a proxy named it: several clients share such a connection. */
  readonly forwarded: string | undefined;
  readonly entry: Entry;
  readonly round: number;
}

/** Writes the first of equal responses, and once a minute how often it was repeated. */
class Summary {
  readonly #write: (text: string) => void;
  #entries = new Map<string, Entry>();
  /** Responses beyond {@link MAX_ENTRIES}. */
  #others = 0;
  /** Number of summaries so far. */
  #round = 0;
  #sinceMs = performance.now();
  readonly #previous = new WeakMap<Socket, Previous>();
  readonly #timer = setInterval(() => this.#summarize(), INTERVAL_MS);

  constructor(write: (text: string) => void) {
    this.#write = write;
    this.#timer.unref();
  }

  record(request: IncomingMessage, status: number, client: Peer, forwarded: string | undefined): void {
    const { url, method, socket } = request;
    const previous = this.#previous.get(socket);
    if (
      previous &&
      previous.url === url &&
      previous.status === status &&
      previous.method === method &&
      previous.round === this.#round &&
      previous.forwarded === forwarded
    ) {
      previous.entry.repeats++;
      return;
    }
    const entry = this.#count(request, status, client);
    if (entry) this.#previous.set(socket, { url, method, status, forwarded, entry, round: this.#round });
  }

  close(): void {
    clearInterval(this.#timer);
    this.#summarize();
  }

  /** Returns undefined if there are too many entries. */
  #count(request: IncomingMessage, status: number, client: Peer): Entry | undefined {
    const line = lineOf(request, status, client);
    const key = `${status} ${client.remoteAddress} ${request.method} ${pathOf(request.url)}`;
    const known = this.#entries.get(key);
    if (known) {
      known.repeats++;
      known.line = line;
      return known;
    }
    if (this.#entries.size >= MAX_ENTRIES) {
      this.#others++;
      return undefined;
    }
    const entry = { line, repeats: 0 };
    this.#entries.set(key, entry);
    this.#write(`${line}\n`);
    return entry;
  }

  #summarize(): void {
    const seconds = Math.max(1, Math.round((performance.now() - this.#sinceMs) / 1000));
    this.#sinceMs = performance.now();
    const repeated = [...this.#entries].filter(([, { repeats }]) => repeats > 0);
    for (const [, { line, repeats }] of repeated) this.#write(`${line}, ${repeats} more in ${seconds} s\n`);
    if (this.#others > 0) this.#write(`INFO: ${this.#others} more responses to other addresses and paths in ${seconds} s\n`);
    this.#entries = new Map(repeated.map(([key, { line }]) => [key, { line, repeats: 0 }]));
    this.#others = 0;
    this.#round++;
  }
}

function lineOf({ method, url, httpVersion }: IncomingMessage, status: number, { remoteAddress = '-', remotePort = 0 }: Peer): string {
  const address = remoteAddress.startsWith('::ffff:') ? remoteAddress.slice(7) : remoteAddress;
  const shown = address.includes(':') ? `[${address}]` : address;
  return `INFO: ${shown}:${remotePort} - "${method} ${pathOf(url)} HTTP/${httpVersion}" ${status} ${STATUS_CODES[status] ?? ''}`;
}

/** Returns the path without its query. Characters that could forge a line are written as %XX. */
function pathOf(url = '/'): string {
  const path = url.split('?', 1)[0] ?? '/';
  const shown = path.length > MAX_PATH_LENGTH ? `${path.slice(0, MAX_PATH_LENGTH)}…` : path;
  return shown.replace(/[^\x21\x23-\x7e\u2026]/g, (char) => `%${(char.charCodeAt(0) & 0xff).toString(16).padStart(2, '0').toUpperCase()}`);
}
