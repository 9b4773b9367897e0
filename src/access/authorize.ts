/**
 * Who is let in: a key that counts, from an address that has not sent too many that do not.
 *
 * While an address is refused, a right key gets the same 429 as a wrong one; but a connection on which that kind of key was right before
 * goes on. So a dashboard behind the same address translation as somebody who guesses stays alive, and who guesses learns nothing:
 * a wrong key on a connection takes the privilege from it, and a guess at the other kind of key is refused, right or wrong.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { type ForwardedFor, plainAddress } from './client-address.js';
import type { FailedKeys } from './failed-keys.js';
import type { Access, KeyCheck } from './keys.js';

/** What a request may see; or for how long to stay away, in seconds, 0: its key is missing or wrong. */
export type Verdict = Access | { readonly retryAfterSeconds: number };

const REFUSED: Verdict = { retryAfterSeconds: 0 };

/**
 * @param keyCheck the check of the keys that count now
 * @returns judges a request; to be asked once for each, as it counts
 */
export function createGate(
  keyCheck: () => KeyCheck,
  failedKeys: FailedKeys,
  forwardedFor: ForwardedFor,
): (request: IncomingMessage) => Verdict {
  /** Which kind of key was right on a connection. Never one of a proxy, on which others come too. */
  const admitted = new WeakMap<Socket, Access>();

  return (request) => {
    const { socket, headers } = request;
    const { access, wrong } = keyCheck()(headers);
    if (access !== undefined && wrong === 0 && failedKeys.isQuiet()) {
      if (admitted.get(socket) !== access && forwardedFor(request) === undefined) admitted.set(socket, access);
      return access;
    }
    const forwarded = forwardedFor(request);
    const address = forwarded ?? plainAddress(socket.remoteAddress ?? '');
    const retryAfterSeconds = failedKeys.refusedSeconds(address);
    // Beside a right one too: who may read could try the other key in the same request, and see it in the answer.
    if (wrong > 0) admitted.delete(socket);
    if (retryAfterSeconds > 0) {
      return access !== undefined && forwarded === undefined && admitted.get(socket) === access ? access : { retryAfterSeconds };
    }
    // Who sends none guesses none.
    if (wrong > 0) failedKeys.failed(address, wrong);
    if (access === undefined) return REFUSED;
    if (wrong === 0 && forwarded === undefined) admitted.set(socket, access);
    return access;
  };
}
