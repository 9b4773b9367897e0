// A list of a million names on the real server: what is served of it, who waits meanwhile, and who goes away.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { apsnap } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { type Answer, type Asking, ask } from '../support/http.js';
import { createAccessPoint, type Root } from '../support/root.js';
import { startServer, type TestServer } from '../support/server.js';

const AMOUNT = 1_000_000;
const HOSTNAMES = '/etc/raspap/adblock/hostnames.txt';

interface Hostnames {
  readonly hostnames: string[];
  readonly amount: number;
}

const nameOf = (n: number, word = 'host') => `${word}-${n}.Tracker.example`;

function hostsFile(amount: number, word?: string): string {
  const lines = Array.from({ length: amount }, (_, n) => `0.0.0.0 ${nameOf(n, word)}\n`);
  return `# Title: all of them\n127.0.0.1 localhost\n${lines.join('')}`;
}

describe('a million names', () => {
  let root: Root;
  let server: TestServer;

  before(async () => {
    root = createAccessPoint();
    root.write(HOSTNAMES, hostsFile(AMOUNT));
    root.write('/etc/raspap/adblock/domains.txt', 'local=/ads.example/\n');
    server = await startServer({ args: ['--path.rootfs', root.folder], env: { PATH: root.path } });
    for (const path of ['/system', '/dns/hostnames']) await eventually(async () => assert.equal((await get(path)).status, 200), 30_000);
  });

  after(async () => {
    assert.equal(await server.stop(), 0);
    root.remove();
    assert.doesNotMatch(server.output(), /ERROR|WARNING|\bat .*\.js:\d+/);
  });

  const get = (path: string, { headers = {}, ...asking }: Asking = {}): Promise<Answer> =>
    ask(server.url, path, { ...asking, headers: { access_token: server.key, ...headers } });

  function residentMegabytes(): number {
    return Number(/^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${server.process.pid}/status`, 'utf8'))?.[1]) / 1024;
  }

  test('a list of a million names is served whole', async () => {
    const { hostnames, amount } = (await get('/dns/hostnames')).json<Hostnames>();
    assert.deepEqual([amount, hostnames.length], [AMOUNT, AMOUNT]);
    assert.deepEqual([hostnames[0], hostnames.at(-1)], [nameOf(0), nameOf(AMOUNT - 1)]);
    assert.equal(new Set(hostnames).size, AMOUNT);
  });

  for (const [query, first, last, length, amount] of [
    ['limit=3', 0, 2, 3, AMOUNT],
    ['offset=999998', 999_998, 999_999, 2, AMOUNT],
    ['limit=10000&offset=500000', 500_000, 509_999, 10_000, AMOUNT],
    ['offset=1000000', undefined, undefined, 0, AMOUNT],
    ['offset=9999999999', undefined, undefined, 0, AMOUNT],
    ['contains=HOST-99999', 99_999, 999_999, 11, 11],
    ['contains=tracker', 0, 999, 1_000, AMOUNT],
    ['contains=host-99999&limit=2&offset=1', 999_990, 999_991, 2, 11],
    ['contains=nothing-like-it', undefined, undefined, 0, 0],
  ] as const) {
    test(`a query selects names: ${query}`, async () => {
      const answer = await get(`/dns/hostnames?${query}`);
      assert.equal(answer.status, 200, answer.text.slice(0, 200));
      const list = answer.json<Hostnames>();
      const name = (n: number | undefined) => (n === undefined ? undefined : nameOf(n));
      assert.deepEqual([list.hostnames[0], list.hostnames.at(-1)], [name(first), name(last)]);
      assert.deepEqual([list.hostnames.length, list.amount], [length, amount]);
    });
  }

  for (const query of [
    ...['limit=0', 'limit=10001', 'limit=', 'offset=-1', 'offset=1.5', 'offset=99999999999', 'offset=1&offset=2'],
    ...[
      'contains=',
      'contains=%20',
      'contains=%C3%A9',
      `contains=${'x'.repeat(254)}`,
      'contains=a&contains=b',
      'contains=%00',
      'contains=%ff',
    ],
  ]) {
    test(`an invalid query gets 400: ${query.slice(0, 30)}`, async () => {
      const answer = await get(`/dns/hostnames?${query}`);
      assert.equal(answer.status, 400, answer.text.slice(0, 200));
      assert.match(String(answer.json().detail), /^(?:limit|offset|contains): .*expected /);
    });
  }

  test('a query has the headers of every other response', async () => {
    const path = '/dns/hostnames?contains=host-1';
    const gzip = { 'accept-encoding': 'gzip' };
    const [plain, packed, head] = await Promise.all([get(path), get(path, { headers: gzip }), get(path, { method: 'HEAD' })]);
    assert.ok(gunzipSync(packed.body).equals(plain.body));
    assert.deepEqual([head.status, head.body.length, head.headers['content-length']], [200, 0, String(plain.body.length)]);
    assert.notEqual(plain.headers.etag, packed.headers.etag);
    for (const answer of [plain, packed, head]) {
      assert.equal(answer.headers['content-type'], 'application/json');
      assert.equal(answer.headers['sample-state'], 'fresh');
      assert.equal(answer.headers.vary, 'Accept-Encoding');
    }
    const again = await get(path, { headers: { 'if-none-match': plain.headers.etag } });
    assert.deepEqual([again.status, again.body.length], [304, 0]);
    assert.equal((await get('/dns/hostnames?contains=host-2', { headers: { 'if-none-match': plain.headers.etag } })).status, 200);
    assert.equal((await get('/dns/hostnames/?contains=host-1')).text, plain.text);
    assert.equal((await ask(server.url, path)).status, 403);
    assert.equal((await get(path, { method: 'POST' })).status, 405);
  });

  test('/snapshot has the lists if they are named, compressed or not', async () => {
    const path = '/snapshot?documents=dns/domains,dns/hostnames,dns/logs,system';
    const answer = await get(path, { headers: { 'accept-encoding': 'gzip' } });
    assert.equal(answer.headers['content-encoding'], 'gzip');
    assert.equal(answer.headers['content-length'], String(answer.body.length));
    const { documents } = JSON.parse(gunzipSync(answer.body).toString()) as { documents: Record<string, { data: Hostnames }> };
    assert.deepEqual(Object.keys(documents), ['dns/domains', 'dns/hostnames', 'dns/logs', 'system']);
    assert.deepEqual(documents['dns/domains']?.data, { domains: ['ads.example'], amount: 1 });
    const data = documents['dns/hostnames']?.data;
    assert.deepEqual([data?.hostnames.length, data?.amount, data?.hostnames.at(-1)], [AMOUNT, AMOUNT, nameOf(AMOUNT - 1)]);
    assert.deepEqual(documents['dns/logs']?.data, []);
    const plain = (await get(path)).json<{ documents: typeof documents }>();
    assert.deepEqual(Object.keys(plain.documents), Object.keys(documents));
    assert.equal(plain.documents['dns/hostnames']?.data.amount, AMOUNT);
  });

  test('queries do not delay other requests', async () => {
    const queries = Array.from({ length: 15 }, (_, n) => get(`/dns/hostnames?contains=t-1${n}&limit=${n + 1}`));
    let asked = 0;
    const meanwhile = (async () => {
      for (; asked < 20; asked++) {
        const startedMs = performance.now();
        const system = await get('/system');
        assert.deepEqual([system.status, system.headers['sample-state']], [200, 'fresh']);
        assert.ok(performance.now() - startedMs < 1_000, 'it does not wait for queries');
        await sleep(50);
      }
    })();
    const answers = await Promise.all(queries);
    await meanwhile;
    const good = answers.filter(({ status }) => status === 200);
    for (const answer of answers.filter(({ status }) => status !== 200)) {
      assert.equal(answer.status, 503, answer.text);
      assert.match(answer.headers['retry-after'] ?? '', /^[1-9]\d*$/);
      assert.match(String(answer.json().detail), /too many queries/);
    }
    // Each reads a million names in a quarter of a second, more on a busy machine, and none waits for more than ten.
    assert.ok(good.length > 5, `${good.length} were answered`);
    for (const answer of good) assert.ok(answer.json<Hostnames>().hostnames.length > 0);
  });

  test('clients that read slowly or disconnect affect no other client', async () => {
    const { hostname, port } = new URL(server.url);
    const before = residentMegabytes();
    const request = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\naccess_token: ${server.key}\r\n\r\n`;
    const sockets: Socket[] = [];
    for (let n = 0; n < 30; n++) {
      const socket = connect(Number(port), hostname);
      socket.on('error', () => {});
      await once(socket, 'connect');
      socket.write(request(n % 2 ? '/dns/hostnames' : '/snapshot?documents=dns/hostnames'));
      socket.pause();
      sockets.push(socket);
    }
    await sleep(500);
    const held = residentMegabytes() - before;
    assert.ok(held < 100, `30 clients that do not read hold ${Math.round(held)} MB`);
    assert.equal((await get('/system')).status, 200);
    for (const [n, socket] of sockets.entries()) {
      if (n % 3 === 0) socket.resetAndDestroy();
      else socket.destroy();
    }
    await eventually(() => assert.ok(residentMegabytes() - before < 100));
    assert.equal((await get('/dns/hostnames')).json<Hostnames>().amount, AMOUNT);
  });

  test('requests pipelined after a large body are answered in order', async () => {
    const { hostname, port } = new URL(server.url);
    const one = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: x\r\naccess_token: ${server.key}\r\n${more}\r\n`;
    const socket = connect(Number(port), hostname);
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    const paths = [
      '/dns/hostnames',
      '/clients/lo',
      '/dns/hostnames',
      '/dns/hostnames?limit=1',
      '/healthz',
      '/dns/domains',
      '/snapshot?documents=dns/hostnames',
    ];
    socket.write(paths.map((path, n) => one(path, n === paths.length - 1 ? 'Connection: close\r\n' : '')).join(''));
    await once(socket, 'close');
    let rest = Buffer.concat(chunks);
    const starts: string[] = [];
    while (rest.length > 0) {
      const end = rest.indexOf('\r\n\r\n');
      const head = rest.subarray(0, end).toString();
      assert.match(head, /^HTTP\/1\.1 200 OK/);
      const length = Number(/^content-length: (\d+)$/im.exec(head)?.[1]);
      const body = rest.subarray(end + 4, end + 4 + length);
      assert.equal(body.length, length);
      if (length < 1 << 20) JSON.parse(body.toString());
      else assert.equal(body.at(-1), '}'.charCodeAt(0));
      starts.push(body.subarray(0, 12).toString());
      rest = rest.subarray(end + 4 + length);
    }
    const list = '{"hostnames"';
    assert.deepEqual(starts, [list, '{"active_cli', list, list, '{"status":"o', '{"domains":[', '{"generation']);
  });

  test('a changed list replaces the old one', async () => {
    await get('/dns/hostnames?limit=2');
    const path = '/dns/hostnames?limit=2';
    const changed = async (word: string, amount: number) => {
      root.write(HOSTNAMES, hostsFile(amount, word));
      await eventually(async () => {
        const list = (await get(path)).json<Hostnames>();
        assert.deepEqual([list.hostnames[0], list.amount], [nameOf(0, word), amount]);
      });
    };
    await changed('few', 10);
    assert.equal((await get('/dns/hostnames')).json<Hostnames>().hostnames.length, 10);
    const before = residentMegabytes();
    for (let n = 0; n < 6; n++) await changed(`word${n}`, 500_000 + n);
    await changed('few', 10);
    // Lists that were replaced must not wait for the next full garbage collection.
    await eventually(() => {
      const grown = residentMegabytes() - before;
      assert.ok(grown < 100, `6 lists of 15 MB have left ${Math.round(grown)} MB`);
    }, 5_000);
  });

  test('the service stops without waiting for a client that reads slowly', async () => {
    root.write(HOSTNAMES, hostsFile(AMOUNT));
    const large = await apsnap(['snapshot', 'dns/hostnames', '--path.rootfs', root.folder], { env: { PATH: root.path } });
    assert.equal(
      (JSON.parse(large.stdout) as { documents: Record<string, { data: Hostnames }> }).documents['dns/hostnames']?.data.amount,
      AMOUNT,
    );
    const stopping = await startServer({ args: ['--path.rootfs', root.folder, '--threads', '1'], env: { PATH: root.path } });
    await eventually(async () => {
      const headers = { access_token: stopping.key };
      assert.equal((await ask(stopping.url, '/dns/hostnames', { method: 'HEAD', headers })).status, 200);
    });
    const { hostname, port } = new URL(stopping.url);
    const socket = connect(Number(port), hostname);
    socket.on('error', () => {});
    await once(socket, 'connect');
    socket.write(`GET /dns/hostnames HTTP/1.1\r\nHost: x\r\naccess_token: ${stopping.key}\r\n\r\n`);
    await once(socket, 'data');
    socket.pause();
    const startedMs = performance.now();
    assert.equal(await stopping.stop(), 0);
    assert.ok(performance.now() - startedMs < 2_000);
    socket.destroy();
  });

  const nowhere = [
    '..',
    '../domains',
    '%2e%2e',
    '%2f',
    'x%2fy',
    '%00',
    '%',
    '%zz',
    '%c3%28',
    '%ff',
    '__proto__',
    'constructor',
    'a'.repeat(10_000),
    '%61'.repeat(3_300),
  ];
  for (const name of nowhere) {
    test(`a name below a list gets 404: ${name.slice(0, 20)}`, async () => {
      for (const path of [`/dns/${name}`, `/dns/${name}?limit=1`, `/dns/hostnames/${name}`, `/dns%2F${name}`, `/clients/${name}?limit=1`]) {
        for (const method of ['GET', 'HEAD']) assert.equal((await get(path, { method })).status, 404, path.slice(0, 50));
      }
    });
  }
  test('a list has no other path', async () => {
    for (const path of [
      '/dns',
      '/dns/',
      '/dns%2fhostnames',
      '/dns%2Fdomains',
      '/dns/Hostnames',
      '/dns//hostnames',
      '/dns/hostnames/x',
      '/dns-hostnames',
      '/dns/hostnames//',
    ]) {
      assert.equal((await get(path)).status, 404, path);
    }
  });
});
