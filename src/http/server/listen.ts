/** The HTTP server: where it listens, its limits, and how it stops. */
import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Limits } from '../../config/config.js';
import { StartError } from '../../errors.js';
import { HttpProblem, rawProblem } from '../responses/problem.js';
import { Connections } from './connections.js';
import { affordableConnections, MAX_HEADER_BYTES } from './limits.js';
import { onceAMinute } from './once-a-minute.js';

/**
 * Maximum number of new connections that wait for the server; the kernel may lower it to net.core.somaxconn. Beyond that, a client believes
 * it is connected, and sends its request again after 1, 3, 7 and 15 seconds.
 */
const BACKLOG = 4_096;
/** How often the server looks for requests that exceed their time. They may exceed it by this much. */
const CHECK_EVERY_MS = 1_000;
/** Time that running requests get to finish when the service stops. */
const GRACE_MS = 1_000;

/** Errors for requests that Node can't parse, by Node's error code. */
const PROBLEMS: Readonly<Record<string, HttpProblem>> = {
  HPE_HEADER_OVERFLOW: new HttpProblem(431, `the headers are longer than ${MAX_HEADER_BYTES / 1024} KiB`),
  ERR_HTTP_REQUEST_TIMEOUT: new HttpProblem(408, 'the request was not complete in time'),
};
const NOT_HTTP = new HttpProblem(400, 'the request is not valid HTTP');

/** Makes an HTTPS server, as `node:http` makes an HTTP server. */
export type SecureServerMaker = (options: ServerOptions) => SecureServer;

export interface Place {
  readonly host: string;
  readonly port: number;
  readonly limits: Limits;
}

/**
 * Starts a server.
 *
 * @param handle handles requests
 * @param log writes a line to the log
 * @param createSecure makes an HTTPS server
 * @returns the server, once it listens
 * @throws {StartError} if it can't listen there
 */
export function listen(
  handle: RequestListener,
  { host, port, limits }: Place,
  log: (line: string) => void,
  createSecure: SecureServerMaker | undefined,
): Promise<Server | SecureServer> {
  const options = serverOptions(limits);
  const server = createSecure ? createSecure(options) : createServer(options);
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
  return new Promise((resolve, reject) => {
    const where = `${host} port ${port}`;
    server.once('error', (error: NodeJS.ErrnoException) => reject(new StartError(`cannot listen on ${where}: ${reasonOf(error)}`)));
    server.listen({ port, host, backlog: BACKLOG }, () => {
      server.removeAllListeners('error');
      enforce(server, limits, handle, log);
      resolve(server);
    });
  });
}

function serverOptions({ headersMs, requestMs, idleMs, checkEveryMs }: Limits): ServerOptions {
  return {
    keepAliveTimeout: idleMs,
    headersTimeout: Math.min(headersMs, requestMs),
    requestTimeout: requestMs,
    connectionsCheckingInterval: checkEveryMs ?? CHECK_EVERY_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
    // The application answers requests without Host: Node's own response has no security headers and no reason.
    requireHostHeader: false,
  };
}

/** Makes a server handle requests within limits. */
function enforce(
  server: Server | SecureServer,
  { maxConnections, sendMs, lingerMs }: Limits,
  handle: RequestListener,
  log: (line: string) => void,
): void {
  const { connections: max, descriptors } = affordableConnections(maxConnections);
  if (max < maxConnections) log(`the limit of ${descriptors} open files (ulimit -n) allows ${max} connections, not ${maxConnections}`);
  const connections = new Connections(server, { max, handle, log, lingerMs });
  server.on('clientError', (error, stream) => rejectRequest(error, stream as Socket, connections));
  server.setTimeout(sendMs, (socket) => {
    // Nothing was sent or received for this long. A response that is still being made gets more time.
    if (connections.isHandling(socket)) socket.setTimeout(sendMs);
    else socket.destroy();
  });
  const warn = onceAMinute(log);
  server.on('error', (error) => {
    // accept(2) failed: too many files are open, in this process or on the whole machine.
    connections.makeRoom();
    warn(`cannot accept a connection: ${error.message}`);
  });
}

function reasonOf({ code, message }: NodeJS.ErrnoException): string {
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

function rejectRequest(error: NodeJS.ErrnoException, socket: Socket, connections: Connections): void {
  // Browsers open connections in advance: a client that has sent nothing expects no response.
  const expectsNone = error.code === 'ECONNRESET' || socket.bytesRead === 0;
  if (expectsNone || !socket.writable || !connections.isWritable(socket)) socket.destroy();
  else connections.endSoon(socket, rawProblem(PROBLEMS[error.code ?? ''] ?? NOT_HTTP));
}

/** Stops a server: it accepts no more connections, closes idle ones, and gives running requests a moment to finish. */
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
