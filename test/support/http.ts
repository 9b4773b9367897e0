import assert from 'node:assert/strict';
import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http';
import { request as secureRequest } from 'node:https';
import { connect } from 'node:net';
import type { ConnectionOptions } from 'node:tls';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** As they came, still compressed. */
  readonly body: Buffer;
  readonly text: string;
  json<T = Record<string, unknown>>(): T;
}

export interface Asking {
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  /** A list is sent chunked. */
  readonly body?: string | Buffer | readonly string[];
  /** Whom to trust, and how to show oneself, over https. */
  readonly tls?: ConnectionOptions;
}

/**
 * Sends one request on a connection of its own, the path exactly as it is given.
 *
 * @param url where the server listens
 */
export function ask(url: string, path: string, { method = 'GET', headers = {}, body, tls }: Asking = {}): Promise<Answer> {
  const { protocol, hostname, port } = new URL(url);
  const send = protocol === 'https:' ? secureRequest : request;
  return new Promise((resolve, reject) => {
    const asking = send({ hostname, port, path, method, headers, agent: false, timeout: 20_000, ...tls }, (response) => {
      const chunks: Buffer[] = [];
      // A stream of events does not end: its start is its answer.
      const endless = response.headers['content-type'] === 'text/event-stream';
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        if (endless) response.destroy();
      });
      response.on('error', (error) => (endless ? undefined : reject(error)));
      response.on('close', () => {
        if (!endless && !response.complete) return;
        const bytes = Buffer.concat(chunks);
        const text = bytes.toString('utf8');
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: bytes, text, json: <T>() => JSON.parse(text) as T });
      });
    });
    asking.on('timeout', () => asking.destroy(new Error(`${method} ${path}: no answer in 20 s`)));
    asking.on('error', reject);
    if (typeof body === 'string' || body instanceof Buffer) {
      asking.end(body);
    } else {
      for (const chunk of body ?? []) asking.write(chunk);
      asking.end();
    }
  });
}

/**
 * Writes bytes to the server and reads until it closes the connection, which it should do within 5 s.
 *
 * @param finish whether to say that no more bytes come
 */
export function exchange(url: string, bytes: string | Buffer, finish = false): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    let got = '';
    const socket = connect(Number(port), hostname, () => (finish ? socket.end(bytes) : socket.write(bytes)));
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      got += chunk;
    });
    socket.setTimeout(5_000, () => socket.destroy(new Error(`still open after 5 s: ${got}`)));
    socket.on('error', (error: NodeJS.ErrnoException) => (error.code === 'ECONNRESET' && got ? resolve(got) : reject(error)));
    socket.on('close', () => resolve(got));
  });
}

/** Sends a request with the key. */
export function askAs(
  { url, key }: { readonly url: string; readonly key: string },
  path: string,
  { headers, ...asking }: Asking = {},
): Promise<Answer> {
  return ask(url, path, { ...asking, headers: { access_token: key, ...headers } });
}

/** Asserts that a response is a problem document. */
export function assertProblem(answer: Answer, status: number, detail: RegExp): void {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.headers['content-type'], 'application/problem+json');
  assert.equal(answer.headers['cache-control'], 'no-store');
  const problem = answer.json();
  assert.equal(problem.type, 'about:blank');
  assert.equal(problem.status, status);
  assert.match(String(problem.title), /^[A-Z]/);
  assert.match(String(problem.detail), detail);
}
