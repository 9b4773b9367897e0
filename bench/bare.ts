/**
 * The peer that ours is measured against: `node:http` and nothing else, that compares the key and sends always the same bytes.
 * What it is to send comes on standard input: see {@link BareAnswer}.
 */
import { timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { BareAnswer } from './server.js';

const { key, headers, body } = JSON.parse(readFileSync(0, 'utf8')) as BareAnswer;
const expected = Buffer.from(key);
const bytes = Buffer.from(body, 'base64');

// As ours: it is in the header that Node adds.
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
