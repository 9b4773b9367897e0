/** The connection to the event stream: opens it, notices when it dies, and reconnects with growing delays. */
import { createEventParser, type StreamEvent } from './event-stream.js';
import { problemDetail } from './requests.js';

/** Maximum silence. The server sends a comment every 15 s, so a longer silence means the connection is dead. */
const MAX_SILENCE_MS = 40_000;
/** Maximum delay between attempts, unless the server asks for a longer one. */
const MAX_DELAY_MS = 15_000;
/** Reason for aborting an attempt that the next one replaces. */
const REPLACED = 'replaced';

export type Link =
  | { readonly state: 'connecting' }
  | { readonly state: 'live' }
  /** `sinceMs` and `retryAtMs` are on the clock of performance.now(). */
  | { readonly state: 'lost'; readonly reason: string; readonly sinceMs: number; readonly retryAtMs: number }
  /** The server rejected the key. */
  | { readonly state: 'rejected' };

export interface Connection {
  /** Reconnects without waiting for the delay to pass. */
  retryNow(): void;
  close(): void;
}

interface Listeners {
  onEvent(event: StreamEvent): void;
  onLink(link: Link): void;
}

/** Why a connection ended, and the delay that the server asked for. */
class ConnectionLost extends Error {
  readonly delayMs: number | undefined;
  constructor(message: string, delayMs?: number) {
    super(message);
    this.delayMs = delayMs;
  }
}

/**
 * Keeps a connection to the event stream until it is closed.
 *
 * @param path relative to the page
 * @param key sent in a header, never in a URL
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
      const response = await request(path, key, lastId, controller);
      if (response === 'rejected') return onLink({ state: 'rejected' });
      lostAtMs = undefined;
      onLink({ state: 'live' });
      await readEvents(response, controller, (event) => {
        lastId = event.id || lastId;
        failures = 0;
        onEvent(event);
      });
      throw new ConnectionLost('the server closed the connection');
    } catch (error) {
      if (!closed && signal.reason !== REPLACED) retryLater(error);
    }
  }

  function retryLater(error: unknown): void {
    const nowMs = performance.now();
    lostAtMs ??= nowMs;
    const delayMs = (error instanceof ConnectionLost && error.delayMs) || backOffMs(failures);
    failures++;
    const reason = error instanceof ConnectionLost ? error.message : 'the server is not responding';
    onLink({ state: 'lost', reason, sinceMs: lostAtMs, retryAtMs: nowMs + delayMs });
    timer = window.setTimeout(attempt, delayMs);
  }

  void attempt();
  return {
    retryNow() {
      if (closed) return;
      controller.abort(REPLACED);
      void attempt();
    },
    close() {
      closed = true;
      window.clearTimeout(timer);
      controller.abort();
    },
  };
}

/** Returns 1, 2, 4, … s with up to 25 % added at random, so that browsers don't all reconnect at the same moment. */
function backOffMs(failures: number): number {
  return Math.min(MAX_DELAY_MS, 1000 * 2 ** failures) * (1 + Math.random() / 4);
}

async function request(
  path: string,
  key: string,
  lastId: string,
  controller: AbortController,
): Promise<ReadableStream<Uint8Array> | 'rejected'> {
  const watchdog = createWatchdog(controller);
  try {
    const headers = { access_token: key, Accept: 'text/event-stream', ...(lastId && { 'Last-Event-ID': lastId }) };
    const response = await fetch(path, { headers, signal: controller.signal, cache: 'no-store' });
    if (response.status === 403 || response.status === 401) return 'rejected';
    if (response.ok && response.body) return response.body;
    const seconds = Number(response.headers.get('Retry-After') ?? Number.NaN);
    throw new ConnectionLost(await problemDetail(response), seconds > 0 ? seconds * 1000 : undefined);
  } finally {
    watchdog.stop();
  }
}

/** Reads events until the server closes the connection. */
async function readEvents(
  body: ReadableStream<Uint8Array>,
  controller: AbortController,
  onEvent: (event: StreamEvent) => void,
): Promise<void> {
  const watchdog = createWatchdog(controller);
  const parse = createEventParser(onEvent);
  const reader = body.getReader();
  const decoder = new TextDecoder();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      controller.signal.throwIfAborted();
      watchdog.reset();
      parse(decoder.decode(value, { stream: true }));
    }
  } finally {
    watchdog.stop();
  }
}

/** Aborts the connection unless it is reset at least every 40 s. */
function createWatchdog(controller: AbortController): { reset(): void; stop(): void } {
  let alarm = 0;
  const stop = () => window.clearTimeout(alarm);
  const reset = () => {
    stop();
    alarm = window.setTimeout(() => controller.abort(new ConnectionLost('no data for 40 s')), MAX_SILENCE_MS);
  };
  reset();
  return { reset, stop };
}
