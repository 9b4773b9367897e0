// A certificate that is renewed, and client certificates, with the HTTPS server in this process.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { Agent, request, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, test } from 'node:test';
import { type ConnectionOptions, connect } from 'node:tls';
import { openTls, type Tls } from '../../src/http/server/tls.js';
import { createLiveFolder, identity, type LiveFolder, type Name, pem } from '../support/certificates.js';
import { eventually } from '../support/eventually.js';
import { ask } from '../support/http.js';

const TIMES = { pollMs: 20, retryMs: 40 };
const trusting = { ca: pem('authority.pem') };
const as = (name: Name) => ({ ...trusting, ...identity(name) });
const serialOf = (name: Name) => new X509Certificate(pem(`${name}.pem`)).serialNumber;

interface Started {
  readonly url: string;
  readonly lines: string[];
  readonly server: Server;
  readonly tls: Tls;
}

let live: LiveFolder;
let started: Started;
async function start(needsClientCertificate = false): Promise<Started> {
  live = createLiveFolder('server');
  const lines: string[] = [];
  const files = { cert: live.cert, key: live.key, clientCa: needsClientCertificate ? live.clientCa : undefined };
  const tls = openTls(files, (line) => lines.push(line), TIMES);
  const server = tls.createServer({}) as Server;
  server.on('request', (_request, response) => response.end('ok')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  started = { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, lines, server, tls };
  return started;
}
afterEach(() => {
  started.tls.stop();
  started.server.close();
  started.server.closeAllConnections();
  live.remove();
});

/** Returns the certificate that new connections get. */
async function servedSerial({ url }: Started): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), ...trusting });
  await once(socket, 'secureConnect');
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber;
}

const matching = ({ lines }: Started, pattern: RegExp) => lines.filter((line) => pattern.test(line)).length;

describe('a renewed certificate', () => {
  test('is picked up as certbot replaces it, and open connections stay', async () => {
    const service = await start();
    const agent = new Agent({ ...trusting, keepAlive: true, maxSockets: 1 });
    const portOfRequest = () =>
      new Promise<number | undefined>((resolve, reject) => {
        const asking = request(service.url, { agent }, (response) => {
          const { localPort } = asking.socket ?? {};
          response.resume().on('end', () => resolve(localPort));
        });
        asking.on('error', reject).end();
      });
    const port = await portOfRequest();
    assert.equal(await servedSerial(service), serialOf('server'));
    live.put('cert', 'renewed.pem');
    live.put('key', 'renewed.key.pem');
    await eventually(async () => assert.equal(await servedSerial(service), serialOf('renewed')));
    assert.equal(await portOfRequest(), port, 'the connection is kept');
    assert.equal(matching(service, /: new connections get the new certificate: for localhost, .* valid until 2120-01-01$/), 1);
    assert.equal(matching(service, /^ERROR/), 0);
    agent.destroy();
  });

  test('that does not fit is reported once, and the last pair stays in use', async () => {
    const service = await start();
    live.put('cert', 'renewed.pem');
    const mismatch = /^ERROR: --tls-key .*: it is not the key of the first certificate in .*; the last certificate and key stay in use$/;
    await eventually(() => assert.equal(matching(service, mismatch), 1));
    assert.equal(await servedSerial(service), serialOf('server'));
    live.put('key', 'encrypted.key.pem');
    await eventually(() => assert.equal(matching(service, /^ERROR.*is encrypted.*stay in use$/), 1));
    rmSync(live.key);
    await eventually(() => assert.equal(matching(service, /^ERROR.*cannot be read: ENOENT; .*stay in use$/), 1));
    assert.equal(await servedSerial(service), serialOf('server'));
    assert.equal(matching(service, mismatch), 1);
    live.put('key', 'renewed.key.pem');
    await eventually(async () => assert.equal(await servedSerial(service), serialOf('renewed')));
  });

  test('that has expired is used with a warning', async () => {
    const service = await start();
    live.put('cert', 'expired.pem');
    live.put('key', 'expired.key.pem');
    await eventually(() => assert.equal(matching(service, /^WARNING: .*: the certificate expired on 2021-01-01$/), 1));
  });
});

describe('a client certificate', () => {
  const status = async ({ url }: Started, tls: ConnectionOptions) => (await ask(url, '/', { tls })).status;
  const rejected = ({ url }: Started, tls: ConnectionOptions) =>
    assert.rejects(ask(url, '/', { tls }), ({ code }: NodeJS.ErrnoException) =>
      /^(?:ECONNRESET|EPIPE|EPROTO|ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED|ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE)$/.test(code ?? ''),
    );

  test('of the right authority is needed', async () => {
    const service = await start(true);
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      assert.equal(await status(service, { ...as('client'), maxVersion }), 200);
      await rejected(service, { ...as('other-client'), maxVersion });
      await rejected(service, { ...as('self-signed'), maxVersion });
      await rejected(service, { ...trusting, maxVersion });
    }
    // One line a minute.
    await eventually(() =>
      assert.equal(matching(service, /^WARNING: .+: rejected: its client certificate is not valid: UNABLE_TO_VERIFY_LEAF_SIGNATURE$/), 1),
    );
    assert.equal(matching(service, /rejected/), 1);
  });

  test('that is missing is reported', async () => {
    const service = await start(true);
    await rejected(service, trusting);
    await eventually(() => assert.equal(matching(service, /^WARNING: .+: rejected: it sent no client certificate$/), 1));
  });

  test('of an earlier authority is rejected, in a resumed session too', async () => {
    const service = await start(true);
    const { hostname, port } = new URL(service.url);
    const socket = connect({ host: hostname, port: Number(port), ...as('client') });
    socket.resume().write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    const [session] = (await once(socket, 'session')) as [Buffer];
    socket.destroy();
    assert.equal(await status(service, { ...as('client'), session }), 200);
    live.put('clientCa', 'stranger.pem');
    await eventually(async () => assert.equal(await status(service, as('other-client')), 200));
    await rejected(service, as('client'));
    await rejected(service, { ...as('client'), session });
    await rejected(service, { ...trusting, session });
  });
});
