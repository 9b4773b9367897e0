import { createServer, type RequestListener, type Server, type ServerOptions, STATUS_CODES } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import type { Socket } from 'node:net';
import { StartError } from '../errors.js';
import { PROBLEM_TYPE, problemBody } from './problem.js';
import { SECURITY_LINES } from './security-headers.js';

/** Longer than a dashboard's interval, so that it keeps its connection. */
const KEEP_ALIVE_MS = 30_000;
/** Who is still being answered when the service stops is let finish for so long. */
const GRACE_MS = 1_000;

/** What is wrong with a request that Node cannot parse, by its error code. */
const refusals: Readonly<Record<string, readonly [status: number, detail: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'the headers are longer than 16 KiB'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'the request did not come to its end in time'],
};

/** Makes a server of HTTPS, as `node:http` makes one of HTTP. */
export type SecureServerMaker = (options: ServerOptions, handle: RequestListener) => SecureServer;

/**
 * @param createSecure makes the server one of HTTPS
 * @returns once it listens
 * @throws StartError the address cannot be listened on
 */
export function listen(
  handle: RequestListener,
  host: string,
  port: number,
  createSecure: SecureServerMaker | undefined,
): Promise<Server | SecureServer> {
  // What Node would answer by itself to a request without Host, or with an Expect that it does not know, has no headers and no reason.
  const options: ServerOptions = { keepAliveTimeout: KEEP_ALIVE_MS, requireHostHeader: false };
  const server = createSecure ? createSecure(options, handle) : createServer(options, handle);
  server.on('checkExpectation', handle);
  server.on('clientError', refuse);
  // Asked for while it is known: of a connection that was reset nobody can tell whose it was.
  server.on('connection', (socket) => void socket.remoteAddress);
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(new StartError(`cannot listen on ${host} port ${port}: ${why(error)}`)));
    server.listen(port, host, () => resolve(server));
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

function refuse(error: NodeJS.ErrnoException, stream: { readonly writable?: boolean }): void {
  const socket = stream as Socket;
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, detail] = refusals[error.code ?? ''] ?? [400, 'the request is not HTTP'];
  const body = problemBody(status, detail);
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: ${PROBLEM_TYPE}\r\nContent-Length: ${body.length}\r\nConnection: close\r\nCache-Control: no-store\r\n${SECURITY_LINES}\r\n${body}`,
  );
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
