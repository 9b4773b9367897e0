/**
 * `node listen.js URL LISTENERS` opens LISTENERS event streams and prints `listening` when each received something. At each line on
 * standard input it prints how many events they received together since the previous line. The key is in the variable KEY.
 */
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

const [address = '', listeners = '0'] = process.argv.slice(2);
const { hostname, port, pathname, search, host } = new URL(address);
const MARK = Buffer.from('\nid: ');

let heard = 0;
let events = 0;
for (let index = 0; index < Number(listeners); index++) {
  const socket = connect(Number(port), hostname);
  socket.write(`GET ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\naccess_token: ${process.env.KEY}\r\n\r\n`);
  socket.once('data', () => {
    if (++heard === Number(listeners)) process.stdout.write('listening\n');
  });
  socket.on('data', (chunk: Buffer) => {
    for (let at = chunk.indexOf(MARK); at >= 0; at = chunk.indexOf(MARK, at + 1)) events++;
  });
  socket.on('close', () => process.exit(1));
}

createInterface({ input: process.stdin }).on('line', () => {
  process.stdout.write(`${events}\n`);
  events = 0;
});
