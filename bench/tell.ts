/**
 * `node tell.js BYTES`: the least that telling many of something can cost. Takes connections on a free port of 127.0.0.1, which it
 * prints as a URL, and writes so many bytes to each of them every second, with the mark that listen.js counts.
 */
import { type AddressInfo, createServer, type Socket } from 'node:net';

const bytes = Buffer.alloc(Number(process.argv[2]), 'x');
bytes.write('\nid: ');
const sockets = new Set<Socket>();

const server = createServer((socket) => {
  sockets.add(socket.on('error', () => sockets.delete(socket)));
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}/\n`));
setInterval(() => {
  for (const socket of sockets) socket.write(bytes);
}, 1000);
