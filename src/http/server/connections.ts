/**
 * Limits the number of connections, and evicts one for a new one.
 *
 *     connect ─▶ 'silent' ─ request ─▶ 'busy' ─ response sent ─▶ 'idle' ─ request ─▶ 'busy' …
 *
 * At the limit, the server evicts a waiting (silent or idle) connection of the address that has most of them: silent ones first, the oldest
 * first. So ten thousand sockets from one address shut nobody out. If no connection is waiting, the server evicts one whose client doesn't
 * read its response, of another address than the new connection's. If there is none either, the new connection gets 503.
 */
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import type { Socket } from 'node:net';
import { networkOf, plainAddress } from '../../access/client-address.js';
import { HttpProblem, problemResponse, rawProblem } from '../responses/problem.js';
import { sendReady } from '../responses/ready.js';
import { MAX_HEADERS, MAX_PIPELINED } from './limits.js';
import { onceAMinute } from './once-a-minute.js';

/** Age at which an unread response may have to make room for another client. */
const SLOW_MS = 1_000;
/** Time that a client gets to read the last response: closing at once could lose it. */
const LINGER_MS = 1_000;
/** Maximum number of rejected connections that are open to read why. Further ones are closed without a response. */
const MAX_REJECTED = 32;

/** `closed`: the connection was evicted, or its client has left. */
type State = 'silent' | 'busy' | 'idle' | 'closed';

interface Connection {
  readonly socket: Socket;
  readonly network: Network;
  state: State;
  /** When it last became busy, by `performance.now()`. */
  busySinceMs: number;
  /** Number of requests that wait for their response. */
  pending: number;
  /** The response to the latest of them. */
  response: ServerResponse | undefined;
  /** Called when a response is sent or given up. Made once per connection, not per request. */
  readonly responded: () => void;
}

/** The connections of one client address, or of its /64 network with IPv6. */
interface Network {
  readonly name: string;
  /** All of them, the oldest first. */
  readonly open: Set<Connection>;
  /** Number of those that are silent or idle, so can be closed without harm. */
  waiting: number;
}

export interface ConnectionOptions {
  /** Maximum number of connections. */
  readonly max: number;
  /** Handles requests that are within the limits. */
  readonly handle: RequestListener;
  /** Writes a line to the log. */
  readonly log: (line: string) => void;
  readonly lingerMs?: number | undefined;
}

export class Connections {
  readonly #options: ConnectionOptions;
  readonly #warn: (line: string) => void;
  readonly #lingerMs: number;
  /** With TLS, a connection's socket isn't the one that its requests name. */
  readonly #isSecure: boolean;
  readonly #networks = new Map<string, Network>();
  #open = 0;
  /** By the socket that requests name. */
  readonly #bySocket = new WeakMap<Socket, Connection>();
  /** TLS connections by their endpoints: the encrypted socket has nothing else in common with the one that requests name. */
  readonly #byEndpoints = new Map<string, Connection>();
  #rejected = 0;

