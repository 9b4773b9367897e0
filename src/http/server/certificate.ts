/** The service's certificate: its names, its validity, and the name that a client should use. */
import type { X509Certificate } from 'node:crypto';
import { isIP } from '../../parse/ip-address.js';

/** A certificate and its private key, which belong together. */
export interface TlsPair {
  /** PEM: the service's certificate and its chain. */
  readonly cert: string;
  readonly key: string;
  readonly clientCa: string | undefined;
  /** The first certificate of `cert`. */
  readonly own: X509Certificate;
}

/** Returns when the service's certificate expires, in Unix milliseconds. */
export function expiresAtMs({ own }: TlsPair): number {
  return Date.parse(own.validTo);
}

/** Returns why clients reject the certificate now, `undefined` if its time is right. */
export function timeProblem(pair: TlsPair, nowMs: number): string | undefined {
  if (expiresAtMs(pair) <= nowMs) return `the certificate expired on ${dayOf(pair.own.validTo)}`;
  if (Date.parse(pair.own.validFrom) > nowMs) {
    return `the certificate is not valid before ${dayOf(pair.own.validFrom)}: check the clock of this machine`;
  }
  return undefined;
}

/** Turns OpenSSL's `Jan 31 00:00:00 2027 GMT` into `2027-01-31`. */
function dayOf(time: string): string {
  return new Date(time).toISOString().slice(0, 10);
}

/** Describes a certificate for the log and `doctor`: names and validity. */
export function describePair(pair: TlsPair): string {
  return `for ${namesOf(pair).join(', ') || 'no name'}, valid until ${dayOf(pair.own.validTo)}`;
}

/** Tells whether a certificate is signed with its own key. Clients must be configured to trust it. */
export function isSelfSigned({ own }: TlsPair): boolean {
  return own.checkIssued(own) && own.verify(own.publicKey);
}

/** Lists host names and addresses: `DNS:ap.example.org, IP Address:10.3.141.1`. Other kinds of names are left out. */
function namesOf({ own }: TlsPair): string[] {
  return [...(own.subjectAltName ?? '').matchAll(/(?:DNS|IP Address):([\w.:*-]+)/g)].map(([, name = '']) => name);
}

/**
 * Chooses the name that a client on this machine should use.
 *
 * @param address the address at which this machine reaches the service
 * @returns the address if the certificate is for it, else a name of the certificate
 */
export function nameToAskFor(pair: TlsPair, address: string): string {
  const isFor = (name: string) => (isIP(name) ? pair.own.checkIP(name) : pair.own.checkHost(name)) !== undefined;
  const named = namesOf(pair).filter((name) => isIP(name) === 0 && !name.includes('*'));
  return [address, 'localhost', ...named].find(isFor) ?? address;
}
