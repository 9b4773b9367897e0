/**
 * One client of `/events`.
 *
 *     'current' ── the connection takes no more, or an event is large ──▶ 'behind'
 *     'behind' ── all is written and read: send the latest version of what changed meanwhile ──▶ 'current'
 *     any ── the client disconnects, or its key is replaced ──▶ 'closed'
 *
 * A client that is behind has no backlog, only the names of events it missed. Large events are written in pieces, so that the lists of
 * blocked names, which may have 30 MB, neither fill the memory nor block the event loop.
 */
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { inPieces, PIECE_BYTES } from '../responses/pieces.js';

/** Returns the latest event of a name, if there is one. */
export type LatestEvent = (name: string) => Buffer | undefined;

export class Listener {
  /** Names of the documents it wants. */
  readonly wants: ReadonlySet<string>;
  /** The same as one text: listeners with the same key get the same bytes. */
  readonly key: string;
  readonly #response: ServerResponse;
  readonly #latest: LatestEvent;
  #state: 'current' | 'behind' | 'closed' = 'current';
  #missed = new Set<string>();

  constructor(response: ServerResponse, wants: ReadonlySet<string>, latest: LatestEvent) {
    this.#response = response;
    this.wants = wants;
    this.key = [...wants].join();
    this.#latest = latest;
    response.once('close', () => {
      this.#state = 'closed';
    });
  }

  get isCurrent(): boolean {
    return this.#state === 'current';
  }

  /** Headers of its request. */
  get headers(): IncomingHttpHeaders {
    return this.#response.req.headers;
  }

  /** Notes events that it gets, in their latest version, once it isn't behind any more. */
  miss(names: Iterable<string>): void {
    for (const name of names) this.#missed.add(name);
  }

  /** Sends bytes. Call it only while the listener is current. */
  send(bytes: Buffer): void {
    if (bytes.length > PIECE_BYTES) this.#sendPieces(inPieces(bytes));
    else if (bytes.length > 0 && this.#canWrite() && !this.#response.write(bytes)) this.#sendPieces([]);
  }

  /** Sends the latest event of each name. */
  sendLatest(names: Iterable<string>): void {
    const events = [...names].flatMap((name) => this.#latest(name) ?? []);
    const length = events.reduce((sum, event) => sum + event.length, 0);
    if (length > PIECE_BYTES) this.#sendPieces(events.flatMap(inPieces));
    else this.send(Buffer.concat(events, length));
  }

  /** Ends the stream. */
  close(): void {
    this.#state = 'closed';
    this.#response.end();
  }

  /** Writes each piece when the client has read the one before, then sends the latest version of what was missed meanwhile. */
  #sendPieces(pieces: Buffer[]): void {
    this.#state = 'behind';
    const proceed = () => {
      if (this.#state === 'closed' || !this.#canWrite()) return;
      const piece = pieces.shift();
      if (piece) {
        this.#response.write(piece);
        this.#afterDrain(proceed);
        return;
      }
      const missed = this.#missed;
      this.#missed = new Set();
      this.#state = 'current';
      this.sendLatest(missed);
    };
    this.#afterDrain(proceed);
  }

  #afterDrain(proceed: () => void): void {
    if (this.#response.writableNeedDrain) this.#response.once('drain', proceed);
    else setImmediate(proceed);
  }

  #canWrite(): boolean {
    return !this.#response.destroyed && !this.#response.writableEnded;
  }
}
