/**
 * Server-sent events, HTML standard 9.2: what changes, as it changes.
 *
 *     event: clients
 *     id: 1795500557123
 *     data: {"active_clients_amount":3,…}
 *
 * An event is made once for all who listen, and events of one moment (documents are composed in batches) are one write to each.
 * Who reads slowly gets no queue: what has changed meanwhile is taken down, and when the connection takes more, the newest of it is sent.
 * What is long is sent piece by piece, for the same reason: so a listener has the memory of a piece at most, be the list ever so long.
 */
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { documents } from '../../documents/index.js';
import type { DocumentRecord } from '../../engine/records.js';
import type { Store } from '../../engine/store.js';
import { inPieces, PIECE_BYTES } from '../responses/ready.js';
import { collectorStates } from './collectors.js';

/** Proxies and clients give up connections that are silent for longer. */
const HEARTBEAT_MS = 15_000;
/** Collectors sample every second; how long that took is no news. */
const COLLECTORS_EVERY_MS = 2_000;

/** An event that tells how something is now: the next of its name takes its place. */
interface Frame {
  readonly name: string;
  readonly generation: number;
  readonly bytes: Buffer;
}

/** An event that waits for the end of this turn of the event loop. */
interface Pending {
  /** The document that one must want to get it; undefined: all get it. */
  readonly topic: string | undefined;
  /** Under which the newest is kept; undefined: it is not, for who missed it sees what has become of it. */
  readonly name: string | undefined;
  readonly bytes: Buffer;
}

interface Listener {
  readonly response: ServerResponse;
  /** Written to as it is, below HTTP: the stream has no chunks, and what the response does for each write costs as much as the write. */
  readonly socket: Socket;
  /** Names of documents that it wants. */
  readonly wants: ReadonlySet<string>;
  /** The same as one text: who has the same gets the same bytes. */
  readonly key: string;
  /** Names of events that it is to get when the connection takes more; undefined: it does now. */
  missed: Set<string> | undefined;
}

export interface EventStreams {
  /** How many listen. */
  readonly size: number;
  /**
   * Answers a request with events until the client goes away.
   *
   * @param wants names of documents
   * @param afterGeneration what the client has seen already: the last `id` it got
   */
  open(response: ServerResponse, wants: ReadonlySet<string>, afterGeneration: number | undefined): void;
  /** Ends those of listeners that would not be let in any more: their key has been replaced. */
  review(isWelcome: (headers: IncomingHttpHeaders) => boolean): void;
  /** Ends all. */
  close(): void;
}

/** Documents that are sent unless others are asked for: not those that may have 30 MB. */
export const DEFAULT_DOCUMENTS: ReadonlySet<string> = new Set(documents.filter(({ verbatim }) => !verbatim).map(({ name }) => name));