  constructor(server: Server | SecureServer, options: ConnectionOptions) {
    this.#options = options;
    this.#warn = onceAMinute(options.log);
    this.#lingerMs = options.lingerMs ?? LINGER_MS;
    this.#isSecure = 'setSecureContext' in server;
    server.on('connection', (socket: Socket) => this.#connected(socket));
    server.on('secureConnection', (socket: Socket) => {
      const connection = this.#byEndpoints.get(endpointsOf(socket));
      if (connection) this.#bySocket.set(socket, connection);
    });
    server.on('request', (request, response) => this.#requested(request, response));
  }

  /** Checks whether an error can be written to a connection without breaking into a response. */
  isWritable(socket: Socket): boolean {
    const connection = this.#bySocket.get(socket);
    return !connection?.response || (connection.pending === 1 && !connection.response.headersSent);
  }

  /** Checks whether a request is being handled and the client has read all that was sent. */
  isHandling(socket: Socket): boolean {
    return (this.#bySocket.get(socket)?.pending ?? 0) > 0 && socket.writableLength === 0;
  }

  /**
   * Evicts a connection, if there is one to evict.
   *
   * @param network the network of the new connection
   * @returns whether there was one
   */
  makeRoom(network?: string): boolean {
    const victim = this.#longestWaiting() ?? this.#slowest(network);
    if (!victim) return false;
    this.#forget(victim);
    victim.socket.destroy();
    return true;
  }

  /** Writes the last response on a connection, and closes it when the client has closed its end, or after a moment. */
  endSoon(socket: Socket, bytes: string): void {
    socket.end(bytes);
    const timer = setTimeout(() => socket.destroy(), this.#lingerMs);
    socket.once('close', () => clearTimeout(timer));
  }

  #connected(socket: Socket): void {
    // A connection that is reset later no longer has its address.
    const name = networkOf(plainAddress(socket.remoteAddress ?? ''));
    if (this.#open >= this.#options.max && !this.#makeRoomAtLimit(name)) {
      this.#reject(socket);
      return;
    }
    const network = this.#networks.get(name) ?? { name, open: new Set(), waiting: 0 };
    this.#networks.set(name, network);
    const responded = () => this.#responded(connection);
    const connection: Connection = { socket, network, state: 'silent', busySinceMs: 0, pending: 0, response: undefined, responded };
    network.open.add(connection);
    network.waiting++;
    this.#open++;
    this.#bySocket.set(socket, connection);
    socket.once('close', () => this.#forget(connection));
    if (this.#isSecure) this.#rememberEndpoints(connection);
  }

  #makeRoomAtLimit(network: string): boolean {
    this.#warn(`${this.#options.max} connections are open, the limit (--max-connections): waiting ones are closed for new ones`);
    return this.makeRoom(network);
  }

  #rememberEndpoints(connection: Connection): void {
    const { socket } = connection;
    const endpoints = endpointsOf(socket);
    this.#byEndpoints.set(endpoints, connection);
    socket.once('close', () => {
      // The next connection from the same port may already be open.
      if (this.#byEndpoints.get(endpoints) === connection) this.#byEndpoints.delete(endpoints);
    });
  }

  #reject(socket: Socket): void {
    // A connection that isn't encrypted yet can't be sent a response.
    if (this.#isSecure || this.#rejected >= MAX_REJECTED) {
      socket.destroy();
      return;
    }
    this.#rejected++;
    socket.once('close', () => this.#rejected--);
    const detail = `${this.#options.max} connections are busy, the limit; try again in a moment`;
    this.endSoon(socket, rawProblem(new HttpProblem(503, detail, { headers: { 'Retry-After': '5' } })));
  }

  #requested(request: IncomingMessage, response: ServerResponse): void {
    const connection = this.#bySocket.get(request.socket);
    // Rejected or evicted connections get no response.
    if (!connection || connection.state === 'closed') return;
    if (connection.pending >= MAX_PIPELINED) {
      connection.socket.destroy();
      return;
    }
    if (connection.state !== 'busy') {
      connection.state = 'busy';
      connection.network.waiting--;
      connection.busySinceMs = performance.now();
    }
    connection.pending++;
    connection.response = response;
    response.on('close', connection.responded);
    const { headers, rawHeaders } = request;
    if ('content-length' in headers || 'transfer-encoding' in headers) this.#closeIfBodyGoesOn(request, response);
    if (rawHeaders.length > 2 * MAX_HEADERS) sendReady(request, response, TOO_MANY_HEADERS, ['Connection', 'close']);
    else this.#options.handle(request, response);
  }

  #responded(connection: Connection): void {
    connection.pending--;
    if (connection.pending > 0) return;
    connection.response = undefined;
    if (connection.state !== 'busy') return;
    connection.state = 'idle';
    connection.network.waiting++;
  }

  /** Closes a connection whose unwanted body goes on after the response. The client may send all of it before it reads the response. */
  #closeIfBodyGoesOn(request: IncomingMessage, response: ServerResponse): void {
    response.once('finish', () => {
      if (request.complete) return;
      const timer = setTimeout(() => {
        if (!request.complete) request.socket.destroy();
      }, this.#lingerMs);
      request.once('close', () => clearTimeout(timer));
    });
  }

  /** Of the network with most waiting connections, returns the oldest silent one, or else the one whose last request is the oldest. */
  #longestWaiting(): Connection | undefined {
    const network = largest(this.#networks.values(), ({ waiting }) => waiting);
    if (!network) return undefined;
    let longest: Connection | undefined;
    for (const connection of network.open) {
      if (connection.state === 'silent') return connection;
      if (connection.state === 'idle' && (!longest || connection.busySinceMs < longest.busySinceMs)) longest = connection;
    }
    return longest;
  }

  /** Of the network with most unread responses, but not of `except`, returns the connection whose response has waited for longest. */
  #slowest(except: string | undefined): Connection | undefined {
    const before = performance.now() - SLOW_MS;
    const isSlow = ({ busySinceMs, response }: Connection) => busySinceMs <= before && (response?.req.socket.writableLength ?? 0) > 0;
    const others = [...this.#networks.values()].filter(({ name }) => name !== except);
    const slow = largest(
      others.map(({ open }) => [...open].filter(isSlow)),
      ({ length }) => length,
    );
    return slow?.reduce((a, b) => (a.busySinceMs <= b.busySinceMs ? a : b));
  }

  #forget(connection: Connection): void {
    const { network, state } = connection;
    if (state === 'closed') return;
    connection.state = 'closed';
    this.#open--;
    if (state !== 'busy') network.waiting--;
    network.open.delete(connection);
    if (network.open.size === 0) this.#networks.delete(network.name);
  }
}

const TOO_MANY_HEADERS = problemResponse(new HttpProblem(431, `the request has more than ${MAX_HEADERS} headers`));

const endpointsOf = ({ remoteAddress, remotePort, localAddress }: Socket) => `${remoteAddress} ${remotePort} ${localAddress}`;

/** Returns the largest value; of several, the first. Returns undefined if none has a size. */
function largest<T>(values: Iterable<T>, sizeOf: (value: T) => number): T | undefined {
  let found: T | undefined;
  let size = 0;
  for (const value of values) {
    if (sizeOf(value) <= size) continue;
    found = value;
    size = sizeOf(value);
  }
  return found;
}
