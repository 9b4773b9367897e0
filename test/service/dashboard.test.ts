// Those parts of the dashboard that need no browser; test/system/dashboard.test.ts has the others.
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import Koa from 'koa';
import { dashboard } from '../../src/http/routes/dashboard.js';
import { searchClients, sortClients } from '../../web/client-order.js';
import { createEventParser, type StreamEvent } from '../../web/event-stream.js';
import { ago, bitsPerSecond, bytes, celsius, decibelMilliwatts, duration, percent } from '../../web/format.js';
import { exampleClient, someClients } from '../support/example-machine.js';
import { ask } from '../support/http.js';

describe('event stream', () => {
  const text =
    ': hello\n\nevent: system\nid: 7\ndata: {"a":1}\n\ndata:x\r\ndata: y\r\n\r\nid: 8\n\nevent: ap\ndata\n\nevent: lost\ndata: unfinished';
  const expected: StreamEvent[] = [
    { name: 'system', id: '7', data: '{"a":1}' },
    { name: 'message', id: '7', data: 'x\ny' },
    { name: 'ap', id: '8', data: '' },
  ];

  test('is the same however it is cut into pieces', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 30 })), (lengths) => {
        const events: StreamEvent[] = [];
        const parse = createEventParser((event) => events.push(event));
        let at = 0;
        for (const length of lengths) {
          parse(text.slice(at, at + length));
          at += length;
        }
        parse(text.slice(at));
        assert.deepEqual(events, expected);
      }),
    );
  });

  test('a line of 4 MB in small pieces takes no time to speak of', () => {
    const events: StreamEvent[] = [];
    const parse = createEventParser((event) => events.push(event));
    const piece = 'x'.repeat(1_024);
    parse('data: ');
    for (let index = 0; index < 4_096; index++) parse(piece);
    parse('\n\n');
    assert.equal(events[0]?.data.length, 4 * 1_024 * 1_024);
  });
});

test('numbers for people', () => {
  const cases: [actual: string, expected: string][] = [
    [bytes(null), '–'],
    [bytes(0), '0 B'],
    [bytes(999), '999 B'],
    [bytes(999_600), '1 MB'],
    [bytes(3_977_961_472), '3.98 GB'],
    [bitsPerSecond(0.2), '0'],
    [bitsPerSecond(12_440_000), '12.4 Mbit/s'],
    [bitsPerSecond(118_000), '118 kbit/s'],
    [percent(0), '0 %'],
    [percent(0.0342), '3.4 %'],
    [percent(0.3842), '38 %'],
    [percent(1), '100 %'],
    [celsius(52.58), '52.6 °C'],
    [decibelMilliwatts(-48), '−48 dBm'],
    [duration(0), '0 s'],
    [duration(59.9), '59 s'],
    [duration(61), '1 min'],
    [duration(3_600), '1 h'],
    [duration(11_652), '3 h 14 min'],
    [duration(86_400 * 3 + 59), '3 d'],
    [ago(1), 'just now'],
    [ago(95), '1 min ago'],
  ];
  for (const [actual, expected] of cases) assert.equal(actual, expected);
});

test('order of clients: natural, unknown last, and the same whatever it was before', () => {
  const names = ['phone-10', 'Phone-2', null, 'phone-1'];
  const rows = names.map((hostname, index) => exampleClient({ hostname, mac_address: `02:00:00:00:00:0${index}` }));
  const sorted = sortClients(rows, { column: 'name', descending: false }).map(({ hostname }) => hostname);
  assert.deepEqual(sorted, ['phone-1', 'Phone-2', 'phone-10', null]);
  assert.equal(sortClients(rows, { column: 'name', descending: true }).at(-1)?.hostname, null);
  const addresses = ['10.0.0.10', 'fe80::1', '10.0.0.9'].map((ip_address) =>
    exampleClient({ mac_address: '02:00:00:00:00:00', ip_address }),
  );
  const byAddress = sortClients(addresses, { column: 'address', descending: false }).map(({ ip_address }) => ip_address);
  assert.deepEqual(byAddress, ['10.0.0.9', '10.0.0.10', 'fe80::1']);
  const once = sortClients(someClients, { column: 'down', descending: true });
  assert.deepEqual(sortClients([...once].reverse(), { column: 'down', descending: true }), once);
  assert.deepEqual(
    searchClients(someClients, '  WLAN1 bob ').map(({ hostname }) => hostname),
    ['bobs-laptop'],
  );
});

describe('page and assets', () => {
  let server: Server;
  let url: string;

  before(async () => {
    const app = new Koa();
    app.use(dashboard());
    server = createServer(app.callback());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => server.close());

  test('the page has a policy, no address of elsewhere, and is asked for again', async () => {
    const page = await ask(url, '/');
    assert.equal(page.headers['content-type'], 'text/html; charset=utf-8');
    assert.equal(page.headers['cache-control'], 'no-cache');
    assert.match(
      String(page.headers['content-security-policy']),
      /^default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'/,
    );
    assert.doesNotMatch(page.text, /(?:href|src)="(?:https?:|\/)/);
    assert.equal((await ask(url, '/', { headers: { 'If-None-Match': page.headers.etag } })).status, 304);
    assert.equal((await ask(url, '/', { method: 'HEAD' })).body.length, 0);
  });

  test('assets have their bytes in their address, and nothing else is there', async () => {
    const [, folder] = /"(assets\/[\w-]+\/)main\.js"/.exec((await ask(url, '/')).text) ?? [];
    assert.ok(folder);
    for (const name of ['main.js', 'style.css', 'uplot.css', 'uplot.min.js', 'icon.svg']) {
      const { status, headers } = await ask(url, `/${folder}${name}`);
      assert.equal(status, 200, name);
      assert.match(String(headers['cache-control']), /immutable/);
      assert.equal(headers['x-content-type-options'], 'nosniff');
    }
    for (const path of [
      '/assets/',
      `/${folder}`,
      `/${folder}index.html`,
      `/${folder}../../package.json`,
      `/${folder}%2e%2e/main.js`,
      '/assets/old/main.js',
    ]) {
      assert.equal((await ask(url, path)).status, 404, path);
    }
  });
});
