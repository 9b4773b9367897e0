// Two kinds of key: one that reads, one that sees secrets too. Through every way out of the built service the first never gets a secret.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { hashKey } from '../../src/access/env-file.js';
import { createKeyCheck, formatOldKeys, parseOldKeys, readKeyring, validKey } from '../../src/access/keys.js';
import { documents } from '../../src/documents/index.js';
import { createStore } from '../../src/engine/store.js';
import { StartError } from '../../src/errors.js';
import { apsnap } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { type Answer, ask } from '../support/http.js';
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

const inCapitals = (digest: string) => `sha256:${digest.slice('sha256:'.length).toUpperCase()}`;

const PAGES = ['/openvpn/work_client.conf', '/wireguard/wg0.conf'];
/** Every path there is, and ways to write some otherwise. */
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

/** The passphrase that a key gets to see. */
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
      args: ['--path.rootfs', root.folder, '--access-log', 'all'],
      env: { PATH: root.path, RASPAP_API_KEY: READ, APSNAP_SECRETS_KEY: SECRETS },
    });
    await eventually(async () => assert.equal(await passphrase(server, SECRETS), SECRET.passphrase));
    await eventually(async () => assert.equal((await get(server, PAGES[1] as string, SECRETS)).status, 200));
  });
  after(async () => {
    await server?.stop();
    root?.remove();
  });

  test('two keys/the one that reads never gets a secret', async () => {
    // In turn with the other, which has just been given it.
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

  test('two keys/the other sees them where they belong', async () => {
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
    // What has no secrets is the same to both.
    for (const path of ['/dhcp', '/openvpn', '/clients']) {
      const [one, other] = await Promise.all([get(server, path, READ), get(server, path, SECRETS)]);
      assert.deepEqual(Object.keys(one.json()), Object.keys(other.json()), path);
      assert.equal(other.headers['cache-control'], path === '/openvpn' ? 'private, no-store' : 'private, no-cache', path);
    }
    // Streams and logs are the same to everybody.
    for (const path of ['/events', '/events?documents=ap,ddns']) assertNoSecret(path, (await get(server, path, SECRETS)).text);
  });

  test('two keys/the reason', async () => {
    const { status, headers, text } = await get(server, PAGES[0] as string, READ);
    assert.deepEqual([status, headers['content-type']], [403, 'application/problem+json']);
    assert.match(text, /it is secret: shown to the key in APSNAP_SECRETS_KEY/);
  });

  test('two keys/no cache mixes them', async () => {
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
        if (path.startsWith('/snapshot')) continue; // it changes with each sample
        assert.equal((await again(READ, read.headers.etag)).status, 304);
        assert.equal((await again(SECRETS, secret.headers.etag)).status, 304);
        assert.equal((await again(READ, secret.headers.etag)).status, 200);
        assert.equal((await again(SECRETS, read.headers.etag)).status, 200);
      }
    }
  });

  test('two keys/a new passphrase is seen, and the other is told nothing', async () => {
    const before = await get(server, '/ap', READ);
    root.write('/etc/hostapd/hostapd.conf', 'interface=wlan0\nssid=RigNet\nchannel=6\nwpa=2\nwpa_passphrase=something else\n');
    await eventually(async () => assert.equal(await passphrase(server, SECRETS), 'something else'));
    const now = await get(server, '/ap', READ);
    assert.deepEqual([now.headers.etag, now.text], [before.headers.etag, before.text]);
    root.write('/etc/hostapd/hostapd.conf', `interface=wlan0\nssid=RigNet\nchannel=6\nwpa=2\nwpa_passphrase=${SECRET.passphrase}\n`);
    await eventually(async () => assert.equal(await passphrase(server, SECRETS), SECRET.passphrase));
  });
});

