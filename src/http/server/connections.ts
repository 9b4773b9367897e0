/**
 * Who may be connected, and who has to go for another.
 *
 *     connect ─▶ silent ─ request ─▶ asking ─ answered ─▶ idle ─ request ─▶ asking …
 *
 * There is always room for one more as long as somebody waits: where as many are connected as may be, the address that has most
 * connections waiting loses one, first of those that have asked nothing, then of those that are idle. So ten thousand sockets from one
 * place shut nobody out. If all are being answered, one goes whose client does not take its answer, if it is somebody else's. Else the new
 * one gets 503.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import type { Socket } from 'node:net';
import { networkOf, plainAddress } from '../../access/client-address.js';
import { SECURITY_HEADERS } from '../middleware/security-headers.js';
import { PROBLEM_TYPE, problemBody, rawProblem } from '../responses/problem.js';
import { MAX_HEADERS, MAX_PIPELINED } from './limits.js';

/** An answer that is not taken by then may have to make room for somebody else's. */
const SLOW_MS = 1_000;
/** Who was refused has so long to take it down; to close at once would lose what is on its way. */
const LINGER_MS = 1_000;
/** Of those who are refused, so many are told why at a time. */
const MAX_TOLD = 32;
const TELL_EVERY_MS = 60_000;

/** The connections of one address that can be closed without harm. A set has the oldest first. */
interface Waiting {
  /** Those that have never asked. */
  readonly silent: Set<Connection>;
  /** Those whose requests are answered. */
  readonly idle: Set<Connection>;
}

interface Connection {
  readonly socket: Socket;
  readonly network: string;
  /** Requests that are not answered yet. */
  asking: number;
  /** Since when there are some, by `performance.now()`. */
  sinceMs: number;
  /** The answer to the newest of them. */
  response: ServerResponse | undefined;
  /** Called when one is answered. One for all of them, as it is needed for each. */
  answered(): void;
}

export interface Connections {
  /** Whether something can be written on a connection without breaking into an answer. */
  isFree(socket: Socket): boolean;
  /** Whether there is a request that is being answered, and nothing of the answer waits for the client. */
  isAwaited(socket: Socket): boolean;
  /** Closes one that waits, if one does. @returns whether it has */
  makeRoom(): boolean;
}

/**
 * Watches over a server's connections.
 *
 * @param most how many there may be
 * @param handle gets the requests that may be answered
 * @param tell takes a line for the log, when there are as many as may be; not more than one a minute
 */
