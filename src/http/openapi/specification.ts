/** The OpenAPI specification, except for the comments of routes. Used at build time only, by scripts/openapi.ts. */
import type { AnyDocument } from '../../documents/index.js';
import { version } from '../../version.js';
import { responses, schemas } from './components.js';
import { documentPaths, type Example } from './documents.js';

const description = `The state of a Linux access point, sampled on a schedule and served from memory.

Send the key in the header \`access_token\`. Reading is cheap: poll as often as you like, with \`If-None-Match\`, or listen to \`/events\`.
Every error is a problem document (RFC 9457) whose \`detail\` says what is wrong and what is expected.`;

/** Groups of operations, in the order in which Swagger UI shows them. */
const tags = [
  { name: 'System', description: 'The machine itself: load, memory, disk, temperature, versions.' },
  { name: 'Wi-Fi', description: 'Access points and their clients.' },
  { name: 'Network', description: 'Interfaces, addresses, traffic and firewall.' },
  { name: 'DNS and DHCP', description: 'dnsmasq, lists of blocked names, and dynamic DNS.' },
  { name: 'VPN', description: 'Configurations of OpenVPN and WireGuard.' },
  { name: 'Snapshot and events', description: 'All documents at once, changes as they happen, and sampling on request.' },
  { name: 'Metrics and history', description: 'Numbers for Prometheus and for plots.' },
  { name: 'Health', description: 'State of the service and its collectors.' },
];

const securitySchemes = {
  bearer: { type: 'http', scheme: 'bearer', description: 'The key as a bearer token.' },
  basic: { type: 'http', scheme: 'basic', description: 'Any user name, with the key as the password.' },
  api_key: { type: 'apiKey', in: 'header', name: 'X-API-Key', description: 'The key in the header X-API-Key.' },
  // Last: Swagger UI's dialog opens at the last one.
  access_token: { type: 'apiKey', in: 'header', name: 'access_token', description: 'The key that `apsnap key show` prints.' },
};

/** Returns an OpenAPI 3.1 definition. The routes' `@openapi` comments are added to it. */
export function specification(exampleOf: (document: AnyDocument) => Example): Record<string, unknown> {
  return {
    openapi: '3.1.0',
    info: { title: 'apsnap', version, description, license: { name: 'MIT', identifier: 'MIT' } },
    servers: [{ url: '.', description: 'This machine' }],
    security: [{ access_token: [] }, { bearer: [] }, { basic: [] }, { api_key: [] }],
    tags,
    paths: documentPaths(exampleOf),
    components: { securitySchemes, schemas: schemas(), responses },
  };
}
