/** Large bodies are sent in pieces, with a turn of the event loop after each: the kernel needs about 0.2 ms to copy one. */
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** Size of a piece. Larger bodies are cut. */
export const PIECE_BYTES = 1 << 19;

/** Maximum time for sending one large body. Then its connection is closed: a slow client keeps the memory of a list that was replaced. */
const MAX_SEND_MS = 600_000;

/** Cuts a buffer into pieces without copying it. */
export function inPieces(buffer: Buffer): Buffer[] {
  const amount = Math.ceil(buffer.length / PIECE_BYTES);
  return Array.from({ length: amount }, (_, index) => buffer.subarray(index * PIECE_BYTES, (index + 1) * PIECE_BYTES));
}

/** Closes the connection if sending takes too long. */
function limitSending(response: ServerResponse): void {
  const timer = setTimeout(() => response.destroy(), MAX_SEND_MS);
  timer.unref();
  response.once('close', () => clearTimeout(timer));
}

/**
 * Writes pieces as fast as the client reads them, and ends the response.
 *
 * A stream of a megabyte costs the main thread 1.7 times as much as a bare server, and this 1.1 times
 * (`npm run bench -- --only clients`).
 */
export function sendPieces(pieces: readonly Buffer[], response: ServerResponse): void {
  limitSending(response);
  let next = 0;
  const send = () => {
    if (response.destroyed) return;
    const piece = pieces[next++];
    if (piece === undefined) response.end();
    else if (response.write(piece)) setImmediate(send);
    else response.once('drain', () => setImmediate(send));
  };
  send();
}

/** Streams pieces as {@link sendPieces} writes them, for Koa. */
export function streamPieces(pieces: readonly Buffer[], response: ServerResponse): Readable {
  limitSending(response);
  return Readable.from(
    (async function* () {
      for (const piece of pieces) {
        yield piece;
        await nextTurn();
      }
    })(),
    { objectMode: false, highWaterMark: PIECE_BYTES },
  );
}
