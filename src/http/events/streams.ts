/**
 * Server-sent events for all clients of `/events`. An event is formatted once for all listeners, and the events of one turn of the event
 * loop are one write to each: a cycle may change several documents.
 */
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { DocumentRecord } from '../../engine/records.js';
import type { Store } from '../../engine/store.js';
import type { Change } from '../../model/document.js';
import { collectorsData, collectorsKey, documentStates, formatEvent, HEARTBEAT, statesKey } from './frames.js';
import { Listener } from './listener.js';

const HEARTBEAT_MS = 15_000;
/** Collectors sample every second. Their states are compared less often. */
const COLLECTORS_EVERY_MS = 2_000;

/** An event that waits for the end of this turn of the event loop. */
interface Pending {
  /** The document that a listener must want to get it; undefined: every listener gets it. */
  readonly topic: string | undefined;
  /** The name under which the latest event is kept; undefined: it isn't kept, and listeners that miss it see the document instead. */
  readonly name: string | undefined;
  readonly bytes: Buffer;
}

export class EventStreams {
  readonly #store: Store;
  readonly #listeners = new Set<Listener>();
  /** The latest event of each name, formatted when a listener first wants it. */
  readonly #latest = new Map<string, Buffer>();
  /** What was last sent of each document, and of `states` and `collectors`. */
  readonly #sent = new Map<string, string>();
  #pending: Pending[] = [];
  #timers: NodeJS.Timeout[] = [];

  constructor(store: Store) {
    this.#store = store;
    store.onChange((record) => this.#changed(record));
    store.onEvent((change) => this.#happened(change));
  }

  /** Number of listeners. */
  get size(): number {
    return this.#listeners.size;
  }

  /**
   * Sends events on a response until the client disconnects: first what there is, then what changes.
   *
   * @param wants names of documents
   * @param afterGeneration the last id the client has seen; undefined: none
   */
  open(response: ServerResponse, wants: ReadonlySet<string>, afterGeneration: number | undefined): void {
    if (response.destroyed) return;
    response.flushHeaders();
    if (this.size === 0) this.#start();
    const listener = new Listener(response, wants, (name) => this.#latest.get(name));
    response.once('close', () => this.#forget(listener));
    // Others get what is pending now; the new listener gets it as the current state.
    this.#publishCollectors();
    this.#publishStates();
    this.#sendPending();
    this.#sendCurrent(listener, afterGeneration);
    this.#listeners.add(listener);
  }

  /** Ends streams whose key isn't valid any more. */
  review(isAuthorized: (headers: IncomingHttpHeaders) => boolean): void {
    for (const listener of this.#listeners) {
      if (isAuthorized(listener.headers)) continue;
      this.#forget(listener);
      listener.close();
    }
  }

  /** Ends all streams. */
  close(): void {
    this.#sendPending();
    for (const listener of this.#listeners) listener.close();
  }

  #start(): void {
    this.#store.wantsChanges = true;
    const beat = () => {
      for (const listener of this.#listeners) if (listener.isCurrent) listener.send(HEARTBEAT);
    };
    this.#timers = [setInterval(beat, HEARTBEAT_MS), setInterval(() => this.#publishCollectors(), COLLECTORS_EVERY_MS)];
  }

  #forget(listener: Listener): void {
    if (!this.#listeners.delete(listener) || this.size > 0) return;
    this.#store.wantsChanges = false;
    for (const timer of this.#timers) clearInterval(timer);
    this.#pending = [];
    this.#latest.clear();
    this.#sent.clear();
  }

  #changed(record: DocumentRecord): void {
    if (this.size === 0) return;
    const { name } = record.document;
    const body = record.bodies.get(null);
    if (body && this.#isNews(name, body.tag)) {
      if ([...this.#listeners].some(({ wants }) => wants.has(name))) this.#publish(name, body.json, name);
      else this.#latest.delete(name);
    }
    this.#publishStates();
  }

  #happened({ event, data }: Change): void {
    if (this.size === 0) return;
    this.#queue({ topic: 'clients', name: undefined, bytes: formatEvent(event, this.#store.generation, JSON.stringify(data)) });
  }

  #publishStates(): void {
    if (this.#isNews('states', statesKey(this.#store))) this.#publish('states', documentStates(this.#store));
  }

  #publishCollectors(): void {
    if (this.#isNews('collectors', collectorsKey(this.#store))) this.#publish('collectors', collectorsData(this.#store));
  }

  #isNews(name: string, key: string): boolean {
    if (this.#sent.get(name) === key) return false;
    this.#sent.set(name, key);
    return true;
  }

  #publish(name: string, data: Uint8Array | string, topic?: string): void {
    const bytes = formatEvent(name, this.#store.generation, data);
    this.#latest.set(name, bytes);
    this.#queue({ topic, name, bytes });
  }

  #queue(event: Pending): void {
    if (this.#pending.length === 0) setImmediate(() => this.#sendPending());
    this.#pending.push(event);
  }

  #sendPending(): void {
    const events = this.#pending;
    this.#pending = [];
    if (events.length === 0) return;
    const joined = new Map<string, Buffer>();
    for (const listener of this.#listeners) {
      const { key, wants } = listener;
      const wanted = () => events.filter(({ topic }) => topic === undefined || wants.has(topic));
      if (!listener.isCurrent) {
        listener.miss(wanted().flatMap(({ name }) => name ?? []));
        continue;
      }
      const bytes = joined.get(key) ?? Buffer.concat(wanted().map((event) => event.bytes));
      joined.set(key, bytes);
      listener.send(bytes);
    }
  }

  /** Sends the current state of what a listener wants, except documents it has seen. */
  #sendCurrent(listener: Listener, afterGeneration: number | undefined): void {
    const { generation, documents } = this.#store;
    // A higher id comes from an earlier run of the service whose clock was ahead.
    const seen = afterGeneration !== undefined && afterGeneration <= generation ? afterGeneration : -1;
    const names: string[] = [];
    for (const record of documents.values()) {
      const { name } = record.document;
      const body = record.bodies.get(null);
      if (!body || !listener.wants.has(name)) continue;
      // Counts as sent even if the client has seen it, or the next sample would repeat it.
      this.#sent.set(name, body.tag);
      if (record.generation <= seen) continue;
      if (!this.#latest.has(name)) this.#latest.set(name, formatEvent(name, record.generation, body.json));
      names.push(name);
    }
    this.#latest.set('states', formatEvent('states', generation, documentStates(this.#store)));
    listener.sendLatest([...names, 'states', 'collectors']);
  }
}
