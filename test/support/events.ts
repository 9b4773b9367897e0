import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { request as secureRequest } from 'node:https';
import type { ConnectionOptions } from 'node:tls';

export interface ServerSentEvent {
  readonly event: string;
  readonly id: number;
  readonly data: unknown;
}

/** A client of `/events` that records what it gets. */
export interface EventClient {
  readonly response: IncomingMessage;
  /** All events so far, the oldest first. */
  readonly events: readonly ServerSentEvent[];
  /** Lines that are comments. */
  readonly comments: readonly string[];
  /** Whether the server has ended the stream. */
  readonly ended: boolean;
  /** Events of a name so far. */
  named(event: string): ServerSentEvent[];
  /** Data of the newest event of a name. */
  newest<T>(event: string): T;
  close(): void;
}

/** Opens a stream. @returns once the response has started */
export function listenToEvents(
  url: string,
  path: string,
  headers: Record<string, string>,
  tls: ConnectionOptions = {},
): Promise<EventClient> {
  const { protocol, hostname, port } = new URL(url);
  const send = protocol === 'https:' ? secureRequest : request;
  const events: ServerSentEvent[] = [];
  const comments: string[] = [];
  let rest = '';
  let ended = false;
  return new Promise((resolve, reject) => {
    const asking: ClientRequest = send({ hostname, port, path, headers, agent: false, ...tls }, (response) => {
      response.setEncoding('utf8').on('data', (chunk: string) => {
        const blocks = (rest + chunk).split('\n\n');
        rest = blocks.pop() ?? '';
        for (const block of blocks) {
          const lines = block.split('\n');
          const field = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
          const data = field('data');
          if (data === undefined) comments.push(...lines.filter((line) => line.startsWith(':')));
          else events.push({ event: field('event') ?? '', id: Number(field('id')), data: JSON.parse(data) });
        }
      });
      const end = () => {
        ended = true;
      };
      response.on('end', end).on('error', end);
      resolve({
        response,
        events,
        comments,
        get ended() {
          return ended;
        },
        named: (event) => events.filter((one) => one.event === event),
        newest<T>(event: string): T {
          const found = events.findLast((one) => one.event === event);
          if (!found) throw new Error(`no event ${event} yet`);
          return found.data as T;
        },
        close: () => asking.destroy(),
      });
    });
    asking.on('error', reject);
    asking.end();
  });
}
