/** Errors as clients see them: RFC 9457, with the reason in `detail`, where RaspAP's clients look for it. */
import { STATUS_CODES } from 'node:http';
import { problemText } from '../../engine/freshness.js';
import type { DocumentRecord } from '../../engine/records.js';
import { SECURITY_HEADERS } from '../middleware/security-headers.js';
import { type ReadyResponse, representation } from './ready.js';

/** Ends a request with an error. Handlers throw it. */
export class HttpProblem extends Error {
  override readonly name = 'HttpProblem';
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly extra: Readonly<Record<string, unknown>>;

  /** @param more headers of the response; all other names are members of the body */
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

/** Seconds until a client should ask again for a document that isn't there yet, or whose source fails. */
const RETRY_SECONDS = { pending: '1', failing: '2' } as const;

/** Makes the error for a document that has no bytes yet. */
export function notYet({ problem }: DocumentRecord): HttpProblem {
  const wait = problem === null || problem.code === 'pending' ? 'pending' : 'failing';
  const detail = problem ? problemText(problem) : 'not sampled yet';
  return new HttpProblem(503, detail, { headers: { 'Retry-After': RETRY_SECONDS[wait] } });
}

/** Makes the error for a query that a worker has no time for. */
export function busy(): HttpProblem {
  return new HttpProblem(503, 'too many queries are waiting; try again in a moment', { headers: { 'Retry-After': '1' } });
}

const PROBLEM_TYPE = 'application/problem+json';

/** Makes the response for an error. */
export function problemResponse({ status, message, headers, extra }: HttpProblem): ReadyResponse {
  const body = { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail: message, ...extra };
  const common = [...Object.entries(headers).flat(), 'Cache-Control', 'no-store', ...SECURITY_HEADERS];
  return { status, plain: representation(PROBLEM_TYPE, [Buffer.from(JSON.stringify(body))], '', [], common), gzip: undefined };
}

/** Writes an error as a whole HTTP message, the last one on its connection. For where Node has no `ServerResponse`. */
export function rawProblem(problem: HttpProblem): string {
  const { status, plain } = problemResponse(problem);
  const headers = [...plain.headers, 'Connection', 'close'];
  const lines = headers.flatMap((name, at) => (at % 2 === 0 ? `${name}: ${headers[at + 1]}\r\n` : []));
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${plain.pieces.join('')}`;
}
