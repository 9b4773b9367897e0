/**
 * Server-sent events, HTML standard 9.2: what changes, as it changes.
 *
 *     event: clients
 *     id: 1795500557123
 *     data: {"active_clients_amount":3,…}
 *
 * An event is made once for all who listen. Who reads slowly gets no queue: what has changed meanwhile is taken down, and
 * when the connection takes more, the newest of it is sent.
 */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { documents } from '../documents/index.js';
import type { DocumentRecord, Store } from '../store.js';
import { collectorStates } from './collector-states.js';

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

interface Listener {
  readonly response: ServerResponse;
  /** Written to as it is, below HTTP: the stream has no chunks, and what the response does for each write costs as much as the write. */
  readonly socket: Socket;
  /** Names of documents that it wants. */
  readonly wants: ReadonlySet<string>;
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

  function send(listener: Listener, name: string): void {
    if (listener.missed) {
      listener.missed.add(name);
      return;
    }
    const frame = frames.get(name);
    if (frame) write(listener, frame.bytes);
  }

  function write(listener: Listener, bytes: Buffer): void {
    if (listener.socket.write(bytes)) return;
    listener.missed = new Set();
    listener.socket.once('drain', () => {
      const missed = listener.missed ?? [];
      listener.missed = undefined;
      for (const name of missed) send(listener, name);
    });
  }

  /** Makes an event and sends it to those who want it. */
  function publish(name: string, data: Uint8Array | string, isWanted: (listener: Listener) => boolean): void {
    frames.set(name, frameOf(name, store.generation, data));
    for (const listener of listeners) if (isWanted(listener)) send(listener, name);
  }

  const toAll = () => true;
  let states = '';

  function publishStates(): void {
    const now = JSON.stringify(
      Object.fromEntries([...store.documents].map(([name, { state, problem }]) => [name, { state, error: problem }])),
    );
    if (now === states) return;
    states = now;
    publish('states', documentStates(store), toAll);
  }

  let collectors = '';

  function publishCollectors(): void {
    const rows = collectorStates(store);
    // That a sample was taken, and how long it took, is no news.
    const now = JSON.stringify(rows.map(({ last_success: _at, duration_ms: _took, ...row }) => row));
    if (now === collectors) return;
    collectors = now;
    publish('collectors', JSON.stringify({ collectors: rows }), toAll);
  }

  store.onChange((record) => {
    if (listeners.size === 0) return;
    const { name } = record.document;
    const tag = record.bodies.get(null)?.tag;
    if (tag !== undefined && tag !== sentTags.get(name)) {
      sentTags.set(name, tag);
      const isWanted = ({ wants }: Listener) => wants.has(name);
      if ([...listeners].some(isWanted)) publishDocument(record, isWanted);
      else frames.delete(name);
    }
    publishStates();
  });
  const sentTags = new Map<string, string>();

  function publishDocument(record: DocumentRecord, isWanted: (listener: Listener) => boolean): void {
    const body = record.bodies.get(null);
    if (body) publish(record.document.name, body.json, isWanted);
  }

  // Happenings are not kept: who missed one sees what has become of it.
  store.onEvent(({ event, data }) => {
    const frame = frameOf(event, store.generation, JSON.stringify(data));
    for (const listener of listeners) if (!listener.missed && listener.wants.has('clients')) write(listener, frame.bytes);
  });

  function start(): void {
    store.wantsChanges = true;
    heartbeat = setInterval(() => {
      const comment = Buffer.from(': still here\n\n');
      for (const listener of listeners) if (!listener.missed) write(listener, comment);
    }, HEARTBEAT_MS);
    collectorsTimer = setInterval(publishCollectors, COLLECTORS_EVERY_MS);
  }

  function stop(): void {
    store.wantsChanges = false;
    clearInterval(heartbeat);
    clearInterval(collectorsTimer);
    frames.clear();
    sentTags.clear();
    states = '';
    collectors = '';
  }

  /** The newest event of each name that a listener wants, made if nobody wanted it before. */
  function sendCurrent(listener: Listener, afterGeneration: number | undefined): void {
    for (const record of store.documents.values()) {
      const { name } = record.document;
      const body = record.bodies.get(null);
      if (!body || !listener.wants.has(name) || record.generation <= (afterGeneration ?? -1)) continue;
      if (!frames.has(name)) {
        sentTags.set(name, body.tag);
        frames.set(name, frameOf(name, record.generation, body.json));
      }
      send(listener, name);
    }
    publishCollectors();
    frames.set('states', frameOf('states', store.generation, documentStates(store)));
    send(listener, 'states');
    send(listener, 'collectors');
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
      const listener: Listener = { response, socket, wants, missed: undefined };
      response.once('close', () => {
        listeners.delete(listener);
        if (listeners.size === 0) stop();
      });
      // First what there is, then what comes: nothing can come between.
      sendCurrent(listener, afterGeneration);
      listeners.add(listener);
    },
    close() {
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
