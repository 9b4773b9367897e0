/** The stream of events, and how to get it back when it is lost. */
import { createEventParser, type StreamEvent } from './event-stream.js';
import { problemDetail } from './requests.js';

/** A comment comes every 15 s, so this much silence is a dead connection, whatever the browser believes. */
const MOST_SILENCE_MS = 40_000;
const LONGEST_WAIT_MS = 15_000;

export type Link =
  | { readonly state: 'connecting' }
  | { readonly state: 'live' }
  /** `sinceMs`, `retryAtMs`: as performance.now() counts. */
  | { readonly state: 'lost'; readonly reason: string; readonly sinceMs: number; readonly retryAtMs: number }
  /** The key is not (or no longer) the right one. */
  | { readonly state: 'refused' };

export interface Connection {
  /** Does not wait any longer. */
  retryNow(): void;
  close(): void;
}

interface Listeners {
  onEvent(event: StreamEvent): void;
  onLink(link: Link): void;
}

/** Why a connection ended, and for how long to stay away if the service says so. */
class Lost extends Error {
  readonly waitMs: number | undefined;
  constructor(message: string, waitMs?: number) {
    super(message);
    this.waitMs = waitMs;
  }
}

/**
 * @param path of the stream, relative to the page
 * @param key goes into a header, never into an address
 */
export function connect(path: string, key: string, { onEvent, onLink }: Listeners): Connection {
  let lastId = '';
  let failures = 0;
  let lostAtMs: number | undefined;
  let controller = new AbortController();
  let timer = 0;
  let closed = false;

  async function attempt(): Promise<void> {
    window.clearTimeout(timer);
    controller = new AbortController();
    const { signal } = controller;
    if (lostAtMs === undefined) onLink({ state: 'connecting' });
    try {
      if (await stream(signal)) onLink({ state: 'refused' });
      else throw new Lost('the service ended the connection');
    } catch (error) {
      if (!closed && !(signal.aborted && signal.reason === 'again')) wait(error);
    }
  }

  /** @returns when the key is refused, true */
  async function stream(signal: AbortSignal): Promise<boolean> {
    const watch = watchdog(signal);
    try {
      const headers = { access_token: key, Accept: 'text/event-stream', ...(lastId && { 'Last-Event-ID': lastId }) };
      const response = await fetch(path, { headers, signal, cache: 'no-store' });
      if (response.status === 403 || response.status === 401) return true;
      if (!response.ok || !response.body) {
        const seconds = Number(response.headers.get('Retry-After') ?? Number.NaN);
        throw new Lost(await problemDetail(response), seconds > 0 ? seconds * 1000 : undefined);
      }
      await read(response.body, watch.feed);
      return false;
    } finally {
      watch.stop();
    }
  }

  async function read(body: ReadableStream<Uint8Array>, feed: () => void): Promise<void> {
    const parse = createEventParser((event) => {
      lastId = event.id || lastId;
      failures = 0;
      onEvent(event);
    });
    lostAtMs = undefined;
    onLink({ state: 'live' });
    const reader = body.getReader();
    const decoder = new TextDecoder();
    for (;;) {
      const { done, value } = await reader.read();
      if (done || closed) return;
      feed();
      parse(decoder.decode(value, { stream: true }));
    }
  }

  function watchdog(signal: AbortSignal): { feed(): void; stop(): void } {
    let alarm = 0;
    const stop = () => window.clearTimeout(alarm);
    const feed = () => {
      stop();
      alarm = window.setTimeout(() => signal.aborted || controller.abort(new Lost('nothing was heard for 40 s')), MOST_SILENCE_MS);
    };
    feed();
    return { feed, stop };
  }

  function wait(error: unknown): void {
    const nowMs = performance.now();
    lostAtMs ??= nowMs;
    // 1, 2, 4, … s, and not all browsers at the same moment
    const ownMs = Math.min(LONGEST_WAIT_MS, 1000 * 2 ** failures) * (1 + Math.random() / 4);
    const waitMs = (error instanceof Lost && error.waitMs) || ownMs;
    failures++;
    const reason = error instanceof Lost ? error.message : 'the service does not answer';
    onLink({ state: 'lost', reason, sinceMs: lostAtMs, retryAtMs: nowMs + waitMs });
    timer = window.setTimeout(attempt, waitMs);
  }

  function retryNow(): void {
    if (closed) return;
    controller.abort('again');
    void attempt();
  }

  void attempt();
  return {
    retryNow,
    close() {
      closed = true;
      window.clearTimeout(timer);
      controller.abort();
    },
  };
}
