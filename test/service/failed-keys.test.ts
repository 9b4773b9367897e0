// Wrong keys: counted by address, over real connections; who is whom behind proxies; and what a flood of addresses takes.
import assert from 'node:assert/strict';
import { Agent, type IncomingMessage, request } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { createGate } from '../../src/access/authorize.js';
import { createForwardedFor, networkOf, networks, plainAddress } from '../../src/access/client-address.js';
import { createFailedKeys, MOST_ADDRESSES } from '../../src/access/failed-keys.js';
import { createKeyCheck, validKey } from '../../src/access/keys.js';
import { type Answer, ask } from '../support/http.js';
import { startServer, type TestServer } from '../support/server.js';

const MINUTE_MS = 60_000;
const MOST = 20;
/** None of the flags, none of the variables: as it is by default. */
const byDefault = { APSNAP_FAILED_KEYS: '' };

/** It answers before anything has been sampled. */
const READY = '/collectors';

const asking = (server: TestServer, key: string, headers: Record<string, string> = {}, path = '/system') =>
  ask(server.url, path, { headers: { access_token: key, ...headers } });

/** Sends wrong keys, one after the other. @returns how they were answered */
async function guess(server: TestServer, amount: number, headers: Record<string, string> = {}): Promise<number[]> {
  const statuses: number[] = [];
  for (let n = 0; n < amount; n++) statuses.push((await asking(server, `wrong-${n}`, headers)).status);
  return statuses;
}

function assertTooMany(answer: Answer): void {
  assert.equal(answer.status, 429);
  assert.equal(answer.headers['content-type'], 'application/problem+json');
  assert.equal(answer.headers['cache-control'], 'no-store');
  const seconds = Number(answer.headers['retry-after']);
  assert.ok(Number.isInteger(seconds) && seconds >= 1 && seconds <= 60, `Retry-After: ${seconds}`);
  const { status, title, detail } = answer.json();
  assert.deepEqual([status, title], [429, 'Too Many Requests']);
  assert.match(String(detail), /^too many wrong keys came from this address: no key of it is looked at for \d+ s$/);
}

/** One request on a connection that may be used again. */
function askOn(agent: Agent, server: TestServer, key: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(`${server.url}${READY}`, { agent, headers: { access_token: key } }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0));
    });
    sent.on('error', reject).end();
  });
}

