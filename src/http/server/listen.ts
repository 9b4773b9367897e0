import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import type { Socket } from 'node:net';
import { StartError } from '../../errors.js';
import { rawProblem } from '../responses/problem.js';
import { type Connections, endSoon, limitConnections } from './connections.js';
import { affordableConnections, type Limits, MAX_HEADER_BYTES } from './limits.js';

/**
 * How many may have connected while we are busy with others; the kernel takes net.core.somaxconn at most. One too many believes to be
 * connected, and what it sends is lost until it is sent again after 1, 3, 7 and 15 seconds.
 */
const BACKLOG = 4_096;
/** How often it is looked for requests that take too long: they may take so much longer. */
const LOOK_EVERY_MS = 1_000;
/** Who is still being answered when the service stops is let finish for so long. */
const GRACE_MS = 1_000;
/** The same trouble is told of again after so long. */
const TELL_EVERY_MS = 60_000;

/** What is wrong with a request that Node cannot parse, by its error code. */
const refusals: Readonly<Record<string, readonly [status: number, detail: string]>> = {
  HPE_HEADER_OVERFLOW: [431, `the headers are longer than ${MAX_HEADER_BYTES / 1024} KiB`],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'the request did not come to its end in time'],
};

/** Makes a server of HTTPS, as `node:http` makes one of HTTP. */
export type SecureServerMaker = (options: ServerOptions) => SecureServer;

export interface Place {
  readonly host: string;
  readonly port: number;
  /** Of a socket that listens already, in place of those two. */
  readonly descriptor?: number | undefined;
  readonly limits: Limits;
}

/**
 * @param handle answers a request
 * @param tell takes a line for the log
 * @param createSecure makes the server one of HTTPS
 * @returns once it listens
 * @throws StartError the address cannot be listened on
 */
export function listen(
  handle: RequestListener,
  { host, port, descriptor, limits }: Place,
  tell: (line: string) => void,
  createSecure: SecureServerMaker | undefined,
): Promise<Server | SecureServer> {
  const { headersMs, requestMs, idleMs } = limits;
  const options: ServerOptions = {
    keepAliveTimeout: idleMs,
    headersTimeout: Math.min(headersMs, requestMs),
    requestTimeout: requestMs,
    connectionsCheckingInterval: LOOK_EVERY_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
    // What Node would answer by itself to a request without Host, or with an Expect that it does not know, has no headers and no reason.
    requireHostHeader: false,
  };
  const server = createSecure ? createSecure(options) : createServer(options);
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
  return new Promise((resolve, reject) => {
    const where = descriptor === undefined ? `${host} port ${port}` : `the socket that was passed on (${descriptor})`;
    server.once('error', (error: NodeJS.ErrnoException) => reject(new StartError(`cannot listen on ${where}: ${why(error)}`)));
    server.listen(descriptor === undefined ? { port, host, backlog: BACKLOG } : { fd: descriptor }, () => {
      server.removeAllListeners('error');
      limit(server, limits, handle, tell);
      resolve(server);
    });
  });
}

/** Has a server answer, within limits. */
function limit(
  server: Server | SecureServer,
  { maxConnections, sendMs }: Limits,
  handle: RequestListener,
  tell: (line: string) => void,
): void {
  const { connections: most, descriptors } = affordableConnections(maxConnections);
  if (most < maxConnections) tell(`${descriptors} files may be open (ulimit -n): at most ${most} connections, not ${maxConnections}`);
  const connections = limitConnections(server, most, handle, tell);
  server.on('clientError', (error, stream) => refuse(error, stream as Socket, connections));
  server.setTimeout(sendMs, (socket) => {
    // Nothing went to and fro for so long. What is waited for may be an answer that we still make.
    if (connections.isAwaited(socket)) socket.setTimeout(sendMs);
    else socket.destroy();
  });
  let lastMs = Number.NEGATIVE_INFINITY;
  server.on('error', (error) => {
    // Of accept(2): too many files are open, here or on the whole machine.
    connections.makeRoom();
    if (performance.now() - lastMs > TELL_EVERY_MS) tell(`a connection could not be taken: ${error.message}`);
    lastMs = performance.now();
  });
}

function why({ code, message }: NodeJS.ErrnoException): string {
  switch (code) {
    case 'EADDRINUSE':
      return 'another program listens there: stop it, or choose another port with --port';
    case 'EADDRNOTAVAIL':
      return 'no interface has that address';
    case 'EACCES':
      return 'not permitted: ports below 1024 need a privilege';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'no such host name';
    default:
      return code ?? message;
  }
}

function refuse(error: NodeJS.ErrnoException, socket: Socket, connections: Connections): void {
  // Nobody reads what is written into an answer, and who has sent nothing has asked nothing: a browser's connection in advance.
  if (error.code === 'ECONNRESET' || !socket.writable || socket.bytesRead === 0 || !connections.isFree(socket)) {
    socket.destroy();
    return;
  }
  const [status, detail] = refusals[error.code ?? ''] ?? [400, 'the request is not HTTP'];
  endSoon(socket, rawProblem(status, detail));
}

/** Takes no more connections, lets answers under way finish for a moment, and ends all others. */
export function shut(server: Server | SecureServer): Promise<void> {
  return new Promise((resolve) => {
    const grace = setTimeout(() => server.closeAllConnections(), GRACE_MS);
    server.close(() => {
      clearTimeout(grace);
      resolve();
    });
    server.closeIdleConnections();
  });
}
