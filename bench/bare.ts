/**
 * The bare server that apsnap is compared with: plain `node:http`, which compares the key and always sends the same bytes.
 * It reads them from standard input, see {@link BareResponse}.
 */
import { timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { BareResponse } from './server.js';

const { key, headers, body } = JSON.parse(readFileSync(0, 'utf8')) as BareResponse;
const expected = Buffer.from(key);
const bytes = Buffer.from(body, 'base64');

// The value of apsnap, because Node sends it in a header.
const server = createServer({ keepAliveTimeout: 30_000 }, (request, response) => {
  const given = Buffer.from(String(request.headers.access_token));
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    response.writeHead(403).end();
    return;
  }
  response.writeHead(200, headers);
  response.end(bytes);
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}\n`));
