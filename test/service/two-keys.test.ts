// Two keys: one that reads, and one that also reads secrets. On no path does the first get a secret.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { hashKey } from '../../src/access/key-format.js';
import { documents } from '../../src/documents/index.js';
import { Store } from '../../src/engine/store.js';
import { eventually } from '../support/eventually.js';
import { type Answer, ask } from '../support/http.js';
import { composedReport } from '../support/reports.js';
import { createAccessPoint, type Root } from '../support/root.js';
import { startServer, type TestServer } from '../support/server.js';

const READ = 'the-key-that-reads-0123456789';
const SECRETS = 'the-key-that-sees-secrets-012345';

const SECRET = {
  passphrase: 'pass=phrase#of-the-café',
  password: 'ddns,pass=word#1',
  openvpn: 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASC',
  wireguard: 'kKZ7Ff6hV2m1s3yJt0rY8cQmJ4uT5xR9wB2nL6dE1k0=',
};
const FORBIDDEN = Object.values(SECRET).flatMap((secret) => [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64')]);

function accessPoint(): Root {
  const root = createAccessPoint();
  root.write('/etc/hostapd/hostapd.conf', `interface=wlan0\nssid=RigNet\nchannel=6\nwpa=2\nwpa_passphrase=${SECRET.passphrase}\n`);
  root.write(
    '/etc/ddclient.conf',
    `protocol=dyndns2\nuse=web, web=checkip.example\nserver=members.example\nlogin=pi\npassword='${SECRET.password}'\nhome.example\n`,
  );
  root.write('/etc/openvpn/client/work_client.conf', `remote vpn.example 1194\n<key>\n${SECRET.openvpn}\n</key>\n`);
  root.write('/etc/wireguard/wg0.conf', `[Interface]\nPrivateKey = ${SECRET.wireguard}\n`);
  return root;
}

const PAGES = ['/openvpn/work_client.conf', '/wireguard/wg0.conf'];
/** Every path, and other ways to write some. */
const PATHS = [
  ...documents.map(({ name }) => `/${name}`),
  ...documents.map(({ name }) => `/${name}/`),
  ...PAGES,
  ...['/openvpn/work%5Fclient.conf', '/snapshot', '/snapshot?documents=ap,ddns,openvpn,wireguard', '/snapshot?documents=ap', '/events'],
  ...['/events?documents=ap,ddns,openvpn,wireguard', '/metrics', '/metrics?collect[]=hostapdconf&collect[]=ddclient', '/collectors'],
  ...['/history', '/openapi.json', '/readyz', '/', '/docs', '/ap?wpa_passphrase=1', '/nope'],
];

function textOf({ headers, body, text }: Answer): string {
  return `${headers['content-encoding'] === 'gzip' && body.length > 0 ? gunzipSync(body).toString() : text} ${JSON.stringify(headers)}`;
}

function assertNoSecret(where: string, text: string): void {
  for (const secret of FORBIDDEN) assert.ok(!text.includes(secret), `${where} has ${secret}: ${text.slice(0, 2000)}`);
}

const get = ({ url }: TestServer, path: string, key: string, headers: Record<string, string> = {}) =>
  ask(url, path, { headers: { access_token: key, ...headers } });

/** Returns the passphrase that a key gets. */
async function passphrase(server: TestServer, key: string): Promise<unknown> {
  const answer = await get(server, '/ap', key);
  assert.equal(answer.status, 200, answer.text);
  return answer.json().wpa_passphrase;
}

describe('two keys', () => {
  let root: Root;
  let server: TestServer;
  before(async () => {
    root = accessPoint();
    server = await startServer({
      args: ['--path.rootfs', root.folder, '--access-log', 'all', '--threads', '1'],
      env: { PATH: root.path, RASPAP_API_KEY: READ, APSNAP_SECRETS_KEY: SECRETS },
    });
    await eventually(async () => assert.equal(await passphrase(server, SECRETS), SECRET.passphrase));
    await eventually(async () => assert.equal((await get(server, PAGES[1] as string, SECRETS)).status, 200));
  });
  after(async () => {
    await server?.stop();
    root?.remove();
  });

  test('the key that reads never gets a secret', async () => {
    // The other key asks just before each time.
    for (const path of PATHS) {
      for (const encoding of [undefined, 'gzip']) {
        const headers = encoding === undefined ? {} : { 'accept-encoding': encoding };
        await get(server, path, SECRETS, headers);
        for (const method of ['GET', 'HEAD', 'OPTIONS']) {
          const answer = await ask(server.url, path, { method, headers: { access_token: READ, ...headers } });
          assertNoSecret(`${method} ${path}`, textOf(answer));
        }
        assertNoSecret(`${path} without a key`, textOf(await ask(server.url, path, { headers })));
      }
    }
    const refreshed = await ask(server.url, '/snapshot/refresh', { method: 'POST', headers: { access_token: READ } });
    assertNoSecret('refresh', textOf(refreshed));
    assertNoSecret('the log', server.output());
  });

  test('the other key gets secrets where they belong', async () => {
    assert.equal(await passphrase(server, SECRETS), SECRET.passphrase);
    assert.equal((await get(server, '/ddns', SECRETS)).json().password, SECRET.password);
    assert.ok((await get(server, PAGES[0] as string, SECRETS)).text.includes(SECRET.openvpn));
    assert.ok((await get(server, '/openvpn/work%5Fclient.conf', SECRETS)).text.includes(SECRET.openvpn));
    assert.ok((await get(server, PAGES[1] as string, SECRETS)).text.includes(SECRET.wireguard));
    for (const path of ['/snapshot', '/snapshot?documents=ap']) {
      const answer = await get(server, path, SECRETS, { 'accept-encoding': 'gzip' });
      assert.ok(textOf(answer).includes(SECRET.passphrase), path);
      assert.ok(!textOf(answer).includes(SECRET.openvpn), path);
    }
    // Documents without secrets are the same for both.
    for (const path of ['/dhcp', '/openvpn', '/clients']) {
      const [one, other] = await Promise.all([get(server, path, READ), get(server, path, SECRETS)]);
      assert.deepEqual(Object.keys(one.json()), Object.keys(other.json()), path);
      assert.equal(other.headers['cache-control'], path === '/openvpn' ? 'private, no-store' : 'private, no-cache', path);
    }
    // Event streams are the same for both.
    for (const path of ['/events', '/events?documents=ap,ddns']) assertNoSecret(path, (await get(server, path, SECRETS)).text);
  });

  test('a rejected page says why', async () => {
    const { status, headers, text } = await get(server, PAGES[0] as string, READ);
    assert.deepEqual([status, headers['content-type']], [403, 'application/problem+json']);
    assert.match(text, /this page is secret: use the key in APSNAP_SECRETS_KEY/);
  });

  test('caches keep the two apart', async () => {
    for (const path of ['/ap', '/ddns', '/snapshot?documents=ap', '/ap/']) {
      for (const encoding of ['identity', 'gzip']) {
        const accept = { 'accept-encoding': encoding };
        const [read, secret] = await Promise.all([get(server, path, READ, accept), get(server, path, SECRETS, accept)]);
        assert.notEqual(read.headers.etag, secret.headers.etag, path);
        assert.equal(read.headers['cache-control'], 'private, no-cache');
        assert.equal(secret.headers['cache-control'], 'private, no-store');
        for (const { headers } of [read, secret]) {
          assert.equal(headers.vary, 'Accept-Encoding, access_token, X-API-Key, Authorization', path);
        }
        const again = (key: string, etag: string | undefined) => get(server, path, key, { ...accept, 'if-none-match': etag ?? '' });
        if (path.startsWith('/snapshot')) continue; // changes with each sample
        assert.equal((await again(READ, read.headers.etag)).status, 304);
        assert.equal((await again(SECRETS, secret.headers.etag)).status, 304);
        assert.equal((await again(READ, secret.headers.etag)).status, 200);
        assert.equal((await again(SECRETS, read.headers.etag)).status, 200);
      }
    }
  });

  test('a new passphrase changes nothing for the key that reads', async () => {
    const before = await get(server, '/ap', READ);
    root.write('/etc/hostapd/hostapd.conf', 'interface=wlan0\nssid=RigNet\nchannel=6\nwpa=2\nwpa_passphrase=something else\n');
    await eventually(async () => assert.equal(await passphrase(server, SECRETS), 'something else'));
    const now = await get(server, '/ap', READ);
    assert.deepEqual([now.headers.etag, now.text], [before.headers.etag, before.text]);
    root.write('/etc/hostapd/hostapd.conf', `interface=wlan0\nssid=RigNet\nchannel=6\nwpa=2\nwpa_passphrase=${SECRET.passphrase}\n`);
    await eventually(async () => assert.equal(await passphrase(server, SECRETS), SECRET.passphrase));
  });
});

test('a clock change moves the times of both kinds of bodies', (context) => {
  const store = new Store();
  const bodyOf = (text: string) => ({ page: null, json: Buffer.from(text), gzip: null, crc: 0, tag: text });
  store.record({ samples: [], documents: [composedReport('ap', [bodyOf('{}')], { secretBodies: [bodyOf('{"s":1}')] })] });
  const now = Date.now.bind(Date);
  context.mock.method(Date, 'now', () => now() - 3_600_000);
  store.review();
  const { bodies, secretBodies } = store.documents.get('ap') ?? {};
  for (const body of [bodies?.get(null), secretBodies?.get(null)]) {
    assert.ok(body && Math.abs(body.modifiedMs - Date.now()) < 60_000, `${body?.modifiedMs}, now ${Date.now()}`);
  }
});

test('the second key comes and goes while the service runs', async () => {
  const root = accessPoint();
  const server = await startServer({ args: ['--path.rootfs', root.folder, '--threads', '1'], env: { PATH: root.path } });
  try {
    await eventually(async () => assert.equal(await passphrase(server, server.key), null));
    assert.equal((await get(server, '/ap', SECRETS)).status, 403);
    writeFileSync(server.dotenv, `RASPAP_API_KEY=${server.key}\nAPSNAP_SECRETS_KEY=${hashKey(SECRETS)}\n`);
    await eventually(async () => assert.equal(await passphrase(server, SECRETS), SECRET.passphrase));
    assert.equal(await passphrase(server, server.key), null);
    assert.match(server.output(), /the new APSNAP_SECRETS_KEY works from now on/);
    writeFileSync(server.dotenv, `RASPAP_API_KEY=${server.key}\n`);
    await eventually(async () => assert.equal((await get(server, '/ap', SECRETS)).status, 403));
    assert.equal(await passphrase(server, server.key), null);
    // The same key twice would give secrets to clients that may only read.
    writeFileSync(server.dotenv, `RASPAP_API_KEY=${server.key}\nAPSNAP_SECRETS_KEY=${hashKey(server.key)}\n`);
    await eventually(() => assert.match(server.output(), /rejected the new key: APSNAP_SECRETS_KEY is the same key/));
    assert.equal(await passphrase(server, server.key), null);
  } finally {
    await server.stop();
    root.remove();
  }
});
