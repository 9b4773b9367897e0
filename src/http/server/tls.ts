/** HTTPS: the server, the renewal of its certificate under way, and those who come with no TLS or with no certificate. */
import { constants } from 'node:crypto';
import { unwatchFile, watchFile } from 'node:fs';
import type { ServerOptions } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Socket } from 'node:net';
import type { SecureContextOptions, TLSSocket } from 'node:tls';
import { StartError } from '../../errors.js';
import { HttpProblem, rawProblem } from '../responses/problem.js';
import { describePair, type TlsFiles, type TlsPair, timeProblem } from './certificate.js';
import type { SecureServerMaker } from './listen.js';
import { readTlsPair } from './tls-files.js';

/** Files are looked at this often, by path: that sees a link that is replaced, wherever on the way to the file it is. */
const LOOK_EVERY_MS = 1_000;
/** Certificate and key are replaced one after the other: what does not fit together is read again after this long before it is told of. */
const TRY_AGAIN_MS = 2_000;
/** Refused certificates are told of one by one this often, and otherwise counted. */
const TELL_EVERY_MS = 60_000;

/** What makes the service one of HTTPS. */
export interface Tls {
  /** In use now. */
  readonly pair: TlsPair;
  /** From then on a renewed certificate is taken into use: for connections that come; those that are open stay. */
  readonly createServer: SecureServerMaker;
  /** Looks for renewed certificates no more. */
  stop(): void;
}

/**
 * @param log takes lines
 * @throws StartError the files cannot be used
 */
export function openTls(files: TlsFiles, log: (line: string) => void): Tls {
  let pair = readTlsPair(files);
  const following: { stop(): void }[] = [];
  tellOfTime();

  function tellOfTime(): void {
    const problem = timeProblem(pair, Date.now());
    if (problem) log(`WARNING: ${files.cert}: ${problem}`);
  }

  return {
    get pair() {
      return pair;
    },
    createServer(options) {
      const server = createSecureServer(pair, options, (line) => log(`WARNING: ${line}`));
      const renewal = followRenewal(
        files,
        pair,
        (renewed) => {
          server.setSecureContext(contextOf(renewed));
          pair = renewed;
          log(`INFO: ${files.cert}: the new certificate counts from now on: ${describePair(pair)}`);
          tellOfTime();
        },
        (problem) => log(`ERROR: ${problem}; the last certificate and key stay in use`),
      );
      following.push(renewal);
      return server;
    },
    stop() {
      for (const each of following) each.stop();
    },
  };
}

function createSecureServer(pair: TlsPair, options: ServerOptions, warn: (line: string) => void): Server {
  const needsCertificate = pair.clientCa !== undefined;
  const server = createServer({
    ...options,
    ...contextOf(pair),
    // Hands are to be shaken in the time that headers have.
    ...(options.headersTimeout !== undefined && { handshakeTimeout: options.headersTimeout }),
    requestCert: needsCertificate,
    rejectUnauthorized: needsCertificate,
  });
  const tellOfRefusal = rarely(warn);
  // Asked for while it is known, as for plain connections.
  server.on('secureConnection', (socket) => void socket.remoteAddress);
  server.prependListener('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ERR_SSL_HTTP_REQUEST') answerPlain(socket);
    const problem = needsCertificate && certificateProblem(error, socket);
    if (problem) tellOfRefusal(`${addressOf(socket)}: refused: ${problem}`);
    // Where hands were not shaken, no other answer would ever leave: who says nothing would stay for ever.
    socket.destroy();
  });
  return server;
}

function contextOf({ cert, key, clientCa }: TlsPair): SecureContextOptions {
  return {
    cert,
    key,
    ...(clientCa !== undefined && { ca: clientCa }),
    minVersion: 'TLSv1.2',
    // A client of TLS 1.2 could have us do the costly part of a handshake again and again.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  };
}

/** The connection below TLS, to which what is no TLS must be written. Node has no public name for it; without it there is no answer. */
function below(socket: TLSSocket): Socket | undefined {
  return (socket as unknown as { readonly _parent?: Socket })._parent;
}

function addressOf(socket: TLSSocket): string {
  return socket.remoteAddress ?? below(socket)?.remoteAddress ?? 'unknown';
}

/**
 * Who speaks plain HTTP is told so, and not redirected: a client that sent its key in the clear should stop doing so, not be helped to go on
 * unnoticed.
 */
function answerPlain(socket: TLSSocket): void {
  below(socket)?.write(rawProblem(new HttpProblem(400, 'this port speaks HTTPS: use https:// instead of http://')));
}

/** What is wrong with a client's certificate; undefined: the connection failed for another reason. */
function certificateProblem(error: NodeJS.ErrnoException, socket: TLSSocket): string | undefined {
  if (error.code === 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE') return 'it has no client certificate';
  // Of Node's own making it is a code: SELF_SIGNED_CERT_IN_CHAIN.
  const { authorizationError } = socket as { readonly authorizationError?: unknown };
  return authorizationError ? `its client certificate is not taken: ${String(authorizationError)}` : undefined;
}

/** Passes a line on at once, and counts those that come soon after it. */
function rarely(log: (line: string) => void): (line: string) => void {
  let timer: NodeJS.Timeout | undefined;
  let more = 0;
  function settle(): void {
    timer = undefined;
    if (more > 0) log(`${more} more connections without a right client certificate in ${TELL_EVERY_MS / 1000} s`);
    more = 0;
  }
  return (line) => {
    if (timer) more++;
    else {
      log(line);
      timer = setTimeout(settle, TELL_EVERY_MS);
      timer.unref();
    }
  };
}

/**
 * Looks for a renewed pair.
 *
 * @param pair in use now
 * @param onPair called with each pair that can be used
 * @param onProblem called when files can no longer be used, once for each reason; they are tried again
 */
function followRenewal(
  files: TlsFiles,
  pair: TlsPair,
  onPair: (pair: TlsPair) => void,
  onProblem: (problem: string) => void,
): { stop(): void } {
  let inUse = pair;
  let told = '';
  let again: NodeJS.Timeout | undefined;

  function look(isSecondLook: boolean): void {
    clearTimeout(again);
    try {
      const found = readTlsPair(files);
      told = '';
      if (found.cert === inUse.cert && found.key === inUse.key && found.clientCa === inUse.clientCa) return;
      inUse = found;
      onPair(found);
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      if (isSecondLook && error.message !== told) {
        told = error.message;
        onProblem(told);
      }
      again = setTimeout(look, TRY_AGAIN_MS, true);
      again.unref();
    }
  }

  const paths = new Set([files.cert, files.key, files.clientCa ?? files.cert]);
  const listener = () => look(false);
  for (const path of paths) watchFile(path, { interval: LOOK_EVERY_MS, persistent: false }, listener);
  // They may have changed since they were read.
  look(false);
  return {
    stop() {
      clearTimeout(again);
      for (const path of paths) unwatchFile(path, listener);
    },
  };
}