describe('counting', () => {
  const at = { ms: 0 };
  const create = (most = MOST) => {
    at.ms = 1_000;
    return createFailedKeys(most, () => at.ms);
  };
  const times = (amount: number, act: () => void) => {
    for (let n = 0; n < amount; n++) act();
  };

  test('counting/a minute of rest after the last that is allowed', () => {
    const failed = create();
    times(MOST - 1, () => failed.failed('192.0.2.1', 1));
    assert.deepEqual([failed.refusedSeconds('192.0.2.1'), failed.isQuiet()], [0, true]);
    failed.failed('192.0.2.1', 1);
    assert.deepEqual([failed.refusedSeconds('192.0.2.1'), failed.refusedSeconds('192.0.2.2'), failed.isQuiet()], [60, 0, false]);
    at.ms += MINUTE_MS - 1;
    assert.deepEqual([failed.refusedSeconds('192.0.2.1'), failed.isQuiet()], [1, false]);
    at.ms += 1;
    assert.deepEqual([failed.refusedSeconds('192.0.2.1'), failed.isQuiet()], [0, true]);
    times(MOST - 1, () => failed.failed('192.0.2.1', 1));
    assert.equal(failed.refusedSeconds('192.0.2.1'), 0, 'it may try as many again');
    failed.failed('192.0.2.1', 1);
    assert.equal(failed.refusedSeconds('192.0.2.1'), 60);
  });

  test('counting/those of the minute before are forgotten', () => {
    const failed = create();
    times(MOST - 1, () => failed.failed('192.0.2.1', 1));
    at.ms += MINUTE_MS;
    times(MOST - 1, () => failed.failed('192.0.2.1', 1));
    assert.equal(failed.refusedSeconds('192.0.2.1'), 0);
  });

  test('counting/all keys of a request', () => {
    const failed = create(3);
    failed.failed('192.0.2.1', 3);
    assert.equal(failed.refusedSeconds('192.0.2.1'), 60);
  });

  test('counting/off', () => {
    const failed = create(Number.POSITIVE_INFINITY);
    times(1_000, () => failed.failed('192.0.2.1', 1));
    assert.deepEqual([failed.refusedSeconds('192.0.2.1'), failed.size], [0, 0]);
  });

  test('counting/a flood of addresses has an end, and drives out those that were quiet for longest', () => {
    const failed = create();
    times(MOST, () => failed.failed('198.51.100.1', 1));
    for (let n = 0; n < 50_000; n++) {
      failed.failed(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`, 1);
      if (n % 1_000 === 0) failed.failed('198.51.100.2', 1);
    }
    assert.equal(failed.size, MOST_ADDRESSES);
    assert.equal(failed.refusedSeconds('198.51.100.1'), 0, 'driven out');
    assert.equal(failed.refusedSeconds('198.51.100.2'), 60, 'it went on, so it is remembered');
  });

  const same: readonly [address: string, network: string][] = [
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8:0:1:aaaa::1', '2001:db8:0:1'],
    ['2001:db8:0:1:bbbb:cccc:dddd:eeee', '2001:db8:0:1'],
    ['2001:0DB8:0000:0001::', '2001:db8:0:1'],
    ['2001:db8::1', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
    ['::', '0:0:0:0'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0'],
    ['fe80::1%wlan0', 'fe80:0:0:0%wlan0'],
    ['nonsense', 'nonsense'],
  ];
  for (const [address, network] of same) test(`counting/network of ${address}`, () => assert.equal(networkOf(address), network));
});

describe('client address', () => {
  const of = (trusted: string[], remoteAddress: string, forwarded?: string) =>
    createForwardedFor(trusted)({ socket: { remoteAddress }, headers: { 'x-forwarded-for': forwarded } } as never);

  const cases: readonly [name: string, trusted: string[], remote: string, forwarded: string | undefined, client: string | undefined][] = [
    ['no proxy is trusted', [], '10.0.0.1', '192.0.2.1', undefined],
    ['another proxy is', ['10.0.0.2'], '10.0.0.1', '192.0.2.1', undefined],
    ['one', ['10.0.0.1'], '10.0.0.1', '192.0.2.1', '192.0.2.1'],
    ['a network', ['10.0.0.0/8'], '10.9.8.7', '192.0.2.1', '192.0.2.1'],
    ['of both families', ['10.0.0.0/8'], '::ffff:10.9.8.7', '::ffff:192.0.2.1', '192.0.2.1'],
    ['IPv6', ['fd00::/8'], 'fd12::1', '2001:db8::5', '2001:db8::5'],
    ['what the client made up stands before', ['10.0.0.1'], '10.0.0.1', '203.0.113.9, 192.0.2.1', '192.0.2.1'],
    ['two proxies', ['10.0.0.0/8'], '10.0.0.1', '203.0.113.9, 192.0.2.1,10.0.0.2', '192.0.2.1'],
    ['the client is a proxy', ['10.0.0.0/8'], '10.0.0.1', '10.0.0.3 , 10.0.0.2', '10.0.0.3'],
    ['with ports', ['10.0.0.0/8', 'fd00::/8'], '10.0.0.1', '192.0.2.1:4711, [fd00::1]:80, 10.0.0.2:4711', '192.0.2.1'],
    ['what is no address ends it', ['10.0.0.0/8'], '10.0.0.1', '192.0.2.1, unknown, 10.0.0.2', '10.0.0.2'],
    ['nothing but that', ['10.0.0.1'], '10.0.0.1', 'unknown', undefined],
    ['an empty one', ['10.0.0.1'], '10.0.0.1', '', undefined],
    ['none', ['10.0.0.1'], '10.0.0.1', undefined, undefined],
  ];
  for (const [name, trusted, remote, forwarded, client] of cases) {
    test(`client address/${name}`, () => assert.equal(of(trusted, remote, forwarded), client));
  }

  test('client address/what is no network', () => {
    for (const text of [
      '',
      'nope',
      '10.0.0.0/33',
      '10.0.0.0/',
      '10.0.0/8',
      'fd00::/129',
      '10.0.0.0/8/8',
      '10.0.0.0/-1',
      'fe80::1%eth0',
      '/8',
    ])
      assert.equal(networks([text]), undefined, text);
    for (const text of ['10.0.0.5/8', '::1', '0.0.0.0/0', 'fd00::/8']) assert.ok(networks([text]), text);
  });

  test('client address/plain', () => {
    assert.equal(plainAddress('::ffff:192.0.2.1'), '192.0.2.1');
    assert.equal(plainAddress('::FFFF:c000:201'), '192.0.2.1');
    assert.equal(plainAddress('2001:db8::ffff:192.0.2.1'), '2001:db8::ffff:192.0.2.1');
  });
});

describe('limit', () => {
  test('limit/20 a minute, then 429, for a right key too', async () => {
    const server = await startServer({ env: byDefault });
    try {
      // Without a key nothing is guessed.
      for (let n = 0; n < 2 * MOST; n++) assert.equal((await ask(server.url, '/system')).status, 403);
      assert.deepEqual(await guess(server, MOST), Array(MOST).fill(403));
      const wrong = await asking(server, 'wrong');
      const right = await asking(server, server.key);
      for (const answer of [wrong, right, await ask(server.url, '/system')]) assertTooMany(answer);
      const told = ({ headers, text }: Answer) => {
        const { date: _date, 'retry-after': _seconds, 'content-length': _length, ...others } = headers;
        return [others, text.replace(/\d+ s/, '')];
      };
      assert.deepEqual(told(right), told(wrong), 'it does not tell whether the key was right');
      for (const path of ['/snapshot', '/clients/lo', '/metrics', '/nope', '/system/'])
        assertTooMany(await asking(server, server.key, {}, path));
      const head = await ask(server.url, '/system', { method: 'HEAD', headers: { access_token: 'wrong' } });
      assert.deepEqual([head.status, head.text], [429, '']);
      // What needs no key is there for everybody.
      for (const path of ['/healthz', '/docs', '/']) assert.equal((await ask(server.url, path)).status, 200, path);
      assert.match(server.output(), /INFO: 127\.0\.0\.1:\d+ - "GET \/system HTTP\/1\.1" 429 Too Many Requests\n/);
    } finally {
      await server.stop();
    }
  });

  test('limit/a connection on which the key was right goes on', async () => {
    const server = await startServer({ env: { ...byDefault, APSNAP_SECRETS_KEY: 'a-key-that-sees-secrets-too' } });
    const dashboard = new Agent({ keepAlive: true, maxSockets: 1 });
    const reader = new Agent({ keepAlive: true, maxSockets: 1 });
    try {
      assert.deepEqual([await askOn(dashboard, server, server.key), await askOn(reader, server, server.key)], [200, 200]);
      await guess(server, MOST);
      assert.equal((await asking(server, server.key)).status, 429, 'a new connection does not');
      for (let n = 0; n < 3; n++) assert.equal(await askOn(dashboard, server, server.key), 200);
      // Who may read and guesses at the other key learns nothing, be it right; and a wrong one costs the privilege.
      assert.equal(await askOn(reader, server, 'a-key-that-sees-secrets-too'), 429);
      assert.equal(await askOn(reader, server, server.key), 200);
      assert.equal(await askOn(reader, server, 'wrong'), 429);
      assert.equal(await askOn(reader, server, server.key), 429);
    } finally {
      dashboard.destroy();
      reader.destroy();
      await server.stop();
    }
  });

  test('limit/of ones own choice, and by each way of sending a key', async () => {
    const server = await startServer({ args: ['--failed-keys', '3'] });
    try {
      const headers = { 'x-api-key': 'wrong', authorization: 'Bearer wrong' };
      assert.deepEqual(await guess(server, 2, headers), [403, 429], 'three keys at once are three');
    } finally {
      await server.stop();
    }
  });

  test('limit/who may read does not guess the other key beside his own', async () => {
    const server = await startServer({ env: { ...byDefault, APSNAP_SECRETS_KEY: 'a-key-that-sees-secrets-too' } });
    const both = (guessed: string) => asking(server, guessed, { 'x-api-key': server.key }, READY);
    try {
      for (let n = 0; n < MOST; n++) assert.equal((await both(`wrong-${n}`)).status, 200);
      for (const guessed of ['wrong', 'a-key-that-sees-secrets-too']) assertTooMany(await both(guessed));
    } finally {
      await server.stop();
    }
  });

  describe('limit/behind a proxy', () => {
    let server: TestServer;
    const from = (client: string) => ({ 'x-forwarded-for': client });
    before(async () => {
      server = await startServer({ args: ['--trust-proxy', '127.0.0.1', '--access-log', 'all'], env: byDefault });
    });
    after(() => server?.stop());

    test('limit/behind a proxy: others are not affected', async () => {
      assert.deepEqual(await guess(server, MOST + 1, from('192.0.2.1')), [...Array(MOST).fill(403), 429]);
      assertTooMany(await asking(server, server.key, from('192.0.2.1')));
      assertTooMany(await asking(server, server.key, from('::ffff:192.0.2.1')));
      assertTooMany(await asking(server, server.key, from('192.0.2.77, 192.0.2.1')));
      for (const other of ['192.0.2.2', '192.0.2.1, 192.0.2.2', '::ffff:192.0.2.3', '2001:db8::1']) {
        assert.equal((await asking(server, server.key, from(other), READY)).status, 200, other);
      }
      assert.equal((await asking(server, server.key, { forwarded: 'for=192.0.2.1' }, READY)).status, 200, 'the proxy itself');
      assert.match(server.output(), /^INFO: 192\.0\.2\.1:0 - "GET \/system HTTP\/1\.1" 403 Forbidden$/m);
    });

    test('limit/behind a proxy: IPv6 by the network of 64 bits', async () => {
      for (let n = 0; n < MOST; n++) assert.equal((await asking(server, 'wrong', from(`2001:db8:1:1:${n}::1`))).status, 403);
      assertTooMany(await asking(server, server.key, from('2001:db8:1:1:ffff::1')));
      assert.equal((await asking(server, server.key, from('2001:db8:1:2::1'), READY)).status, 200);
    });

    test('limit/behind a proxy: a connection is everybody’s', async () => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const askAs = (key: string, client: string) =>
        new Promise<number>((resolve, reject) => {
          request(`${server.url}${READY}`, { agent, headers: { access_token: key, ...from(client) } }, (response) => {
            response.resume().on('end', () => resolve(response.statusCode ?? 0));
          })
            .on('error', reject)
            .end();
        });
      assert.equal(await askAs(server.key, '198.51.100.7'), 200);
      for (let n = 0; n < MOST; n++) await askAs('wrong', '198.51.100.7');
      assert.equal(await askAs(server.key, '198.51.100.7'), 429);
      assert.equal(await askAs(server.key, '198.51.100.8'), 200);
      // Of whom the proxy tells no address: a right key of others on the same connection is none of his.
      assert.equal((await guess(server, MOST + 1, from('unknown'))).at(-1), 429);
      assert.equal(await askAs(server.key, '198.51.100.8'), 200);
      assert.equal(await askAs(server.key, 'unknown'), 429);
      agent.destroy();
    });

    test('limit/behind a proxy: a key that was right before anybody was refused', () => {
      const [check, failed] = [createKeyCheck([validKey('read', 'right')]), createFailedKeys(1)];
      const judge = createGate(() => check, failed, createForwardedFor(['127.0.0.1']));
      const socket = { remoteAddress: '127.0.0.1' };
      const asked = (client: string) =>
        judge({ socket, headers: { access_token: 'right', 'x-forwarded-for': client } } as unknown as IncomingMessage);
      assert.equal(asked('192.0.2.1'), 'read');
      failed.failed('127.0.0.1', 1);
      assert.deepEqual(asked('unknown'), { retryAfterSeconds: 60 });
    });

    test('limit/behind a proxy: a flood of addresses', async () => {
      const agent = new Agent({ keepAlive: true, maxSockets: 8 });
      const one = (n: number) =>
        new Promise<number>((resolve, reject) => {
          const headers = { access_token: 'wrong', ...from(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`) };
          request(`${server.url}/system`, { agent, headers }, (response) => {
            response.resume().on('end', () => resolve(response.statusCode ?? 0));
          })
            .on('error', reject)
            .end();
        });
      const statuses = new Set<number>();
      for (let n = 0; n < 6_000; n += 500)
        for (const status of await Promise.all(Array.from({ length: 500 }, (_, m) => one(n + m)))) statuses.add(status);
      agent.destroy();
      assert.deepEqual([...statuses], [403]);
      assert.equal((await asking(server, server.key, from('10.0.0.1'), READY)).status, 200);
      // It counts as before.
      assert.equal((await guess(server, MOST + 1, from('203.0.113.1'))).at(-1), 429);
    });
  });

  test('limit/X-Forwarded-For of somebody else is not believed', async () => {
    const server = await startServer({ args: ['--trust-proxy', '10.0.0.0/8'], env: byDefault });
    try {
      for (let n = 0; n < MOST; n++) assert.equal((await asking(server, 'wrong', { 'x-forwarded-for': `192.0.2.${n}` })).status, 403);
      assertTooMany(await asking(server, 'wrong', { 'x-forwarded-for': '192.0.2.200' }));
      assert.doesNotMatch(server.output(), /192\.0\.2/);
    } finally {
      await server.stop();
    }
  });
});
