/** The application in a process of its own, for tests whose clients would compete with it for one event loop. Started by forkApp. */
import type { Limits } from '../../src/config/config.js';
import { encodeBody } from '../../src/encode/body.js';
import { freshStore, startApp } from './app.js';

const { limits, largeBytes } = JSON.parse(process.argv[2] ?? '{}') as { limits: Partial<Limits>; largeBytes: number };
const large = encodeBody(null, { domains: 'x'.repeat(largeBytes) });
const app = await startApp({ store: freshStore({ 'dns/domains': [large] }), limits, accessLog: 'off' });

/** Ports of the clients whose connections are open. */
const peers = new Set<number | undefined>();
app.server.on('connection', (socket) => {
  const { remotePort } = socket;
  peers.add(remotePort);
  socket.once('close', () => peers.delete(remotePort));
});

process.on('message', () => process.send?.({ peers: [...peers], log: app.log() }));
process.on('disconnect', () => process.exit());
process.send?.({ url: app.url, key: app.key });