export function createEventStreams(store: Store): EventStreams {
  const listeners = new Set<Listener>();
  /** Of each name the newest, made when somebody wants it. */
  const frames = new Map<string, Frame>();
  let heartbeat: NodeJS.Timeout | undefined;
  let collectorsTimer: NodeJS.Timeout | undefined;

  let pending: Pending[] = [];

  function write(listener: Listener, bytes: Buffer): void {
    if (bytes.length > PIECE_BYTES) sendSlowly(listener, inPieces(bytes));
    // The client may have closed its end, and what follows from that not have happened yet.
    else if (bytes.length > 0 && listener.socket.writable && !listener.socket.write(bytes)) sendSlowly(listener, []);
  }

  /** Sends pieces, each when what was sent before is taken, and others had their turn; then the newest of what has come meanwhile. */
  function sendSlowly(listener: Listener, pieces: Buffer[]): void {
    const { socket } = listener;
    const missed = new Set<string>();
    listener.missed = missed;
    const wait = () => (socket.writableNeedDrain ? socket.once('drain', proceed) : setImmediate(proceed));
    const proceed = () => {
      // Gone, or not welcome any more.
      if (!listeners.has(listener) || !socket.writable) return;
      const piece = pieces.shift();
      if (piece) {
        socket.write(piece);
        wait();
      } else {
        listener.missed = undefined;
        sendNewest(listener, missed);
      }
    };
    wait();
  }

  function sendNewest(listener: Listener, names: Iterable<string>): void {
    const parts = [...names].flatMap((name) => frames.get(name)?.bytes ?? []);
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    if (length <= PIECE_BYTES) write(listener, Buffer.concat(parts, length));
    else sendSlowly(listener, parts.flatMap(inPieces));
  }

  function queue(event: Pending): void {
    if (pending.length === 0) setImmediate(sendPending);
    pending.push(event);
  }

  function sendPending(): void {
    const events = pending;
    pending = [];
    if (events.length === 0) return;
    const joined = new Map<string, Buffer>();
    for (const listener of listeners) {
      const { key, wants, missed } = listener;
      const isWanted = ({ topic }: Pending) => topic === undefined || wants.has(topic);
      if (missed) {
        for (const event of events) if (event.name !== undefined && isWanted(event)) missed.add(event.name);
        continue;
      }
      const bytes = joined.get(key) ?? Buffer.concat(events.filter(isWanted).map((event) => event.bytes));
      joined.set(key, bytes);
      write(listener, bytes);
    }
  }

  /** Makes an event and sends it to those who want it: all, or those who want the document `topic`. */
  function publish(name: string, data: Uint8Array | string, topic?: string): void {
    const frame = frameOf(name, store.generation, data);
    frames.set(name, frame);
    queue({ topic, name, bytes: frame.bytes });
  }

  let states = '';

  function publishStates(): void {
    const now = JSON.stringify(
      Object.fromEntries([...store.documents].map(([name, { state, problem }]) => [name, { state, error: problem }])),
    );
    if (now === states) return;
    states = now;
    publish('states', documentStates(store));
  }

  let collectors = '';

  function publishCollectors(): void {
    const rows = collectorStates(store);
    // That a sample was taken, and how long it took, is no news.
    const now = JSON.stringify(rows.map(({ last_success: _at, duration_ms: _took, ...row }) => row));
    if (now === collectors) return;
    collectors = now;
    publish('collectors', JSON.stringify({ collectors: rows }));
  }

  store.onChange((record) => {
    if (listeners.size === 0) return;
    const { name } = record.document;
    const tag = record.bodies.get(null)?.tag;
    if (tag !== undefined && tag !== sentTags.get(name)) {
      sentTags.set(name, tag);
      if ([...listeners].some(({ wants }) => wants.has(name))) publishDocument(record);
      else frames.delete(name);
    }
    publishStates();
  });
  const sentTags = new Map<string, string>();

  function publishDocument({ document: { name }, bodies }: DocumentRecord): void {
    const body = bodies.get(null);
    if (body) publish(name, body.json, name);
  }

  store.onEvent(({ event, data }) => {
    if (listeners.size === 0) return;
    queue({ topic: 'clients', name: undefined, bytes: frameOf(event, store.generation, JSON.stringify(data)).bytes });
  });

  function start(): void {
    store.wantsChanges = true;
    heartbeat = setInterval(() => {
      const comment = Buffer.from(': still here\n\n');
      for (const listener of listeners) if (!listener.missed) write(listener, comment);
    }, HEARTBEAT_MS);
    collectorsTimer = setInterval(publishCollectors, COLLECTORS_EVERY_MS);
  }

  function forget(listener: Listener): void {
    if (listeners.delete(listener) && listeners.size === 0) stop();
  }

  function stop(): void {
    store.wantsChanges = false;
    clearInterval(heartbeat);
    clearInterval(collectorsTimer);
    pending = [];
    frames.clear();
    sentTags.clear();
    states = '';
    collectors = '';
  }

  /** The newest event of each name that a listener wants, made if nobody wanted it before. */
  function sendCurrent(listener: Listener, afterGeneration: number | undefined): void {
    const names: string[] = [];
    // More than there is, it has seen of another service: one before this, by a clock that was set back since.
    const seen = afterGeneration !== undefined && afterGeneration <= store.generation ? afterGeneration : -1;
    for (const record of store.documents.values()) {
      const { name } = record.document;
      const body = record.bodies.get(null);
      if (!body || !listener.wants.has(name)) continue;
      // What it has seen counts as sent, or the next sample would repeat it.
      sentTags.set(name, body.tag);
      if (record.generation <= seen) continue;
      if (!frames.has(name)) frames.set(name, frameOf(name, record.generation, body.json));
      names.push(name);
    }
    frames.set('states', frameOf('states', store.generation, documentStates(store)));
    sendNewest(listener, [...names, 'states', 'collectors']);
  }

  return {
    get size() {
      return listeners.size;
    },
    open(response, wants, afterGeneration) {
      const { socket } = response;
      if (!socket) return; // it has gone already
      response.flushHeaders();
      if (listeners.size === 0) start();
      const listener: Listener = { response, socket, wants, key: [...wants].join(), missed: undefined };
      response.once('close', () => forget(listener));
      // First what there is, then what comes: nothing can come between, and nothing twice.
      publishCollectors();
      publishStates();
      sendPending();
      sendCurrent(listener, afterGeneration);
      listeners.add(listener);
    },
    review(isWelcome) {
      for (const listener of listeners) {
        if (isWelcome(listener.response.req.headers)) continue;
        // At once: who does not read yet would get the newest of it all before the end.
        forget(listener);
        listener.response.end();
      }
    },
    close() {
      sendPending();
      for (const { response } of listeners) response.end();
    },
  };
}

/** JSON has no line feeds, so its data is one line. */
function frameOf(name: string, generation: number, data: Uint8Array | string): Frame {
  const head = Buffer.from(`event: ${name}\nid: ${generation}\ndata: `);
  return { name, generation, bytes: Buffer.concat([head, Buffer.from(data as Uint8Array), Buffer.from('\n\n')]) };
}

function documentStates(store: Store): string {
  return JSON.stringify(
    Object.fromEntries(
      [...store.documents].map(([name, { state, sampledAtMs, problem }]) => [
        name,
        { state, sampledAt: sampledAtMs === null ? null : new Date(sampledAtMs).toISOString(), error: problem },
      ]),
    ),
  );
}
