/** Queries of documents, such as `/dns/domains?contains=ads`. A worker answers them, and responses are kept until the document changes. */
import type { Body } from '../../encode/body.js';
import { problemOfDocument, problemText } from '../../engine/freshness.js';
import type { DocumentRecord } from '../../engine/records.js';
import type { Workers } from '../../engine/worker-pool.js';
import { parseQuery, QueryError } from '../../model/query.js';
import { busy, HttpProblem, notYet } from './problem.js';
import { type ReadyResponse, readyResponse } from './ready.js';

/** Maximum size of the kept responses to queries of one document. Beyond it, all are dropped. */
const KEPT_BYTES = 8 << 20;
/** Memory that a kept response needs besides its bytes. */
const MIN_BYTES = 1_000;

/** Kept responses to queries of one document. */
interface Kept {
  readonly tag: string | undefined;
  readonly answers: Map<string, Promise<Body>>;
  bytes: number;
}

/**
 * @returns a function that takes what follows the question mark, and returns the response; undefined if the document knows none of the
 * parameters. It throws {@link HttpProblem}: 400 if a parameter is not valid, 503 if too many queries wait or the query failed
 */
export function createQueries(workers: Workers): (record: DocumentRecord, search: string) => Promise<ReadyResponse> | undefined {
  const kept = new Map<DocumentRecord, Kept>();

  function keptOf(record: DocumentRecord): Kept {
    const tag = record.bodies.get(null)?.tag;
    const before = kept.get(record);
    if (before && before.tag === tag) return before;
    const fresh: Kept = { tag, answers: new Map(), bytes: 0 };
    kept.set(record, fresh);
    return fresh;
  }

  async function ask(record: DocumentRecord, query: Readonly<Record<string, string | number>>): Promise<Body> {
    const { document } = record;
    if (record.state === 'absent') throw notYet(record);
    const outcome = await workers.answer({ document: document.name, query });
    if (outcome.kind === 'busy') throw busy();
    if (outcome.kind === 'failed') {
      const detail = problemText(problemOfDocument(document, outcome));
      throw new HttpProblem(503, detail, { headers: { 'Retry-After': '2' } });
    }
    return outcome.body;
  }

  return (record, search) => {
    const parameters = record.document.queries?.parameters;
    const query = parameters && checkedQuery(() => parseQuery(parameters, search));
    if (!query) return undefined;
    const own = keptOf(record);
    const key = JSON.stringify(query);
    let body = own.answers.get(key);
    if (!body) {
      body = ask(record, query);
      own.answers.set(key, body);
      body.then(
        ({ json, gzip }) => {
          const bytes = MIN_BYTES + json.length + (gzip?.length ?? 0);
          if (own.bytes + bytes > KEPT_BYTES) {
            own.answers.clear();
            own.bytes = 0;
          } else own.bytes += bytes;
        },
        () => own.answers.delete(key),
      );
    }
    return body.then(({ json, gzip, tag }) => {
      const modifiedMs = record.bodies.get(null)?.modifiedMs ?? Date.now();
      return readyResponse([json], gzip && [gzip], tag, { modifiedMs, sampledAtMs: record.sampledAtMs ?? modifiedMs, state: record.state });
    });
  };
}

function checkedQuery<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw error instanceof QueryError ? new HttpProblem(400, error.message) : error;
  }
}
