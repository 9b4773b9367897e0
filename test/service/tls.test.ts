// A service over HTTPS: every page, versions of TLS, and clients that don't speak it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { connect as connectPlain } from 'node:net';
import { dirname } from 'node:path';
import { after, before, test } from 'node:test';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { pem, pemFile } from '../support/certificates.js';
import { apsnap } from '../support/cli.js';
import { listenToEvents } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { ask, exchange } from '../support/http.js';
import { startServer, type TestServer } from '../support/server.js';

const trusting = { ca: pem('self-signed.pem') };

let server: TestServer;
before(async () => {
  server = await startServer({
    args: ['--tls-cert', pemFile('self-signed.pem'), '--threads', '1', '--timeout.headers', '1'],
    env: {
      APSNAP_TLS_CERT: pemFile('server.pem'),
      APSNAP_TLS_KEY: pemFile('self-signed.key.pem'),
      // An administrator may have lowered Node's own demands.
      NODE_OPTIONS: '--tls-min-v1.0 --tls-cipher-list=DEFAULT@SECLEVEL=0',
    },
  });
});
after(() => server?.stop());

async function shakeHands(options: ConnectionOptions = trusting): Promise<TLSSocket> {
  const { hostname, port } = new URL(server.url);
  const socket = connect({ host: hostname, port: Number(port), ...options });
  await once(socket, 'secureConnect');
  return socket;
}

test('every page is served over HTTPS, without a policy for other ports of the host name', async () => {
  for (const path of ['/system', '/snapshot', '/', '/docs', '/openapi.json', '/healthz']) {
    const answer = await eventually(async () => {
      const got = await ask(server.url, path, { tls: trusting, headers: { access_token: server.key } });
      assert.equal(got.status, 200, path);
      return got;
    });
    // Strict-Transport-Security would bind every port of the name, RaspAP's own pages on port 80 too.
    assert.equal(answer.headers['strict-transport-security'], undefined);
    const isPage = path === '/' || path === '/docs';
    assert.equal(answer.headers['cross-origin-opener-policy'], isPage ? 'same-origin' : undefined, path);
  }
  assert.equal((await ask(server.url, '/system', { tls: trusting })).status, 403);
  const { servers } = (await ask(server.url, '/openapi.json', { tls: trusting })).json<{ servers: { url: string }[] }>();
  assert.equal(new URL(servers[0]?.url ?? '', `${server.url}/openapi.json`).href, `${server.url}/`);
  await assert.rejects(ask(server.url, '/healthz'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
});

test('metrics have the expiry of the certificate', async () => {
  const metrics = await ask(server.url, '/metrics?collect[]=process', { tls: trusting, headers: { access_token: server.key } });
  assert.match(metrics.text, new RegExp(`^apsnap_tls_certificate_expiry_timestamp_seconds ${Date.UTC(2120, 0, 1) / 1_000}$`, 'm'));
});

test('the log names only URLs of HTTPS, and how curl trusts the certificate', async () => {
  const output = await eventually(() => {
    assert.match(server.output(), /^INFO: try: .*\n/m);
    return server.output();
  });
  assert.match(output, /^INFO: docs: https:\/\/127\.0\.0\.1:\d+\/docs$/m);
  assert.match(output, /^INFO: try: curl --cacert \S+\/self-signed\.pem -H .* https:\/\/127\.0\.0\.1:\d+\/system$/m);
  assert.doesNotMatch(output, /http:\/\//);
});

test('TLS 1.2 and 1.3 are spoken, older versions are not', async () => {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const socket = await shakeHands({ ...trusting, minVersion: version, maxVersion: version });
    assert.equal(socket.getProtocol(), version);
    socket.destroy();
  }
  for (const version of ['TLSv1', 'TLSv1.1'] as const) {
    const old = { ...trusting, minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' };
    await assert.rejects(shakeHands(old), { code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' });
  }
});

test('a client cannot renegotiate', async () => {
  const socket = await shakeHands({ ...trusting, maxVersion: 'TLSv1.2' });
  const error = await new Promise<Error | null>((resolve) => {
    socket.on('error', resolve);
    socket.renegotiate({}, resolve);
  });
  assert.match(String(error), /no renegotiation/);
  socket.destroy();
});

test('a client that does not speak TLS is disconnected', async () => {
  for (const bytes of [
    'GET /system HTTP/1.1\r\nHost: x\r\n\r\n',
    'SSH-2.0-client\r\n',
    '\0'.repeat(1_000),
    '\x16\x03\x01\x00\x05hello',
    'x',
  ]) {
    const got = await exchange(server.url, bytes, true).catch((error) => error.code);
    assert.ok(got === 'ECONNRESET' || !String(got).includes('HTTP/1.1'), String(got));
  }
  assert.equal((await ask(server.url, '/healthz', { tls: trusting })).status, 200);
});

test('malformed HTTP inside TLS gets 400', async () => {
  const socket = await shakeHands();
  socket.end('nonsense\r\n\r\n');
  const chunks = await socket.setEncoding('utf8').toArray();
  assert.match(chunks.join(''), /^HTTP\/1\.1 400 Bad Request\r\n/);
});

test('a client that never starts a handshake is disconnected', async () => {
  const { hostname, port } = new URL(server.url);
  const socket = connectPlain(Number(port), hostname);
  await once(
    socket.resume().on('error', () => {}),
    'close',
    { signal: AbortSignal.timeout(15_000) },
  );
});

test('files that do not fit together stop the start before a key is generated', async () => {
  const dotenv = `${server.dotenv}.other`;
  const args = ['--port', '0', '--dotenv', dotenv, '--tls-cert', pemFile('server.pem'), '--tls-key', pemFile('client.key.pem')];
  const { status, stdout, stderr } = await apsnap(args);
  assert.deepEqual([status, stdout], [1, '']);
  assert.match(stderr, /^apsnap: --tls-key [^\n]* is not the key [^\n]*\n$/);
  assert.deepEqual(readdirSync(dirname(dotenv)), ['.env']);
});

test('the service stops while connections are open', async () => {
  const idle = await shakeHands();
  const events = await listenToEvents(server.url, '/events', { access_token: server.key }, trusting);
  assert.equal(await server.stop(), 0);
  idle.destroy();
  events.close();
});
