// HTTPS: the files of TLS, their renewal under way, clients' certificates, and those who come with none of it. See test/tls/make.sh.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { connect as connectPlain } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { tlsRow } from '../../src/cli/doctor/tls.js';
import { parseCommandLine } from '../../src/config/command-line.js';
import { readConfig } from '../../src/config/read.js';
import { StartError, UsageError } from '../../src/errors.js';
import { nameToAskFor } from '../../src/http/server/certificate.js';
import { readTlsPair } from '../../src/http/server/tls-files.js';
import { createLiveFolder, identity, type LiveFolder, type Name, pem, pemFile } from '../support/certificates.js';
import { apsnap } from '../support/cli.js';
import { listenToEvents } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { ask, exchange } from '../support/http.js';
import { startServer, type TestServer } from '../support/server.js';

const trusting = { ca: pem('authority.pem') };

const filesOf = (name: Name) => ({ cert: pemFile(`${name}.pem`), key: pemFile(`${name}.key.pem`), clientCa: undefined });
const serialOf = (name: Name) => new X509Certificate(pem(`${name}.pem`)).serialNumber;
const flagsOf = ({ cert, key }: { readonly cert: string; readonly key: string }) => ['--tls-cert', cert, '--tls-key', key];

/** Shakes hands, and gives the connection. */
async function shakeHands({ url }: TestServer, options: ConnectionOptions = trusting): Promise<TLSSocket> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), ...options });
  await once(socket, 'secureConnect');
  return socket;
}

/** The certificate that new connections get. */
async function servedSerial(server: TestServer): Promise<string> {
  const socket = await shakeHands(server);
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber;
}

const linesOf = (server: TestServer, pattern: RegExp) =>
  server
    .output()
    .split('\n')
    .filter((line) => pattern.test(line));

