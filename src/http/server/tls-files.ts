/** The PEM files of TLS, read and checked. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { readRegularFile } from '../../access/env-file.js';
import { StartError } from '../../errors.js';
import type { TlsFiles, TlsPair } from './certificate.js';

/** PEM, RFC 7468. */
const BEGIN = '-----BEGIN CERTIFICATE-----';
const END = '-----END CERTIFICATE-----';
const PRIVATE_KEY = /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----/;
/** PKCS #8, and what OpenSSL wrote before it. */
const ENCRYPTED_KEY = /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m;

/** @throws StartError naming the file, what is wrong with it and what is expected; never what a key file holds */
export function readTlsPair(files: TlsFiles): TlsPair {
  const cert = read('--tls-cert', files.cert);
  const [own] = parseCertificates('--tls-cert', files.cert, cert);
  const key = read('--tls-key', files.key);
  expectKeyOf(own, files, key);
  const clientCa = files.clientCa === undefined ? undefined : read('--tls-client-ca', files.clientCa);
  if (clientCa !== undefined) parseCertificates('--tls-client-ca', files.clientCa ?? '', clientCa);
  try {
    createSecureContext({ cert, key, ca: clientCa });
  } catch (error) {
    throw new StartError(`--tls-cert ${files.cert}: OpenSSL does not take it: ${reasonOf(error)}`);
  }
  return { cert, key, clientCa, own };
}

function read(flag: string, file: string): string {
  try {
    return readRegularFile(file);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const advice =
      code === 'EACCES' ? ': it, and each folder on the way to it, must be readable for the user that the service runs as' : '';
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
      throw new StartError(`${flag} ${file}: its certificate ${index + 1} cannot be understood: ${reasonOf(error)}`);
    }
  });
  const [first, ...more] = parsed;
  if (first) return [first, ...more];
  const instead = PRIVATE_KEY.test(text) ? ' but a private key: have the two files been confused?' : '';
  throw new StartError(`${flag} ${file}: holds no certificate${instead || ' in PEM form: expected -----BEGIN CERTIFICATE-----'}`);
}

function expectKeyOf(own: X509Certificate, { cert, key: file }: TlsFiles, text: string): void {
  const fail = (what: string) => new StartError(`--tls-key ${file}: ${what}`);
  if (ENCRYPTED_KEY.test(text)) {
    throw fail('it is encrypted, and nobody is there to give its passphrase: decrypt it with openssl pkey -in FILE -out FILE, mode 0600');
  }
  if (!PRIVATE_KEY.test(text)) {
    const instead = text.includes('-----BEGIN CERTIFICATE-----') ? ' but a certificate: have the two files been confused?' : '';
    throw fail(`holds no private key${instead || ' in PEM form: expected -----BEGIN PRIVATE KEY-----'}`);
  }
  let isOfCertificate: boolean;
  try {
    isOfCertificate = own.checkPrivateKey(createPrivateKey(text));
  } catch (error) {
    throw fail(`its private key cannot be understood: ${reasonOf(error)}`);
  }
  if (!isOfCertificate) throw fail(`it is not the key of the first certificate in ${cert}`);
}

/** OpenSSL's reason, without its number: `error:0A00018F:SSL routines::ee key too small`. */
function reasonOf(error: unknown): string {
  const { message } = error as Error;
  return message.split('::').at(-1) ?? message;
}