export function limitConnections(
  server: Server | SecureServer,
  most: number,
  handle: (request: IncomingMessage, response: ServerResponse) => void,
  tell: (line: string) => void,
): Connections {
  const open = new Map<Socket, Connection>();
  const waiting = new Map<string, Waiting>();
  /** By the socket that requests name; with TLS that is another one. */
  const connections = new WeakMap<Socket, Connection>();
  const secured = new Map<string, Connection>();
  const isSecure = 'setSecureContext' in server;
  let told = 0;
  let toldAtMs = Number.NEGATIVE_INFINITY;

  function waitingOf(network: string): Waiting {
    let there = waiting.get(network);
    if (!there) {
      there = { silent: new Set(), idle: new Set() };
      waiting.set(network, there);
    }
    return there;
  }

  function waitNoMore(connection: Connection): void {
    const there = waiting.get(connection.network);
    there?.silent.delete(connection);
    there?.idle.delete(connection);
    if (there && there.silent.size + there.idle.size === 0) waiting.delete(connection.network);
  }

  function forget(connection: Connection): void {
    open.delete(connection.socket);
    waitNoMore(connection);
  }

  function makeRoom(network?: string): boolean {
    const fullest = mostOf(waiting, ({ silent, idle }) => silent.size + idle.size);
    const there = fullest === undefined ? undefined : waiting.get(fullest);
    const victim = there ? (firstOf(there.silent) ?? firstOf(there.idle)) : slowest(network);
    if (!victim) return false;
    forget(victim);
    victim.socket.destroy();
    return true;
  }

  /** Of another address, the one that has most answers waiting to be taken: the answer that waits longest. */
  function slowest(asker: string | undefined): Connection | undefined {
    const before = performance.now() - SLOW_MS;
    const slow = new Map<string, Connection[]>();
    for (const connection of open.values()) {
      const { sinceMs, response, network } = connection;
      if (sinceMs > before || !response?.req.socket.writableLength || network === asker) continue;
      slow.set(network, [...(slow.get(network) ?? []), connection]);
    }
    const most = mostOf(slow, ({ length }) => length);
    return slow.get(most ?? '')?.reduce((a, b) => (a.sinceMs <= b.sinceMs ? a : b));
  }

  function isFull(network: string): boolean {
    if (open.size < most) return false;
    if (performance.now() - toldAtMs > TELL_EVERY_MS) {
      toldAtMs = performance.now();
      tell(`${most} connections are open, as many as may be (--max-connections): those that wait are closed for others`);
    }
    return !makeRoom(network);
  }

  server.on('connection', (socket: Socket) => {
    // Asked for while it is known: of a connection that was reset nobody can tell whose it was.
    const network = networkOf(plainAddress(socket.remoteAddress ?? ''));
    if (isFull(network)) {
      refuse(socket);
      return;
    }
    const connection: Connection = {
      socket,
      network,
      asking: 0,
      sinceMs: 0,
      response: undefined,
      answered() {
        connection.asking--;
        if (connection.asking > 0) return;
        connection.response = undefined;
        if (open.has(socket)) waitingOf(network).idle.add(connection);
      },
    };
    open.set(socket, connection);
    connections.set(socket, connection);
    waitingOf(network).silent.add(connection);
    socket.once('close', () => forget(connection));
    // With TLS, requests come on another socket, which knows no more of this one than its peer.
    if (isSecure) {
      const peer = peerOf(socket);
      secured.set(peer, connection);
      // One that was reset may be told of after the next one from the same port.
      socket.once('close', () => secured.get(peer) === connection && secured.delete(peer));
    }
  });
  server.on('secureConnection', (socket: Socket) => {
    const connection = secured.get(peerOf(socket));
    if (connection) connections.set(socket, connection);
  });

  function refuse(socket: Socket): void {
    // What is not encrypted yet cannot be told anything.
    if (isSecure || told >= MAX_TOLD) {
      socket.destroy();
      return;
    }
    told++;
    socket.once('close', () => told--);
    const retry = { 'Retry-After': '5' };
    endSoon(socket, rawProblem(503, `${most} connections are being answered, as many as may be: try again in a moment`, retry));
  }

  server.on('request', (request, response) => {
    const connection = connections.get(request.socket);
    // Refused, or closed for another: nobody waits for an answer.
    if (!connection || !open.has(connection.socket)) return;
    if (connection.asking === 0) {
      waitNoMore(connection);
      connection.sinceMs = performance.now();
    } else if (connection.asking >= MAX_PIPELINED) {
      connection.socket.destroy();
      return;
    }
    connection.asking++;
    connection.response = response;
    response.on('close', connection.answered);
    const { headers, rawHeaders } = request;
    if ('content-length' in headers || 'transfer-encoding' in headers) closeIfBodyGoesOn(request, response);
    if (rawHeaders.length > 2 * MAX_HEADERS) sendProblem(response, 431, `there are more than ${MAX_HEADERS} headers`);
    else handle(request, response);
  });

  return {
    isFree(socket) {
      const connection = connections.get(socket);
      return !connection?.response || (connection.asking === 1 && !connection.response.headersSent);
    },
    isAwaited: (socket) => (connections.get(socket)?.asking ?? 0) > 0 && socket.writableLength === 0,
    makeRoom: () => makeRoom(),
  };
}

const firstOf = <T>(set: ReadonlySet<T>): T | undefined => set.values().next().value;
const peerOf = ({ remoteAddress, remotePort, localAddress }: Socket) => `${remoteAddress} ${remotePort} ${localAddress}`;

/** The key of the largest; if there are several, of the first. */
function mostOf<T>(map: ReadonlyMap<string, T>, sizeOf: (value: T) => number): string | undefined {
  let largest: string | undefined;
  let size = 0;
  for (const [key, value] of map) {
    if (sizeOf(value) <= size) continue;
    largest = key;
    size = sizeOf(value);
  }
  return largest;
}

/** Writes the last a client gets, and closes: when the client has, or soon. */
export function endSoon(socket: Socket, bytes: string): void {
  socket.end(bytes);
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(timer));
}

/** A body that nobody wants is read for a moment, as its sender may send all of it before it reads the answer. */
function closeIfBodyGoesOn(request: IncomingMessage, response: ServerResponse): void {
  response.once('finish', () => {
    if (request.complete) return;
    const timer = setTimeout(() => {
      if (!request.complete) request.socket.destroy();
    }, LINGER_MS);
    request.once('close', () => clearTimeout(timer));
  });
}

function sendProblem(response: ServerResponse, status: number, detail: string): void {
  const body = problemBody(status, detail);
  const headers = [
    'Content-Type',
    PROBLEM_TYPE,
    'Content-Length',
    String(Buffer.byteLength(body)),
    'Cache-Control',
    'no-store',
    ...SECURITY_HEADERS,
  ];
  response.writeHead(status, [...headers, 'Connection', 'close']);
  response.end(response.req.method === 'HEAD' ? undefined : body);
}