// Most of the time they wait for files to be looked at.
describe('tls', { concurrency: true }, () => {
  describe('serving', { concurrency: true }, () => {
    let server: TestServer;
    /** Started by an administrator who has lowered Node's own demands. */
    let lax: TestServer;
    let named: TestServer;
    before(async () => {
      [server, lax, named] = await Promise.all([
        startServer({ args: flagsOf(filesOf('self-signed')), env: { APSNAP_TLS_CERT: pemFile('server.pem'), APSNAP_TLS_KEY: 'nowhere' } }),
        startServer({
          env: {
            APSNAP_TLS_CERT: pemFile('server.pem'),
            APSNAP_TLS_KEY: pemFile('server.key.pem'),
            NODE_OPTIONS: '--tls-min-v1.0 --tls-cipher-list=DEFAULT@SECLEVEL=0',
          },
        }),
        startServer({ args: flagsOf(filesOf('named')) }),
      ]);
    });
    after(() => Promise.all([server, lax, named].map((one) => one?.stop())));

    test('serving/everything', async () => {
      const tls = { ca: pem('self-signed.pem') };
      for (const path of ['/system', '/snapshot', '/', '/docs', '/openapi.json', '/healthz']) {
        const answer = await eventually(async () => {
          const got = await ask(server.url, path, { tls, headers: { access_token: server.key } });
          assert.equal(got.status, 200, path);
          return got;
        });
        // It would bind every port of the host's name, RaspAP's own pages on port 80 too.
        assert.equal(answer.headers['strict-transport-security'], undefined);
        // Windows in common with other sites: pages alone have windows.
        const page = path === '/' || path === '/docs';
        assert.equal(answer.headers['cross-origin-opener-policy'], page ? 'same-origin' : undefined, path);
      }
      assert.equal((await ask(server.url, '/system', { tls })).status, 403);
      const { servers } = (await ask(server.url, '/openapi.json', { tls })).json<{ servers: { url: string }[] }>();
      assert.equal(new URL(servers[0]?.url ?? '', `${server.url}/openapi.json`).href, `${server.url}/`);
      const metrics = await ask(server.url, '/metrics?collect[]=process', { tls, headers: { access_token: server.key } });
      const ends = Date.UTC(2120, 0, 1) / 1_000;
      assert.match(metrics.text, new RegExp(`^apsnap_tls_certificate_expiry_timestamp_seconds ${ends}$`, 'm'));
      await assert.rejects(ask(server.url, '/healthz'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    });

    test('serving/versions', async () => {
      for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
        const socket = await shakeHands(lax, { ...trusting, minVersion: version, maxVersion: version });
        assert.equal(socket.getProtocol(), version);
        socket.destroy();
      }
      for (const version of ['TLSv1', 'TLSv1.1'] as const) {
        const old = { ...trusting, minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' };
        await assert.rejects(shakeHands(lax, old), { code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' });
      }
    });

    test('serving/renegotiation', async () => {
      const socket = await shakeHands(lax, { ...trusting, maxVersion: 'TLSv1.2' });
      const error = await new Promise<Error | null>((resolve) => {
        socket.on('error', resolve);
        socket.renegotiate({}, resolve);
      });
      assert.match(String(error), /no renegotiation/);
      socket.destroy();
    });

    test('serving/urls', async () => {
      await eventually(() => [server, named].map((one) => assert.match(one.output(), /^INFO: try: .*\n/m)));
      const [secure, other] = [server, named].map((one) => one.output());
      const { port } = new URL(named.url);
      assert.match(secure ?? '', /^INFO: docs: https:\/\/127\.0\.0\.1:\d+\/docs$/m);
      assert.match(secure ?? '', /^INFO: try: curl --cacert \S+\/self-signed\.pem -H .* https:\/\/127\.0\.0\.1:\d+\/system$/m);
      assert.match(other ?? '', new RegExp(`^INFO: docs: https://ap\\.example\\.org:${port}/docs$`, 'm'));
      const way = `--connect-to ap\\.example\\.org:${port}:127\\.0\\.0\\.1:${port}`;
      assert.match(other ?? '', new RegExp(`^INFO: try: curl ${way} -H .* https://ap\\.example\\.org:${port}/system$`, 'm'));
      for (const output of [secure, other]) assert.doesNotMatch(output ?? '', /http:\/\//);
    });

    test('serving/no-tls', async () => {
      for (const bytes of [
        'GET /system HTTP/1.1\r\nHost: x\r\n\r\n',
        'SSH-2.0-client\r\n',
        '\0'.repeat(1_000),
        '\x16\x03\x01\x00\x05hello',
        'x',
      ]) {
        const got = await exchange(lax.url, bytes, true).catch((error) => error.code);
        assert.ok(got === 'ECONNRESET' || !String(got).includes('HTTP/1.1'), String(got));
      }
      assert.equal((await ask(lax.url, '/healthz', { tls: trusting })).status, 200);
    });

    test('serving/malformed-http', async () => {
      const socket = await shakeHands(lax);
      socket.end('nonsense\r\n\r\n');
      const chunks = await socket.setEncoding('utf8').toArray();
      assert.match(chunks.join(''), /^HTTP\/1\.1 400 Bad Request\r\n/);
    });

    test('serving/silent', async () => {
      const { hostname, port } = new URL(lax.url);
      const socket = connectPlain(Number(port), hostname);
      const deadline = AbortSignal.timeout(18_000);
      await once(
        socket.resume().on('error', () => {}),
        'close',
        { signal: deadline },
      );
    });

    test('serving/stops', async () => {
      const own = await startServer({ args: flagsOf(filesOf('server')) });
      const idle = await shakeHands(own);
      const events = await listenToEvents(own.url, '/events', { access_token: own.key }, trusting);
      assert.equal(await own.stop(), 0);
      idle.destroy();
      events.close();
    });
  });

  describe('renewal', { concurrency: true }, () => {
    test('renewal/as-certbot-does', async () => {
      const live = createLiveFolder('server');
      const server = await startServer({ args: flagsOf(live) });
      const agent = new Agent({ ...trusting, keepAlive: true, maxSockets: 1 });
      const kept = () =>
        new Promise<{ readonly status: number | undefined; readonly port: number | undefined }>((resolve, reject) => {
          const asking = request(`${server.url}/healthz`, { agent }, (response) => {
            const { localPort } = asking.socket ?? {};
            response.resume().on('end', () => resolve({ status: response.statusCode, port: localPort }));
          });
          asking.on('error', reject).end();
        });
      const events = await listenToEvents(server.url, '/events?documents=system', { access_token: server.key }, trusting);
      try {
        const { port } = await kept();
        assert.equal(await servedSerial(server), serialOf('server'));
        live.put('cert', 'renewed.pem');
        live.put('key', 'renewed.key.pem');
        await eventually(async () => {
          assert.equal((await kept()).port, port, 'the connection is kept');
          assert.equal(await servedSerial(server), serialOf('renewed'));
        });
        const before = events.named('system').length;
        await eventually(() => assert.ok(events.named('system').length > before));
        assert.equal(events.ended, false);
        assert.deepEqual(await kept(), { status: 200, port });
        assert.equal(linesOf(server, /new connections get the new certificate: for localhost, .* valid until 2120-01-01$/).length, 1);
        assert.deepEqual(linesOf(server, /^ERROR/), []);
      } finally {
        events.close();
        agent.destroy();
        await server.stop();
        live.remove();
      }
    });

    test('renewal/mismatch', async () => {
      const live = createLiveFolder('server');
      const server = await startServer({ args: flagsOf(live) });
      try {
        live.put('cert', 'renewed.pem');
        const told =
          /^ERROR: --tls-key .*privkey\.pem: it is not the key of the first certificate in .*; the last certificate and key stay in use$/;
        await eventually(() => assert.equal(linesOf(server, told).length, 1, server.output()));
        assert.equal(await servedSerial(server), serialOf('server'));
        await sleep(2_500); // it is tried again meanwhile
        assert.equal(linesOf(server, /^ERROR/).length, 1);
        live.put('key', 'encrypted.key.pem');
        await eventually(() => assert.equal(linesOf(server, /^ERROR.*is encrypted.*stay in use$/).length, 1));
        rmSync(live.key);
        await eventually(() => assert.equal(linesOf(server, /^ERROR.*cannot be read: ENOENT; .*stay in use$/).length, 1));
        assert.equal(await servedSerial(server), serialOf('server'));
        live.put('key', 'renewed.key.pem');
        await eventually(async () => assert.equal(await servedSerial(server), serialOf('renewed')));
        live.put('cert', 'expired.pem');
        live.put('key', 'expired.key.pem');
        await eventually(() => assert.equal(linesOf(server, /^WARNING: .*: the certificate expired on 2021-01-01$/).length, 1));
      } finally {
        await server.stop();
        live.remove();
      }
    });
  });

  describe('clients', { concurrency: 1 }, () => {
    let live: LiveFolder;
    let server: TestServer;
    before(async () => {
      live = createLiveFolder('server');
      server = await startServer({ args: [...flagsOf(live), '--tls-client-ca', live.clientCa] });
    });
    after(async () => {
      await server?.stop();
      live?.remove();
    });

    const as = (name: Name) => ({ ...trusting, ...identity(name) });
    const status = async (tls: ConnectionOptions) => (await ask(server.url, '/healthz', { tls })).status;
    const refused = (tls: ConnectionOptions) =>
      assert.rejects(ask(server.url, '/healthz', { tls }), ({ code }: NodeJS.ErrnoException) =>
        /^(?:ECONNRESET|EPIPE|EPROTO|ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED|ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE)$/.test(code ?? ''),
      );

    test('clients/right-wrong-none', async () => {
      for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
        assert.equal(await status({ ...as('client'), maxVersion }), 200);
        await refused({ ...as('other-client'), maxVersion });
        await refused({ ...as('self-signed'), maxVersion });
        await refused({ ...trusting, maxVersion });
      }
      // The key is needed all the same.
      assert.equal((await ask(server.url, '/system', { tls: as('client') })).status, 403);
      // One line at once, the rest are counted.
      await eventually(() =>
        assert.match(
          server.output(),
          /^WARNING: a client: rejected: its client certificate is not valid: UNABLE_TO_VERIFY_LEAF_SIGNATURE$/m,
        ),
      );
      assert.equal(linesOf(server, /rejected/).length, 1);
      assert.match(server.output(), /curl --cert YOUR_CERTIFICATE --key ITS_KEY /);
    });

    test('clients/none-is-told', async () => {
      const own = await startServer({ args: [...flagsOf(filesOf('server')), '--tls-client-ca', pemFile('authority.pem')] });
      try {
        await assert.rejects(ask(own.url, '/healthz', { tls: trusting }));
        await eventually(() => assert.match(own.output(), /^WARNING: \S.*: rejected: it sent no client certificate$/m));
      } finally {
        await own.stop();
      }
    });

    test('clients/other-authority', async () => {
      const session = await new Promise<Buffer>((resolve, reject) => {
        shakeHands(server, as('client')).then((socket) => {
          socket.once('session', (ticket) => {
            resolve(ticket);
            socket.end();
          });
          socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
          socket.resume();
        }, reject);
      });
      assert.equal(await status({ ...as('client'), session }), 200);
      live.put('clientCa', 'stranger.pem');
      await eventually(async () => assert.equal(await status(as('other-client')), 200));
      await refused(as('client'));
      await refused({ ...as('client'), session });
      await refused({ ...trusting, session });
    });
  });

  describe('files', () => {
    let folder: string;
    before(() => {
      folder = mkdtempSync(join(tmpdir(), 'apsnap-tls-'));
      writeFileSync(join(folder, 'garbage.pem'), '-----BEGIN CERTIFICATE-----\nTm90IERFUg==\n-----END CERTIFICATE-----\n');
      writeFileSync(
        join(folder, 'second.pem'),
        `${pem('server.pem')}-----BEGIN CERTIFICATE-----\nTm90IERFUg==\n-----END CERTIFICATE-----\n`,
      );
      writeFileSync(join(folder, 'garbage.key.pem'), '-----BEGIN PRIVATE KEY-----\nTm90IERFUg==\n-----END PRIVATE KEY-----\n');
      writeFileSync(join(folder, 'text'), 'text');
      writeFileSync(join(folder, 'chain.pem'), pem('server.pem') + pem('authority.pem'));
      writeFileSync(join(folder, 'reversed.pem'), pem('authority.pem') + pem('server.pem'));
    });
    after(() => rmSync(folder, { recursive: true, force: true }));

    const at = (name: string) => (name.startsWith('/') ? name : readdirSync(folder).includes(name) ? join(folder, name) : pemFile(name));

    test('files/right', () => {
      for (const [cert, key] of [
        ['server.pem', 'server.key.pem'],
        ['chain.pem', 'server.key.pem'],
        ['self-signed.pem', 'self-signed.key.pem'],
        ['expired.pem', 'expired.key.pem'],
      ] as const) {
        assert.equal(readTlsPair({ cert: at(cert), key: at(key), clientCa: at('chain.pem') }).cert, readFileSync(at(cert), 'utf8'));
      }
    });

    const wrong: readonly [cert: string, key: string, clientCa: string | undefined, message: RegExp][] = [
      ['nope.pem', 'server.key.pem', undefined, /^--tls-cert \S+nope\.pem: cannot be read: ENOENT$/],
      ['/dev/zero', 'server.key.pem', undefined, /^--tls-cert \/dev\/zero: cannot be read: not a regular file$/],
      ['text', 'server.key.pem', undefined, /^--tls-cert \S+text: holds no certificate in PEM form: expected -----BEGIN CERTIFICATE-----$/],
      ['server.key.pem', 'server.pem', undefined, /^--tls-cert \S+: holds no certificate but a private key: swap the two files$/],
      ['garbage.pem', 'server.key.pem', undefined, /^--tls-cert \S+garbage\.pem: certificate 1 is malformed: /],
      ['second.pem', 'server.key.pem', undefined, /^--tls-cert \S+second\.pem: certificate 2 is malformed: /],
      ['reversed.pem', 'server.key.pem', undefined, /^--tls-key \S+: it is not the key of the first certificate in \S+reversed\.pem$/],
      ['server.pem', 'nope.pem', undefined, /^--tls-key \S+nope\.pem: cannot be read: ENOENT$/],
      ['server.pem', '/proc', undefined, /^--tls-key \/proc: cannot be read: not a regular file$/],
      ['server.pem', 'text', undefined, /^--tls-key \S+text: holds no private key in PEM form: expected -----BEGIN PRIVATE KEY-----$/],
      ['server.pem', 'client.pem', undefined, /^--tls-key \S+: holds no private key but a certificate: swap the two files$/],
      ['server.pem', 'client.key.pem', undefined, /^--tls-key \S+: it is not the key of the first certificate in \S+server\.pem$/],
      ['server.pem', 'garbage.key.pem', undefined, /^--tls-key \S+: its private key is malformed: /],
      ['server.pem', 'encrypted.key.pem', undefined, /^--tls-key \S+: it is encrypted, .*: decrypt it with openssl pkey /],
      ['server.pem', 'encrypted-traditional.key.pem', undefined, /^--tls-key \S+: it is encrypted, /],
      ['weak.pem', 'weak.key.pem', undefined, /^--tls-cert \S+weak\.pem: OpenSSL rejects it: ee key too small$/],
      ['server.pem', 'server.key.pem', 'nope.pem', /^--tls-client-ca \S+nope\.pem: cannot be read: ENOENT$/],
      ['server.pem', 'server.key.pem', 'text', /^--tls-client-ca \S+text: holds no certificate in PEM form/],
      ['server.pem', 'server.key.pem', 'second.pem', /^--tls-client-ca \S+second\.pem: certificate 2 is malformed: /],
    ];
    for (const [cert, key, clientCa, message] of wrong) {
      test(`files/${cert} ${key}${clientCa ? ` ${clientCa}` : ''}`, () => {
        assert.throws(
          () => readTlsPair({ cert: at(cert), key: at(key), clientCa: clientCa && at(clientCa) }),
          (error) => {
            assert.ok(error instanceof StartError);
            assert.match(error.message, message);
            return true;
          },
        );
      });
    }

    test('files/status-and-one-line', async () => {
      const dotenv = join(folder, 'not-made');
      const args = ['--port', '0', '--dotenv', dotenv, '--tls-cert', at('server.pem'), '--tls-key', at('client.key.pem')];
      const { status, stdout, stderr } = await apsnap(args);
      assert.deepEqual([status, stdout], [1, '']);
      assert.match(stderr, /^apsnap: --tls-key [^\n]* is not the key [^\n]*\n$/);
      assert.ok(!readdirSync(folder).includes('not-made'), 'no key was made');
    });

    test('files/flags', () => {
      const configure = (args: string[], env = {}) => readConfig(parseCommandLine([...args, '--dotenv', '/nowhere']), env).tls;
      assert.equal(configure([]), undefined);
      assert.deepEqual(configure(['--tls-cert', '/a', '--tls-key', '/b']), { cert: '/a', key: '/b', clientCa: undefined });
      assert.deepEqual(
        configure(['--tls-client-ca=c'], { APSNAP_TLS_CERT: '/a', APSNAP_TLS_KEY: '/b' })?.clientCa,
        join(process.cwd(), 'c'),
      );
      const refusals: readonly [string[], Record<string, string>, RegExp][] = [
        [['--tls-key', 'b'], {}, /^--tls-key: --tls-cert is missing: /],
        [['--tls-cert', 'a'], {}, /^--tls-cert: --tls-key is missing: /],
        [['--tls-client-ca', 'c'], {}, /^--tls-client-ca: --tls-cert and --tls-key are missing: /],
        [['--tls-client-ca', 'c'], { APSNAP_TLS_CERT: 'a' }, /^APSNAP_TLS_CERT: --tls-key is missing: /],
        [[], { APSNAP_TLS_KEY: 'b' }, /^APSNAP_TLS_KEY: --tls-cert is missing: /],
      ];
      for (const [args, env, message] of refusals) {
        assert.throws(
          () => configure(args, env),
          (error) => error instanceof UsageError && message.test(error.message),
        );
      }
    });

    test('files/name-to-ask-for', () => {
      const name = (pair: Name, address: string) => nameToAskFor(readTlsPair(filesOf(pair)), address);
      assert.equal(name('server', '127.0.0.1'), '127.0.0.1');
      assert.equal(name('server', '::1'), '::1');
      assert.equal(name('server', '10.3.141.1'), 'localhost');
      assert.equal(name('named', '127.0.0.1'), 'ap.example.org');
      assert.equal(name('named', 'other.example.org'), 'other.example.org');
      assert.equal(name('client', '127.0.0.1'), '127.0.0.1');
    });

    test('files/doctor', async () => {
      const copy = (name: Name, mode: number) => {
        const files = { cert: join(folder, `${name}.copy`), key: join(folder, `${name}.key.copy`), clientCa: undefined };
        copyFileSync(pemFile(`${name}.pem`), files.cert);
        copyFileSync(pemFile(`${name}.key.pem`), files.key);
        chmodSync(files.key, mode);
        return files;
      };
      const good = tlsRow(copy('server', 0o640));
      assert.equal(good.state, 'ok');
      assert.match(good.why ?? '', /^for localhost, 127\.0\.0\.1, \S+, valid until 2120-01-01, \d{5} days from now$/);
      assert.equal(good.advice, undefined);
      const own = copy('self-signed', 0o644);
      const poor = tlsRow(own);
      assert.equal(poor.state, 'ok');
      assert.match(poor.why ?? '', /; it is self-signed; every user of this machine can read its key$/);
      assert.equal(poor.advice, `make clients trust it: curl --cacert ${own.cert}; chmod o= ${own.key}`);
      const expired = tlsRow(copy('expired', 0o600));
      assert.deepEqual([expired.state, expired.why], ['failing', 'the certificate expired on 2021-01-01']);
      const none = tlsRow({ ...own, cert: '/nowhere.pem', clientCa: '/c.pem' });
      assert.deepEqual([none.state, none.source], ['failing', `/nowhere.pem, ${own.key}, /c.pem`]);
      assert.match(none.why ?? '', /cannot be read: ENOENT$/);
      const args = ['doctor', '--dotenv', join(folder, '.env'), '--path.rootfs', folder, '--threads', '1', ...flagsOf(own)];
      const { stdout } = await apsnap(args, { env: { PATH: folder } });
      assert.match(stdout, /^tls {10}ok {7}\S+self-signed\.copy, \S+self-signed\.key\.copy\n +why: for localhost/m);
    });
  });
});
