/** Errors as clients see them: RFC 9457, with the sentence in `detail`, where RaspAP's clients look. */
import { STATUS_CODES } from 'node:http';
import { problemText } from '../../engine/freshness.js';
import type { DocumentRecord } from '../../engine/records.js';
import { SECURITY_LINES } from '../middleware/security-headers.js';

/** Ends a request with an error; thrown by handlers. */
export class HttpProblem extends Error {
  override readonly name = 'HttpProblem';
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly extra: Readonly<Record<string, unknown>>;
  constructor(
    status: number,
    detail: string,
    { headers = {}, ...extra }: { headers?: Record<string, string>; [name: string]: unknown } = {},
  ) {
    super(detail);
    this.status = status;
    this.headers = headers;
    this.extra = extra;
  }
}

/** A document has nothing to be sent yet. */
export function notYet({ problem }: DocumentRecord): HttpProblem {
  return new HttpProblem(503, problem ? problemText(problem) : 'not sampled yet', { headers: { 'Retry-After': '1' } });
}

export const PROBLEM_TYPE = 'application/problem+json';

/** @returns the body of an error */
export function problemBody(status: number, detail: string, extra: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({ type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail, ...extra });
}

/** @returns a whole answer that is an error and the last on its connection, for where there is no `ServerResponse` */
export function rawProblem(status: number, detail: string, headers: Readonly<Record<string, string>> = {}): string {
  const body = problemBody(status, detail);
  const more = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const length = Buffer.byteLength(body);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: ${PROBLEM_TYPE}\r\nContent-Length: ${length}\r\n${more.join('')}Connection: close\r\nCache-Control: no-store\r\n${SECURITY_LINES}\r\n${body}`;
}
