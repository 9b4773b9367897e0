/** Reads and checks the PEM files of TLS. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { readRegularFile } from '../../access/regular-file.js';
import type { TlsFiles } from '../../config/config.js';
import { StartError } from '../../errors.js';
import type { TlsPair } from './certificate.js';

/** PEM, RFC 7468. */
const BEGIN = '-----BEGIN CERTIFICATE-----';
const END = '-----END CERTIFICATE-----';
const PRIVATE_KEY = /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----/;
/** PKCS #8, and OpenSSL's older form. */
const ENCRYPTED_KEY = /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m;

/**
 * Reads a certificate and its private key. The message of an error never contains the key.
 *
 * @throws {StartError} if a file is wrong: it names the file and what is expected
 */
export function readTlsPair(files: TlsFiles): TlsPair {
  const cert = read('--tls-cert', files.cert);
  const [own] = parseCertificates('--tls-cert', files.cert, cert);
  const key = read('--tls-key', files.key);
  checkKey(own, files, key);
  const clientCa = files.clientCa === undefined ? undefined : read('--tls-client-ca', files.clientCa);
  if (clientCa !== undefined) parseCertificates('--tls-client-ca', files.clientCa ?? '', clientCa);
  try {
    createSecureContext({ cert, key, ca: clientCa });
  } catch (error) {
    throw new StartError(`--tls-cert ${files.cert}: OpenSSL rejects it: ${reasonOf(error)}`);
  }
  return { cert, key, clientCa, own };
}

function read(flag: string, file: string): string {
  try {
    return readRegularFile(file).text;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const advice = code === 'EACCES' ? "; let the service's user read it and every folder on the way to it" : '';
    throw new StartError(`${flag} ${file}: cannot be read: ${code ?? message}${advice}`);
  }
}

function parseCertificates(flag: string, file: string, text: string): [X509Certificate, ...X509Certificate[]] {
  const bodies = text.split(BEGIN).slice(1);
  const ended = bodies.filter((body) => body.includes(END));
  const parsed = ended.map((body, index) => {
    try {
      return new X509Certificate(`${BEGIN}${body.slice(0, body.indexOf(END))}${END}`);
    } catch (error) {
      throw new StartError(`${flag} ${file}: certificate ${index + 1} is malformed: ${reasonOf(error)}`);
    }
  });
  const [first, ...more] = parsed;
  if (first) return [first, ...more];
  const instead = PRIVATE_KEY.test(text) ? ' but a private key: swap the two files' : ` in PEM form: expected ${BEGIN}`;
  throw new StartError(`${flag} ${file}: holds no certificate${instead}`);
}

function checkKey(own: X509Certificate, { cert, key: file }: TlsFiles, text: string): void {
  const fail = (problem: string) => new StartError(`--tls-key ${file}: ${problem}`);
  if (ENCRYPTED_KEY.test(text)) {
    throw fail(
      'it is encrypted, and the service cannot ask for its passphrase: decrypt it with openssl pkey -in FILE -out FILE, mode 0600',
    );
  }
  if (!PRIVATE_KEY.test(text)) {
    const instead = text.includes(BEGIN) ? ' but a certificate: swap the two files' : ' in PEM form: expected -----BEGIN PRIVATE KEY-----';
    throw fail(`holds no private key${instead}`);
  }
  let belongs: boolean;
  try {
    belongs = own.checkPrivateKey(createPrivateKey(text));
  } catch (error) {
    throw fail(`its private key is malformed: ${reasonOf(error)}`);
  }
  if (!belongs) throw fail(`it is not the key of the first certificate in ${cert}`);
}

/** Returns OpenSSL's reason without its number: `error:0A00018F:SSL routines::ee key too small`. */
function reasonOf(error: unknown): string {
  const { message } = error as Error;
  return message.split('::').at(-1) ?? message;
}
