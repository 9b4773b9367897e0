/**
 * `node tell.js BYTES` is the bare server that event streams are compared with. It listens on a free port of 127.0.0.1, prints its URL,
 * and writes BYTES bytes to each client every second with `response.write`, with the mark that listen.js counts.
 */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const bytes = Buffer.alloc(Number(process.argv[2]), 'x');
bytes.write('\nid: ');
const responses = new Set<ServerResponse>();

const server = createServer((_request, response) => {
  responses.add(response.on('close', () => responses.delete(response)));
  response.writeHead(200, { 'Content-Type': 'text/event-stream' });
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}/\n`));
setInterval(() => {
  for (const response of responses) response.write(bytes);
}, 1000);
