/** The certificate of the service: whose it is, how long it is valid, and by which name to ask for it. */
import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';

export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  /** Certificates of those who sign clients' certificates; undefined: clients need none. */
  readonly clientCa: string | undefined;
}

/** A certificate and its key, which have been found to belong together. */
export interface TlsPair {
  /** PEM: the certificate of this service, and those that lead from it to an authority. */
  readonly cert: string;
  readonly key: string;
  readonly clientCa: string | undefined;
  /** The first certificate of `cert`. */
  readonly own: X509Certificate;
}

/** When the certificate of this service ends, Unix milliseconds. */
export function expiresAtMs({ own }: TlsPair): number {
  return Date.parse(own.validTo);
}

/** @returns why clients will not believe a certificate now; undefined: its time is right */
export function timeProblem(pair: TlsPair, nowMs: number): string | undefined {
  if (expiresAtMs(pair) <= nowMs) return `the certificate expired on ${dayOf(pair.own.validTo)}`;
  if (Date.parse(pair.own.validFrom) > nowMs) {
    return `the certificate is not valid before ${dayOf(pair.own.validFrom)}: is the clock of this machine right?`;
  }
  return undefined;
}

/** `2027-01-31` of OpenSSL's `Jan 31 00:00:00 2027 GMT`. */
function dayOf(time: string): string {
  return new Date(time).toISOString().slice(0, 10);
}

/** Whose certificate it is and how long it is valid, as a log and `doctor` say it. */
export function describePair(pair: TlsPair): string {
  return `for ${namesOf(pair).join(', ') || 'no name'}, valid until ${dayOf(pair.own.validTo)}`;
}

/** Whether a certificate is signed by its own key: clients must be told to trust it. */
export function isSelfSigned({ own }: TlsPair): boolean {
  return own.checkIssued(own) && own.verify(own.publicKey);
}

/** Host names and addresses that a certificate is for, `DNS:ap.example.org, IP Address:10.3.141.1`. Others than usual ones are left out. */
function namesOf({ own }: TlsPair): string[] {
  return [...(own.subjectAltName ?? '').matchAll(/(?:DNS|IP Address):([\w.:*-]+)/g)].map(([, name = '']) => name);
}

/**
 * The name by which a client on this machine should ask for the service.
 *
 * @param address that it listens on, as this machine reaches it
 * @returns the address, where the certificate is for it, or a name that it is for
 */
export function nameToAskFor(pair: TlsPair, address: string): string {
  const isFor = (name: string) => (isIP(name) ? pair.own.checkIP(name) : pair.own.checkHost(name)) !== undefined;
  const named = namesOf(pair).filter((name) => isIP(name) === 0 && !name.includes('*'));
  return [address, 'localhost', ...named].find(isFor) ?? address;
}
