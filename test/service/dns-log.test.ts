// dnsmasq's log: only its end is read, and rotation, truncation and growth are noticed, because nothing is remembered of it.
import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { newestEntries, parseLog } from '../../src/collectors/dns-dhcp/dnslog.js';
import { Absent, SourceError } from '../../src/errors.js';
import { createMachine, type Machine } from '../../src/machine/machine.js';
import { eventually } from '../support/eventually.js';
import { type Answer, ask } from '../support/http.js';
import { createAccessPoint, type Root } from '../support/root.js';
import { startServer, type TestServer } from '../support/server.js';

const LOG = '/var/log/dnsmasq.log';
const scratch = mkdtempSync(join(tmpdir(), 'apsnap-log-'));
after(() => rmSync(scratch, { recursive: true, force: true }));
let folders = 0;

interface Entry {
  readonly timestamp: string;
  readonly process: string;
  readonly message: string;
}

const line = (n: number, client = '10.3.141.22') => `Feb  3 10:00:00 dnsmasq[123]: query[A] host-${n}.example from ${client}\n`;
const lines = (amount: number, client?: string) => Array.from({ length: amount }, (_, n) => line(n, client)).join('');

/** A machine with a log, and how many bytes were read of that. */
function machine(content: string) {
  const rootfs = join(scratch, String(++folders));
  const file = join(rootfs, LOG);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  const real = createMachine({ rootfs, path: '' });
  const counter = { bytes: 0 };
  const host: Machine = {
    ...real,
    readTail(path, bytes) {
      const tail = real.readTail(path, bytes);
      counter.bytes += tail.bytes.length;
      return tail;
    },
    readBytes: () => assert.fail('the log is not read as a whole'),
  };
  return { file, host, counter };
}

