/** HTTPS: the server, the renewal of its certificate while it runs, and connections whose handshake fails. */
import { constants } from 'node:crypto';
import type { ServerOptions } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { SecureContextOptions, TLSSocket } from 'node:tls';
import { type Watch, watchFiles } from '../../access/watch-files.js';
import type { TlsFiles } from '../../config/config.js';
import { StartError } from '../../errors.js';
import { describePair, type TlsPair, timeProblem } from './certificate.js';
import type { SecureServerMaker } from './listen.js';
import { onceAMinute } from './once-a-minute.js';
import { readTlsPair } from './tls-files.js';

/** Interval of polling the files. */
const POLL_MS = 1_000;
/** Time after which files that don't fit together are read again: certificate and key are replaced one after the other. */
const RETRY_MS = 2_000;

/** Time between looks at the files. */
export interface RenewalTimes {
  readonly pollMs: number;
  readonly retryMs: number;
}

export interface Tls {
  /** The pair that new connections get. */
  readonly pair: TlsPair;
  /** Creates the server, and from then on picks up a renewed certificate. Open connections keep the old one. */
  readonly createServer: SecureServerMaker;
  stop(): void;
}

/**
 * Reads the files of TLS.
 *
 * @param log takes a line
 * @throws {StartError} if the files can't be used
 */
export function openTls(files: TlsFiles, log: (line: string) => void, times: RenewalTimes = { pollMs: POLL_MS, retryMs: RETRY_MS }): Tls {
  let pair = readTlsPair(files);
  let renewal: Watch | undefined;
  warnOfTime();

  function warnOfTime(): void {
    const problem = timeProblem(pair, Date.now());
    if (problem) log(`WARNING: ${files.cert}: ${problem}`);
  }

  return {
    get pair() {
      return pair;
    },
    createServer(options) {
      const server = createSecureServer(pair, options, (line) => log(`WARNING: ${line}`));
      renewal = watchRenewal(files, pair, times, {
        onPair(renewed) {
          server.setSecureContext(contextOf(renewed));
          pair = renewed;
          log(`INFO: ${files.cert}: new connections get the new certificate: ${describePair(pair)}`);
          warnOfTime();
        },
        onProblem: (problem) => log(`ERROR: ${problem}; the last certificate and key stay in use`),
      });
      return server;
    },
    stop: () => renewal?.stop(),
  };
}

function createSecureServer(pair: TlsPair, options: ServerOptions, warn: (line: string) => void): Server {
  const needsCertificate = pair.clientCa !== undefined;
  const server = createServer({
    ...options,
    ...contextOf(pair),
    // The handshake gets as much time as headers do.
    ...(options.headersTimeout !== undefined && { handshakeTimeout: options.headersTimeout }),
    requestCert: needsCertificate,
    rejectUnauthorized: needsCertificate,
  });
  const warnOfRejection = onceAMinute(warn);
  // Node remembers the address after its first use, so that it is known after the connection has closed.
  server.on('secureConnection', (socket) => void socket.remoteAddress);
  server.prependListener('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
    const problem = needsCertificate && certificateProblem(error, socket);
    if (problem) warnOfRejection(`${socket.remoteAddress ?? 'a client'}: rejected: ${problem}`);
    // After a failed handshake no response can be sent, and a silent client would keep the connection open.
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
    // A client of TLS 1.2 could repeat the expensive part of a handshake again and again.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  };
}

/** Returns what is wrong with a client's certificate, `undefined` if the handshake failed for another reason. */
function certificateProblem(error: NodeJS.ErrnoException, socket: TLSSocket): string | undefined {
  if (error.code === 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE') return 'it sent no client certificate';
  // Node sets it to a code: SELF_SIGNED_CERT_IN_CHAIN.
  const { authorizationError } = socket as { readonly authorizationError?: unknown };
  return authorizationError ? `its client certificate is not valid: ${String(authorizationError)}` : undefined;
}

interface RenewalEvents {
  /** Called with each new pair that can be used. */
  onPair(pair: TlsPair): void;
  /** Called when files can't be used, once for each reason. They are read again. */
  onProblem(problem: string): void;
}

/** Watches the files for a renewed pair. */
function watchRenewal(files: TlsFiles, pair: TlsPair, { pollMs, retryMs }: RenewalTimes, { onPair, onProblem }: RenewalEvents): Watch {
  let inUse = pair;
  let reported = '';
  let retry: NodeJS.Timeout | undefined;

  function reread(isRetry: boolean): void {
    clearTimeout(retry);
    try {
      const found = readTlsPair(files);
      reported = '';
      if (found.cert === inUse.cert && found.key === inUse.key && found.clientCa === inUse.clientCa) return;
      inUse = found;
      onPair(found);
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      if (isRetry && error.message !== reported) {
        reported = error.message;
        onProblem(reported);
      }
      retry = setTimeout(reread, retryMs, true).unref();
    }
  }

  const watch = watchFiles([files.cert, files.key, files.clientCa ?? files.cert], pollMs, () => reread(false));
  return {
    stop() {
      clearTimeout(retry);
      watch.stop();
    },
  };
}