test('two keys/a clock that is set moves the times of what either sees', (context) => {
  const store = createStore();
  const bodyOf = (text: string) => ({ page: null, json: Buffer.from(text), gzip: null, crc: 0, tag: text });
  store.composed('ap', { kind: 'composed', bodies: [bodyOf('{}')], secretBodies: [bodyOf('{"s":1}')], changes: [], metrics: [] });
  const now = Date.now.bind(Date);
  context.mock.method(Date, 'now', () => now() - 3_600_000);
  store.review();
  const { bodies, secretBodies } = store.documents.get('ap') ?? {};
  for (const body of [bodies?.get(null), secretBodies?.get(null)]) {
    assert.ok(body && Math.abs(body.modifiedMs - Date.now()) < 60_000, `${body?.modifiedMs}, now ${Date.now()}`);
  }
});

test('two keys/one that comes, and goes, while the service runs', async () => {
  const root = accessPoint();
  const server = await startServer({ args: ['--path.rootfs', root.folder], env: { PATH: root.path } });
  try {
    await eventually(async () => assert.equal(await passphrase(server, server.key), null));
    assert.equal((await get(server, '/ap', SECRETS)).status, 403);
    writeFileSync(server.dotenv, `RASPAP_API_KEY=${server.key}\nAPSNAP_SECRETS_KEY=${hashKey(SECRETS)}\n`);
    await eventually(async () => assert.equal(await passphrase(server, SECRETS), SECRET.passphrase));
    assert.equal(await passphrase(server, server.key), null);
    assert.match(server.output(), /the new APSNAP_SECRETS_KEY counts from now on/);
    writeFileSync(server.dotenv, `RASPAP_API_KEY=${server.key}\n`);
    await eventually(async () => assert.equal((await get(server, '/ap', SECRETS)).status, 403));
    assert.equal(await passphrase(server, server.key), null);
    // The same key in both places would give secrets to who may only read.
    writeFileSync(server.dotenv, `RASPAP_API_KEY=${server.key}\nAPSNAP_SECRETS_KEY=${hashKey(server.key)}\n`);
    await eventually(() => assert.match(server.output(), /the new key is not taken: APSNAP_SECRETS_KEY is a key that RASPAP_API_KEY has/));
    assert.equal(await passphrase(server, server.key), null);
  } finally {
    await server.stop();
    root.remove();
  }
});

describe('two keys that are one', () => {
  const same: readonly [name: string, environment: Record<string, string>, message: RegExp][] = [
    ['as they are', { RASPAP_API_KEY: READ, APSNAP_SECRETS_KEY: READ }, /^APSNAP_SECRETS_KEY is a key that RASPAP_API_KEY has/],
    ['one by its digest', { RASPAP_API_KEY: hashKey(READ), APSNAP_SECRETS_KEY: READ }, /^APSNAP_SECRETS_KEY is a key that/],
    [
      'both by their digests',
      { RASPAP_API_KEY: hashKey(READ), APSNAP_SECRETS_KEY: inCapitals(hashKey(READ)) },
      /^APSNAP_SECRETS_KEY is a key that/,
    ],
    ['a short one', { RASPAP_API_KEY: READ, APSNAP_SECRETS_KEY: 'short' }, /^APSNAP_SECRETS_KEY has 5 characters, at least 16/],
    ['half a digest', { RASPAP_API_KEY: 'sha256:0123456789abcdef' }, /^RASPAP_API_KEY is not valid: after sha256: 64 hexadecimal/],
    ['no digest', { RASPAP_API_KEY: READ, APSNAP_SECRETS_KEY: `sha256:${'g'.repeat(64)}` }, /^APSNAP_SECRETS_KEY is not valid: after/],
    ['what everybody knows', { RASPAP_API_KEY: hashKey('insecure') }, /^RASPAP_API_KEY is "insecure"/],
  ];
  for (const [name, environment, message] of same) {
    test(`two keys that are one/${name}`, () => {
      const find = () => readKeyring({ dotenv: '/nowhere/.env', host: '0.0.0.0', environment });
      assert.throws(find, (error) => {
        assert.ok(error instanceof StartError);
        assert.match(error.message, message);
        for (const value of Object.values(environment))
          assert.ok(value.length < 10 || !error.message.includes(value.slice(7)), error.message);
        return true;
      });
    });
  }

  test('two keys that are one/the service does not start', async () => {
    const env = { RASPAP_API_KEY: READ, APSNAP_SECRETS_KEY: hashKey(READ) };
    const { status, stdout, stderr } = await apsnap(['--port', '0', '--dotenv', '/nowhere/.env'], { env });
    assert.deepEqual([status, stdout], [2, '']);
    assert.match(stderr, /^apsnap: APSNAP_SECRETS_KEY is a key that RASPAP_API_KEY has or had: [^\n]*--secrets\n$/);
  });
});

