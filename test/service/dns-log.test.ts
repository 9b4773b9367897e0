// dnsmasq's log as it is served: growth, rotation and truncation are noticed, because nothing is remembered of the file.
import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { eventually } from '../support/eventually.js';
import { type Answer, ask } from '../support/http.js';
import { createAccessPoint, type Root } from '../support/root.js';
import { startServer, type TestServer } from '../support/server.js';

const LOG = '/var/log/dnsmasq.log';

interface Entry {
  readonly timestamp: string;
  readonly process: string;
  readonly message: string;
}

const line = (n: number, client = '10.3.141.22') => `Feb  3 10:00:00 dnsmasq[123]: query[A] host-${n}.example from ${client}\n`;
const lines = (amount: number, client?: string) => Array.from({ length: amount }, (_, n) => line(n, client)).join('');

describe('the log as it is served', () => {
  let root: Root;
  let server: TestServer;

  before(async () => {
    root = createAccessPoint();
    root.write(LOG, lines(20) + lines(3, '10.3.141.2'));
    server = await startServer({ args: ['--path.rootfs', root.folder, '--schedule.dnslog', '* * * * * *'], env: { PATH: root.path } });
    await eventually(async () => assert.equal((await get('')).status, 200));
  });

  after(async () => {
    assert.equal(await server.stop(), 0);
    root.remove();
    assert.doesNotMatch(server.output(), /ERROR/);
  });

  const get = (query: string, headers = {}): Promise<Answer> =>
    ask(server.url, `/dns/logs${query}`, { headers: { access_token: server.key, ...headers } });

  const refresh = () => ask(server.url, '/snapshot/refresh', { method: 'POST', headers: { access_token: server.key } });

  /** Asserts that the newest message is about a host. */
  const serves = (amount: number, last: string) =>
    eventually(async () => {
      await refresh();
      const entries = (await get('')).json<Entry[]>();
      assert.deepEqual([entries.length, entries.at(-1)?.message.split(' ')[1]], [amount, last]);
    }, 5_000);

  test('limit and client select entries', async () => {
    for (const [query, amount] of [
      ['?limit=1', 1],
      ['?limit=10000', 23],
      ['?client=10.3.141.2', 3],
      ['?client=10.3.141.22', 20],
      ['?client=10.3.141.22&limit=5', 5],
      ['?client=192.0.2.1', 0],
      ['?client=02%3A00:00:00:00:0A', 0],
      ['?_=1', 23],
    ] as const) {
      const answer = await get(query);
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.json<Entry[]>().length, amount, query);
    }
    assert.deepEqual((await get('?limit=1')).json<Entry[]>()[0]?.message, 'query[A] host-2.example from 10.3.141.2');
  });

  for (const query of [
    'limit=0',
    'limit=10001',
    'limit=-1',
    'limit=1.5',
    'limit=',
    'limit=1&limit=2',
    'limit=x',
    'limit=1e3',
    'limit=%001',
  ]) {
    test(`an invalid query gets 400: ${query}`, async () => {
      const answer = await get(`?${query}`);
      assert.equal(answer.status, 400);
      assert.match(String(answer.json().detail), /^limit: .*expected (?:a whole number from 1 to 10000|once)$/);
    });
  }

  for (const query of [
    '',
    'x',
    'ad',
    'beef',
    '10.3.141',
    '10.3.141.2%0a',
    '10.3.141.2 ',
    'a'.repeat(5_000),
    '.*',
    '%00',
    ':',
    '10.3.141.2&client=1.2.3.4',
  ]) {
    test(`an invalid client gets 400: ${query.slice(0, 30)}`, async () => {
      const answer = await get(`?client=${query.replaceAll(' ', '%20')}`);
      assert.equal(answer.status, 400, answer.text.slice(0, 100));
      assert.match(String(answer.json().detail), /^client: .*expected (?:an IP or a MAC address|once)$/);
    });
  }

  test('a log that grows, is rotated or truncated is served as it is', async () => {
    const file = root.locate(LOG);
    const kept = await get('?limit=2');
    appendFileSync(file, line(100));
    // By schedule.
    await eventually(async () => assert.equal((await get('')).json<Entry[]>().length, 24), 5_000);
    await serves(24, 'host-100.example');
    const next = await get('?limit=2', { 'if-none-match': kept.headers.etag });
    assert.equal(next.status, 200, 'an answer that was kept is not given any more');
    assert.match(next.json<Entry[]>()[1]?.message ?? '', /host-100/);

    // A line that is being written.
    appendFileSync(file, line(101).slice(0, 40));
    appendFileSync(file, line(101).slice(40));
    await serves(25, 'host-101.example');

    // logrotate: a new file
    renameSync(file, `${file}.1`);
    writeFileSync(file, line(200));
    await serves(1, 'host-200.example');

    // logrotate: copytruncate
    writeFileSync(`${file}.2`, readFileSync(file));
    truncateSync(file, 0);
    await refresh();
    assert.deepEqual((await get('')).json(), []);
    appendFileSync(file, line(300));
    await serves(1, 'host-300.example');

    // It is gone, as with logging switched off.
    rmSync(file);
    await refresh();
    assert.deepEqual((await get('')).json(), []);
    assert.deepEqual((await get('?limit=5')).json(), []);

    // What is in its place cannot be read: the last good one is served, and says so. A query has none.
    writeFileSync(file, line(400));
    await serves(1, 'host-400.example');
    rmSync(file);
    mkdirSync(file);
    await refresh();
    assert.equal((await get('')).headers['sample-state'], 'stale');
    const query = await get('?limit=7');
    assert.equal(query.status, 503);
    assert.ok(query.headers['retry-after']);
    assert.match(String(query.json().detail), /^dns\/logs: .*dnsmasq\.log: is not a regular file \(.+\)$/);
    rmSync(file, { recursive: true });
  });
});
