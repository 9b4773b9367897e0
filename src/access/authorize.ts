/** Authorizes requests: by their key, and by how many wrong keys came from their address. */
import type { IncomingMessage } from 'node:http';
import { type ForwardedFor, isLoopback, plainAddress } from './client-address.js';
import type { FailedKeys } from './failed-keys.js';
import type { Access, KeyCheck } from './keys.js';

export type Authorization =
  | { readonly kind: 'allowed'; readonly access: Access }
  /** The key is missing or wrong. */
  | { readonly kind: 'unauthorized' }
  /** The address sent too many wrong keys. */
  | { readonly kind: 'too-many-wrong-keys'; readonly retryAfterSeconds: number };

/** Authorizes a request. Call it once for each, because it counts wrong keys. */
export type Authorize = (request: IncomingMessage) => Authorization;

const UNAUTHORIZED: Authorization = { kind: 'unauthorized' };
const ALLOWED: Readonly<Record<Access, Authorization>> = {
  read: { kind: 'allowed', access: 'read' },
  secrets: { kind: 'allowed', access: 'secrets' },
};

/**
 * Creates the authorization of requests.
 *
 * While an address is limited, a valid key from it gets the same 429 as a wrong one, so that guessing learns nothing. A valid key from
 * this machine itself is always allowed: a local Prometheus keeps working, and a local guesser could read the files anyway.
 *
 * @param keyCheck returns the check of the keys that are valid now
 */
export function createAuthorize(keyCheck: () => KeyCheck, failedKeys: FailedKeys, forwardedFor: ForwardedFor): Authorize {
  return (request) => {
    const { access, wrong } = keyCheck()(request.headers);
    if (access !== undefined && wrong === 0 && !failedKeys.isAnyLimited()) return ALLOWED[access];
    const address = forwardedFor(request) ?? plainAddress(request.socket.remoteAddress ?? '');
    const retryAfterSeconds = failedKeys.limitedSeconds(address);
    if (retryAfterSeconds > 0) {
      return access !== undefined && isLocal(request) ? ALLOWED[access] : { kind: 'too-many-wrong-keys', retryAfterSeconds };
    }
    // A valid key next to wrong ones doesn't excuse them: its owner could try the other key in the same request.
    if (wrong > 0) failedKeys.count(address, wrong);
    return access === undefined ? UNAUTHORIZED : ALLOWED[access];
  };
}

/** Tells whether a request comes from this machine and not through a proxy on it: proxies name their client in a header. */
function isLocal({ socket, headers }: IncomingMessage): boolean {
  return (
    isLoopback(plainAddress(socket.remoteAddress ?? '')) && headers['x-forwarded-for'] === undefined && headers.forwarded === undefined
  );
}