describe('digests', () => {
  test('digests/compare', () => {
    const check = createKeyCheck([validKey('read', hashKey(READ)), validKey('secrets', inCapitals(hashKey(SECRETS)))]);
    assert.equal(check({ access_token: READ }).access, 'read');
    assert.equal(check({ authorization: `Bearer ${SECRETS}` }).access, 'secrets');
    for (const wrong of [hashKey(READ), hashKey(READ).slice(7), `${READ}x`, READ.slice(1), '', 'k'.repeat(10_000)]) {
      assert.equal(check({ access_token: wrong }).access, undefined, wrong.slice(0, 80));
    }
  });

  test('digests/the first header with a key that counts', () => {
    const check = createKeyCheck([validKey('read', READ), validKey('secrets', hashKey(SECRETS))]);
    assert.equal(check({ access_token: 'wrong', 'x-api-key': SECRETS }).access, 'secrets');
    assert.deepEqual(check({ access_token: READ, 'x-api-key': SECRETS }), { access: 'read', wrong: 0 });
    assert.deepEqual(check({ access_token: 'wrong', 'x-api-key': READ, authorization: 'Bearer wrong' }), { access: 'read', wrong: 1 });
    assert.deepEqual(check({ access_token: '', 'x-api-key': 'wrong', authorization: 'Digest x' }), { access: undefined, wrong: 2 });
    assert.deepEqual(check({}), { access: undefined, wrong: 0 });
  });

  test('digests/served', async () => {
    const server = await startServer({ env: { RASPAP_API_KEY: hashKey(READ) } });
    try {
      await eventually(async () => assert.equal((await get(server, '/system', READ)).status, 200));
      assert.equal((await get(server, '/system', hashKey(READ))).status, 403, 'who has read the file has no key');
      const line = await eventually(() => {
        const found = /INFO: try: .*/.exec(server.output())?.[0];
        assert.ok(found);
        return found;
      });
      assert.match(line, /"access_token: KEY"/);
      assert.doesNotMatch(server.output(), /[\da-f]{64}/);
    } finally {
      await server.stop();
    }
  });

  test('digests/a clock that is set back prolongs nothing', async (context) => {
    const nowMs = Date.now();
    const check = createKeyCheck([validKey('read', READ, nowMs + 300)]);
    assert.equal(check({ access_token: READ }).access, 'read');
    context.mock.method(Date, 'now', () => nowMs - 3_600_000);
    await new Promise((resolve) => setTimeout(resolve, 400));
    assert.equal(check({ access_token: READ }).access, undefined);
  });

  test('digests/a key before the current one counts until it does not', () => {
    const now = Date.now();
    const check = createKeyCheck([
      validKey('read', READ),
      validKey('read', hashKey('before'), now + 60_000),
      validKey('read', hashKey('long ago'), now - 1),
    ]);
    assert.deepEqual(
      ['before', 'long ago', READ].map((key) => check({ access_token: key }).access),
      ['read', undefined, 'read'],
    );
  });

  test('digests/keys before the current one, as they are written', () => {
    const keys = [
      { value: hashKey('a'), untilMs: Date.UTC(2026, 10, 24, 3) },
      { value: hashKey('b'), untilMs: Date.UTC(2026, 10, 25) },
    ];
    const line = formatOldKeys(READ, keys);
    assert.match(line, /^[\da-f]{32}@sha256:[\da-f]{64}@2026-11-24T03:00:00Z,sha256:[\da-f]{64}@2026-11-25T00:00:00Z$/);
    assert.deepEqual(parseOldKeys(line)?.keys, keys);
    for (const bad of ['', 'x', line.slice(1), `${line},`, line.replace('2026-11-24', '2026-13-24'), line.replace('sha256:', '')]) {
      assert.equal(parseOldKeys(bad), undefined, bad);
    }
  });
});