describe('the end of the log', () => {
  test('log/two gigabytes cost no more than their end', () => {
    const { file, host, counter } = machine('');
    truncateSync(file, 2 ** 31);
    appendFileSync(file, `\n${lines(5_000)}`);
    const entries = newestEntries(host, 1_000);
    assert.deepEqual([entries.length, entries.at(-1)?.message], [1_000, 'query[A] host-4999.example from 10.3.141.22']);
    assert.ok(counter.bytes <= 128 << 10, `${counter.bytes} bytes`);
    // One that hardly ever occurs is looked for further up, but not in all of it.
    counter.bytes = 0;
    assert.deepEqual(newestEntries(host, 1_000, '10.9.9.9'), []);
    assert.ok(counter.bytes < 18 << 20, `${counter.bytes} bytes`);
  });

  test('log/two gigabytes of nothing', () => {
    const { file, host, counter } = machine('');
    truncateSync(file, 2 ** 31);
    assert.deepEqual(newestEntries(host, 1_000), []);
    assert.ok(counter.bytes < 18 << 20, `${counter.bytes} bytes`);
  });

  test('log/the newest of many, in order', () => {
    const { host } = machine(lines(30_000));
    for (const most of [1, 2, 999, 10_000]) {
      const entries = newestEntries(host, most);
      assert.deepEqual([entries.length, entries[0]?.message], [most, `query[A] host-${30_000 - most}.example from 10.3.141.22`]);
    }
    assert.equal(newestEntries(machine(lines(20)).host, 1_000).length, 20);
  });

  test('log/a line that is half outside of what is read', () => {
    // Lines of such a length that the border is in another place of a line each time.
    for (let length = 1; length < 120; length++) {
      const row = `Feb  3 10:00:00 dnsmasq[123]: ${'x'.repeat(length)}\n`;
      const { host } = machine(row.repeat(6_000));
      const messages = new Set(newestEntries(host, 5_000).map(({ message }) => message));
      assert.deepEqual([...messages], ['x'.repeat(length)]);
    }
  });

  for (const [client, wanted] of [
    ['10.3.141.2', 1],
    ['10.3.141.22', 4],
    ['0.3.141.22', 0],
    ['02:00:00:00:01:0A', 2],
    ['02:00:00:00:01:0a', 2],
    ['2:00:00:00:01:0a', 0],
    ['fe80::1', 1],
    ['FE80::12', 1],
    ['::1', 0],
    ['10.3.141.1', 0],
  ] as const) {
    test(`log/client ${client}`, () => {
      const text = [
        'query[A] a.example from 10.3.141.2',
        'query[A] a.example from 10.3.141.22',
        '7 10.3.141.22/53124 query[A] b.example from 10.3.141.22',
        'DHCPACK(wlan0) 10.3.141.22 02:00:00:00:01:0a alices-iphone',
        'DHCPDISCOVER(wlan0) 02:00:00:00:01:0A',
        'query[AAAA] a.example from fe80::1',
        'query[AAAA] a.example from fe80::12',
        'reply a.example is 110.3.141.22',
        'reply b.example is 10.3.141.220',
        'reply c.example is 10.3.141.22.5',
        'DHCPACK(wlan0) 10.3.141.22',
      ];
      const { host } = machine(text.map((message) => `Feb 13 10:00:00 dnsmasq[1]: ${message}\n`).join(''));
      assert.equal(newestEntries(host, 1_000, client).length, wanted);
    });
  }

  test('log/any bytes', () => {
    const some = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.constantFrom(line(1), '\n', '\r\n', 'Feb  3', ' 10:00:00 ', 'dnsmasq[1]: ', '__proto__', '\0').map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(fc.array(some), fc.boolean(), fc.integer({ min: 1, max: 20 }), (parts, cut, most) => {
        try {
          const entries = parseLog(Buffer.concat(parts), cut, most, () => true, 'log');
          assert.ok(entries.length <= most);
          for (const { timestamp, process } of entries) assert.match(`${timestamp} ${process}`, /^\w{3} [ \d]\d [\d:]{8} [^\s:]{1,64}$/);
        } catch (error) {
          assert.ok(error instanceof SourceError && !(error instanceof Absent), String(error));
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test('log/a line of megabytes', () => {
    const { host } = machine(`${line(1)}Feb  3 10:00:00 ${'dnsmasq '.repeat(300_000)}\n${' '.repeat(2_000_000)}x\n${line(2)}`);
    assert.deepEqual(
      newestEntries(host, 10).map(({ message }) => message),
      ['query[A] host-1.example from 10.3.141.22', 'query[A] host-2.example from 10.3.141.22'],
    );
  });
});

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

  /** Asserts that the newest message is about a host, with nobody who asks for samples. */
  const serves = (amount: number, last: string) =>
    eventually(async () => {
      const entries = (await get('')).json<Entry[]>();
      assert.deepEqual([entries.length, entries.at(-1)?.message.split(' ')[1]], [amount, last]);
    }, 5_000);

  test('served/limit and client', async () => {
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
    test(`served/${query}`, async () => {
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
    test(`served/client=${query.slice(0, 30)}`, async () => {
      const answer = await get(`?client=${query.replaceAll(' ', '%20')}`);
      assert.equal(answer.status, 400, answer.text.slice(0, 100));
      assert.match(String(answer.json().detail), /^client: .*expected (?:an IP or a MAC address|once)$/);
    });
  }

  test('served/growth, rotation, truncation', async () => {
    const file = root.locate(LOG);
    const kept = await get('?limit=2');
    appendFileSync(file, line(100));
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
    await eventually(async () => assert.deepEqual((await get('')).json(), []), 5_000);
    appendFileSync(file, line(300));
    await serves(1, 'host-300.example');

    // It is gone, as with logging switched off.
    rmSync(file);
    await eventually(async () => assert.deepEqual((await get('')).json(), []), 5_000);
    assert.deepEqual((await get('?limit=5')).json(), []);

    // What is in its place cannot be read: the last good one is served, and says so. A query has none.
    writeFileSync(file, line(400));
    await serves(1, 'host-400.example');
    rmSync(file);
    mkdirSync(file);
    await eventually(async () => assert.equal((await get('')).headers['sample-state'], 'stale'), 5_000);
    const query = await get('?limit=7');
    assert.equal(query.status, 503);
    assert.ok(query.headers['retry-after']);
    assert.match(String(query.json().detail), /^dns\/logs: .*dnsmasq\.log: is not a regular file \(.+\)$/);
    rmSync(file, { recursive: true });
  });
});
