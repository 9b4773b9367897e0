/** Errors as clients see them: RFC 9457, with the sentence in `detail`, where RaspAP's clients look. */
import { STATUS_CODES } from 'node:http';
import { type DocumentRecord, problemText } from '../store.js';

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
