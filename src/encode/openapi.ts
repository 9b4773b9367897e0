/** The part of the OpenAPI specification that comes from the documents' definitions. */

import { type AnyDocument, documents } from '../documents/index.js';
import { slug } from '../model/document.js';
import { parameterSchema } from '../model/query.js';
import { array, integer, type JsonSchema, nullable, number, object, oneOf, string } from '../model/schema.js';
import { version } from '../version.js';

const problem: JsonSchema = {
  type: 'object',
  description: 'RFC 9457',
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string', description: 'What is wrong, and what is expected' },
  },
  required: ['type', 'title', 'status', 'detail'],
};

const freshness = {
  state: oneOf(['fresh', 'stale', 'absent'], 'stale: the last good value, of a source that fails now; absent: there is none'),
  sampledAt: nullable(string('When, RFC 3339')),
  error: nullable(
    object(
      { code: string('For programs'), message: string('For people'), advice: nullable(string('What to do about it; null: wait')) },
      'Why it is not fresh',
    ),
  ),
};

const refreshed = object({
  generation: integer('Counts changes'),
  documents: { json: { type: 'object', additionalProperties: object(freshness).json, description: 'By name' } },
});

const collectorsSchema = object({
  collectors: array(
    object({
      name: string('Name'),
      summary: string('What it collects'),
      state: oneOf(['ok', 'absent', 'failing', 'pending'], 'absent: the machine has no such thing; pending: not sampled yet'),
      reason: nullable(string('Why it is not ok')),
      advice: nullable(string('What to do about it')),
      last_success: nullable(string('When its last good sample was, RFC 3339')),
      duration_ms: number('How long the last sample took', 'milliseconds'),
      interval_seconds: nullable(number('Time between two samples', 'seconds')),
    }),
    'Every collector',
  ),
});

function snapshotSchema(): JsonSchema {
  const properties = Object.fromEntries(
    documents.map((document) => {
      const { json } = object(freshness);
      const data = { anyOf: [{ $ref: `#/components/schemas/${slug(document)}` }, { type: 'null' }] };
      return [document.name, { ...json, properties: { ...json.properties, data }, required: [...(json.required ?? []), 'data'] }];
    }),
  );
  return {
    type: 'object',
    properties: {
      generation: { type: 'integer', description: 'Counts changes' },
      sampledAt: { type: 'string', format: 'date-time' },
      documents: { type: 'object', properties, additionalProperties: false, description: 'By name; those asked for' },
    },
    required: ['generation', 'sampledAt', 'documents'],
    additionalProperties: false,
  };
}

/** Headers of every document's answers. */
const headers = {
  ETag: { description: 'For `If-None-Match`', schema: { type: 'string' } },
  'Sampled-At': { description: 'When it was sampled', schema: { type: 'string', format: 'date-time' } },
  'Sample-State': { description: 'Whether its sources are well', schema: { type: 'string', enum: ['fresh', 'stale'] } },
};

/** What a document and its pages, by name, say of some machine. */
export interface Example {
  readonly document: unknown;
  readonly pages?: Readonly<Record<string, unknown>>;
}

function operation(
  summary: string,
  tag: string,
  schema: string,
  example: unknown,
  more: Record<string, unknown> = {},
): Record<string, unknown> {
  const { responses, ...rest } = more;
  return {
    summary,
    tags: [tag],
    ...rest,
    responses: {
      '200': {
        description: 'The document',
        headers,
        content: { 'application/json': { schema: { $ref: `#/components/schemas/${schema}` }, example } },
      },
      '304': { description: 'Nothing has changed since the answer with the ETag in `If-None-Match`' },
      '403': { $ref: '#/components/responses/Unauthorized' },
      ...(responses as object | undefined),
      '429': { $ref: '#/components/responses/TooManyKeys' },
      '503': { $ref: '#/components/responses/Absent' },
    },
  };
}

function pathsOf(document: AnyDocument, example: Example): [string, unknown][] {
  const { name, summary, pages, queries } = document;
  const asked = Object.entries(queries?.parameters ?? {}).map(([parameter, definition]) => ({
    ...{ name: parameter, in: 'query', description: definition.description, schema: parameterSchema(definition) },
  }));
  const more = queries && { parameters: asked, responses: { '400': { $ref: '#/components/responses/BadRequest' } } };
  const paths: [string, unknown][] = [[`/${name}`, { get: operation(summary, 'Documents', slug(document), example.document, more) }]];
  if (pages) {
    const { parameter } = pages;
    const [page, body] = Object.entries(example.pages ?? {})[0] ?? [];
    const parameters = [{ name: parameter, in: 'path', required: true, schema: { type: 'string' }, example: page }];
    const responses = {
      ...(pages.secret && { '403': { $ref: '#/components/responses/Hidden' } }),
      '404': { $ref: '#/components/responses/NotFound' },
    };
    const one = operation(`The same of one ${parameter}`, 'Documents', `${slug(document)}-${parameter}`, body, { parameters, responses });
    paths.push([`/${name}/{${parameter}}`, { get: one }]);
  }
  return paths;
}

function problemResponse(description: string): unknown {
  return { description, content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } } };
}

/** @returns an OpenAPI 3.1 definition, to which the routes' own comments are added */
export function specification(exampleOf: (document: AnyDocument) => Example): Record<string, unknown> {
  const schemas = documents.flatMap((document) => {
    const { view, pages } = document;
    return [[slug(document), view.json], ...(pages ? [[`${slug(document)}-${pages.parameter}`, pages.view.json]] : [])];
  });
  return {
    openapi: '3.1.0',
    info: {
      title: 'apsnap',
      version,
      description: 'The state of a Linux access point, sampled on a schedule and served from memory. Ask as often as you like.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '.', description: 'This machine' }],
    security: [{ access_token: [] }, { bearer: [] }, { basic: [] }, { api_key: [] }],
    paths: Object.fromEntries(documents.flatMap((document) => pathsOf(document, exampleOf(document)))),
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        basic: { type: 'http', scheme: 'basic', description: 'Any user, the key as password' },
        api_key: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
        // Last: Swagger UI's dialog opens at the last one.
        access_token: { type: 'apiKey', in: 'header', name: 'access_token', description: 'The key in the env file: `apsnap key show`' },
      },
      schemas: {
        ...Object.fromEntries(schemas),
        Snapshot: snapshotSchema(),
        Refreshed: refreshed.json,
        Collectors: collectorsSchema.json,
        Problem: problem,
      },
      responses: {
        Unauthorized: problemResponse('The key is missing or wrong'),
        TooManyKeys: problemResponse('Too many wrong keys came from this address: `Retry-After` says for how long it is refused'),
        Hidden: problemResponse('The key is missing or wrong, or it does not see secrets'),
        NotFound: problemResponse('There is none of that name'),
        BadRequest: problemResponse('The query or the body is not as expected'),
        TooLarge: problemResponse('The body is too long'),
        NotJson: problemResponse('The body is no JSON'),
        Busy: problemResponse('Too many ask for that at once'),
        Absent: problemResponse('A source fails and there is no good value yet'),
      },
    },
  };
}
