/** Tells whether others on the network can read what the service sends. */
import { isLoopback } from './client-address.js';

interface Listener {
  /** The address that the service listens on. */
  readonly host: string;
  readonly tls: object | undefined;
}

/** Tells whether responses cross a network unencrypted. */
export function isUnencrypted({ host, tls }: Listener): boolean {
  return !tls && !isLoopback(host);
}

/** Warns that secrets cross a network unencrypted. */
export function unencryptedSecrets({ host }: Listener): string {
  return `secrets and the key are sent over plain HTTP on ${host}: others on the network can read them`;
}
