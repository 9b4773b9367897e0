/** Operations of the documents, made of their definitions. Used at build time only. Their handler is in ../routes/documents.ts. */
import { type AnyDocument, documents } from '../../documents/index.js';
import { slug } from '../../model/document.js';
import { parameterSchema } from '../../model/query.js';

/** Group of each document in Swagger UI, see ./specification.ts. */
const TAGS: Readonly<Record<string, string>> = {
  system: 'System',
  ap: 'Wi-Fi',
  clients: 'Wi-Fi',
  networking: 'Network',
  firewall: 'Network',
  dhcp: 'DNS and DHCP',
  ddns: 'DNS and DHCP',
  'dns/domains': 'DNS and DHCP',
  'dns/hostnames': 'DNS and DHCP',
  'dns/logs': 'DNS and DHCP',
  'dns/upstream': 'DNS and DHCP',
  openvpn: 'VPN',
  wireguard: 'VPN',
};

/** Summaries of documents' pages. */
const PAGES: Readonly<Record<string, string>> = {
  clients: 'Connected clients of one interface',
  openvpn: 'One client configuration of OpenVPN',
  wireguard: 'One configuration of WireGuard',
};

/** What a document and its pages, by name, contain on a real machine. */
export interface Example {
  readonly document: unknown;
  readonly pages?: Readonly<Record<string, unknown>>;
}

/** Headers of every document's response. */
const headers = {
  ETag: { description: 'Version of the document, for `If-None-Match`.', schema: { type: 'string' } },
  'Sampled-At': { description: 'Time of the sample.', schema: { type: 'string', format: 'date-time' } },
  'Sample-State': { description: 'stale: a source is failing, and this is the last good value.', schema: { enum: ['fresh', 'stale'] } },
};

interface Parts {
  readonly id: string;
  readonly summary: string;
  readonly tag: string;
  readonly schema: string;
  readonly example: unknown;
  readonly parameters?: readonly unknown[];
  readonly responses?: Readonly<Record<string, unknown>>;
}

function operation({ id, summary, tag, schema, example, parameters, responses }: Parts): Record<string, unknown> {
  return {
    operationId: id,
    summary,
    tags: [tag],
    ...(parameters && { parameters }),
    responses: {
      '200': {
        description: 'The document.',
        headers,
        content: { 'application/json': { schema: { $ref: `#/components/schemas/${schema}` }, example } },
      },
      '304': { $ref: '#/components/responses/NotModified' },
      '403': { $ref: '#/components/responses/Unauthorized' },
      ...responses,
      '429': { $ref: '#/components/responses/TooManyKeys' },
      '503': { $ref: '#/components/responses/Absent' },
    },
  };
}

/** `dns/domains` → `DnsDomains` */
function pascalCase(name: string): string {
  return name.replace(/(?:^|\W)(\w)/g, (_, letter: string) => letter.toUpperCase());
}

function pathsOf(document: AnyDocument, example: Example): [string, unknown][] {
  const { name, summary, pages, queries } = document;
  const id = `get${pascalCase(name)}`;
  const tag = TAGS[name] ?? name;
  const parameters = Object.entries(queries?.parameters ?? {}).map(([parameter, definition]) => ({
    ...{ name: parameter, in: 'query', description: definition.description, schema: parameterSchema(definition) },
  }));
  const query = queries && { parameters, responses: { '400': { $ref: '#/components/responses/BadRequest' } } };
  const whole = operation({ id, summary, tag, schema: slug(document), example: example.document, ...query });
  if (!pages) return [[`/${name}`, { get: whole }]];

  const { parameter } = pages;
  const [page, body] = Object.entries(example.pages ?? {})[0] ?? [];
  const one = operation({
    ...{
      id: `${id}${pascalCase(parameter)}`,
      summary: PAGES[name] ?? summary,
      tag,
      schema: `${slug(document)}-${parameter}`,
      example: body,
    },
    parameters: [
      { name: parameter, in: 'path', required: true, description: `Name of the ${parameter}.`, schema: { type: 'string' }, example: page },
    ],
    responses: {
      ...(pages.secret && { '403': { $ref: '#/components/responses/Hidden' } }),
      '404': { $ref: '#/components/responses/NotFound' },
    },
  });
  return [
    [`/${name}`, { get: whole }],
    [`/${name}/{${parameter}}`, { get: one }],
  ];
}

/** Returns the paths of all documents and their pages. */
export function documentPaths(exampleOf: (document: AnyDocument) => Example): Record<string, unknown> {
  return Object.fromEntries(documents.flatMap((document) => pathsOf(document, exampleOf(document))));
}
