/** Schemas and responses that several operations share. Used at build time only. */
import { SECRETS_KEY_VARIABLE } from '../../access/env-file.js';
import { documents } from '../../documents/index.js';
import { slug } from '../../model/document.js';
import { array, integer, type JsonSchema, nullable, number, object, oneOf, string } from '../../model/schema.js';

const problem: JsonSchema = {
  type: 'object',
  description: 'An error, RFC 9457.',
  properties: {
    type: { type: 'string', description: 'Always `about:blank`.' },
    title: { type: 'string', description: 'The name of the status.' },
    status: { type: 'integer', description: 'The status code of the response.' },
    detail: { type: 'string', description: 'The reason, and what is expected instead.' },
  },
  required: ['type', 'title', 'status', 'detail'],
};

const freshness = {
  state: oneOf(
    ['fresh', 'stale', 'absent'],
    'State of the document. stale: the last good value, because a source is failing. absent: there is no value yet.',
  ),
  sampledAt: nullable(string('Time of the sample, RFC 3339. `null` if there is none yet.')),
  error: nullable(
    object(
      {
        code: string('Kind of error, for programs.'),
        message: string('Reason, for people.'),
        advice: nullable(string('What to do about it. `null`: wait.')),
      },
      'Reason why the document is not fresh. `null` if it is fresh.',
    ),
  ),
};

const generation = integer('Number that grows with every change of a document.');

const refreshed = object({
  generation,
  documents: {
    json: { type: 'object', additionalProperties: object(freshness).json, description: 'State of each sampled document, by name.' },
  },
});

const collectors = object({
  collectors: array(
    object({
      name: string('Name of the collector.'),
      summary: string('What the collector reads.'),
      state: oneOf(
        ['ok', 'absent', 'failing', 'pending'],
        'State of the collector. absent: this machine has no such source. pending: not sampled yet.',
      ),
      reason: nullable(string('Reason why the state is not ok. `null` if it is.')),
      advice: nullable(string('What to do about it. `null` if nothing helps but to wait.')),
      last_success: nullable(string('Time of the last good sample, RFC 3339. `null` if there is none yet.')),
      duration_ms: number('Duration of the last sample.', 'milliseconds'),
      interval_seconds: nullable(number('Time between two samples. `null` if the collector has no schedule.', 'seconds')),
    }),
    'All collectors.',
  ),
});

function snapshot(): JsonSchema {
  const { json } = object(freshness);
  const properties = documents.map((document) => {
    const data = { anyOf: [{ $ref: `#/components/schemas/${slug(document)}` }, { type: 'null' }] };
    return [document.name, { ...json, properties: { ...json.properties, data }, required: [...(json.required ?? []), 'data'] }] as const;
  });
  return {
    type: 'object',
    properties: {
      generation: generation.json,
      sampledAt: { type: 'string', format: 'date-time', description: 'Time of the latest sample in it.' },
      documents: {
        ...{ type: 'object', properties: Object.fromEntries(properties), additionalProperties: false },
        description: 'The requested documents, by name.',
      },
    },
    required: ['generation', 'sampledAt', 'documents'],
    additionalProperties: false,
  };
}

/** Returns all schemas, by name. */
export function schemas(): Record<string, JsonSchema> {
  const ofDocuments = documents.flatMap((document) => {
    const { view, pages } = document;
    return [[slug(document), view.json] as const, ...(pages ? [[`${slug(document)}-${pages.parameter}`, pages.view.json] as const] : [])];
  });
  return {
    ...Object.fromEntries(ofDocuments),
    Snapshot: snapshot(),
    Refreshed: refreshed.json,
    Collectors: collectors.json,
    Problem: problem,
  };
}

function problemResponse(description: string, status: number, title: string, detail: string): unknown {
  const example = { type: 'about:blank', title, status, detail };
  return { description, content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' }, example } } };
}

/** Responses without a document, by name. */
export const responses: Readonly<Record<string, unknown>> = {
  NotModified: { description: 'The client already has this version: its ETag was in `If-None-Match`.' },
  Unauthorized: problemResponse('The key is missing or wrong.', 403, 'Forbidden', '403: Unauthorized'),
  Hidden: problemResponse(
    ...(['The key is missing or wrong, or it cannot read secrets.', 403, 'Forbidden'] as const),
    `this page is secret: use the key in ${SECRETS_KEY_VARIABLE}, or start apsnap with --expose-secrets`,
  ),
  TooManyKeys: problemResponse(
    ...(['Too many wrong keys came from this address. `Retry-After` has the seconds to wait.', 429, 'Too Many Requests'] as const),
    'too many wrong keys came from this address; it can try again in 42 s',
  ),
  NotFound: problemResponse('There is no page of that name.', 404, 'Not Found', 'no such interface: "wlan9"'),
  BadRequest: problemResponse(
    ...(['The query or the body is not valid.', 400, 'Bad Request'] as const),
    'no document "nope": expected system, ap, clients',
  ),
  TooLarge: problemResponse('The body is too long.', 413, 'Payload Too Large', 'the body has more than 65536 bytes'),
  NotJson: problemResponse(
    ...(['The body is not JSON.', 415, 'Unsupported Media Type'] as const),
    'the Content-Type is "text/plain": expected application/json',
  ),
  Busy: problemResponse(
    ...(['Too many clients ask for this at the same time. `Retry-After` has the seconds to wait.', 503, 'Service Unavailable'] as const),
    'too many queries are waiting; try again in a moment',
  ),
  Absent: problemResponse(
    ...([
      'A source is failing, and there is no good value yet. `Retry-After` has the seconds to wait.',
      503,
      'Service Unavailable',
    ] as const),
    'memory: not sampled yet',
  ),
};
