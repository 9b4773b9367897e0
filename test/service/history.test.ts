import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { eventually } from '../support/eventually.js';
import { ask } from '../support/http.js';
import { createAccessPoint, type Root } from '../support/root.js';
import { startServer, type TestServer } from '../support/server.js';

describe('history as it is served', () => {
  let root: Root;
  let server: TestServer;

  before(async () => {
    root = createAccessPoint();
    server = await startServer({ args: ['--path.rootfs', root.folder], env: { PATH: root.path } });
  });

  after(async () => {
    await server?.stop();
    root?.remove();
  });

  const get = (path: string, headers: Record<string, string> = {}) =>
    ask(server.url, path, { headers: { access_token: server.key, ...headers } });

  test('/history has the series of the machine', () =>
    eventually(async () => {
      const rows = (await get('/history?step=60')).json<Record<string, unknown>[]>();
      const last = rows.at(-1) ?? {};
      assert.equal(last.temperature_celsius, 48.31);
      assert.equal(last['clients:wlan0'], 1);
      assert.equal(typeof last.memory_used_ratio, 'number');
    }));

  test('/history selects a series and a time range, as CSV', async () => {
    const since = Math.floor(Date.now() / 1000) - 10;
    const answer = await get(`/history?series=temperature_celsius&since=${since}&until=${since + 5}&step=1`, { Accept: 'text/csv' });
    assert.match(String(answer.headers['content-type']), /^text\/csv/);
    const lines = answer.text.trim().split('\r\n');
    assert.deepEqual([lines[0], lines.length], ['time,temperature_celsius', 7]);
    const iso = new Date(since * 1000).toISOString();
    assert.equal((await get(`/history?since=${iso}&until=${iso}&step=1`)).json<unknown[]>().length, 1);
  });

  for (const [query, expected] of [
    ['step=0', /^step: /],
    ['step=1.5', /^step: /],
    ['step=', /^step: /],
    ['since=yesterday', /^since: .*expected a time/],
    ['since=2026-13-45T00:00:00Z', /^since: /],
    ['until=2020-01-01T00:00:00Z&since=2021-01-01T00:00:00Z', /^since: is after until/],
    ['series=nope', /^series: no "nope": expected /],
    ['series=__proto__', /^series: no "__proto__"/],
    ['step=1&since=0', /rows: expected at most 11000/],
    ['since=1&since=2', /^since: given 2 times/],
  ] as const) {
    test(`an invalid query gets 400: ${query}`, async () => {
      const answer = await get(`/history?${query}`);
      assert.equal(answer.status, 400, answer.text);
      assert.match(String(answer.json().detail), expected);
    });
  }
});
