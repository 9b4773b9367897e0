// Wrong keys over real connections: the response while an address is limited, and a flood of addresses.
import assert from 'node:assert/strict';
import { Agent, request } from 'node:http';
import { after, before, test } from 'node:test';
import { type Answer, ask } from '../support/http.js';
import { startServer, type TestServer } from '../support/server.js';

const MAX_WRONG_KEYS = 20;
const FLOOD = 4_500;

let server: TestServer;
before(async () => {
  const args = ['--trust-proxy', '127.0.0.1', '--access-log', 'all', '--threads', '1'];
  server = await startServer({ args, env: { APSNAP_FAILED_KEYS: '' } });
});
after(() => server?.stop());

/** Asks as a client of the proxy. */
const askFrom = (client: string, key: string | undefined, path = '/collectors', method = 'GET') =>
  ask(server.url, path, { method, headers: { 'x-forwarded-for': client, ...(key !== undefined && { access_token: key }) } });

async function guess(client: string): Promise<void> {
  for (let n = 0; n < MAX_WRONG_KEYS; n++) assert.equal((await askFrom(client, `wrong-${n}`)).status, 403);
}

function assertTooMany(answer: Answer): void {
  assert.equal(answer.status, 429);
  assert.equal(answer.headers['content-type'], 'application/problem+json');
  assert.equal(answer.headers['cache-control'], 'no-store');
  const seconds = Number(answer.headers['retry-after']);
  assert.ok(Number.isInteger(seconds) && seconds >= 1 && seconds <= 60, `Retry-After: ${seconds}`);
  const { status, title, detail } = answer.json();
  assert.deepEqual([status, title], [429, 'Too Many Requests']);
  assert.match(String(detail), /^too many wrong keys came from this address; it can try again in \d+ s$/);
}

test('after 20 wrong keys in a minute, every path gets the same 429 for any key', async () => {
  for (let n = 0; n < 2 * MAX_WRONG_KEYS; n++) assert.equal((await askFrom('192.0.2.1', undefined)).status, 403);
  await guess('192.0.2.1');
  const [wrong, right] = [await askFrom('192.0.2.1', 'wrong'), await askFrom('192.0.2.1', server.key)];
  for (const answer of [wrong, right, await askFrom('192.0.2.1', undefined)]) assertTooMany(answer);
  const comparable = ({ headers, text }: Answer) => {
    const { date: _date, 'retry-after': _seconds, 'content-length': _length, ...others } = headers;
    return [others, text.replace(/\d+ s/, '')];
  };
  assert.deepEqual(comparable(right), comparable(wrong));
  for (const path of ['/system', '/snapshot', '/clients/lo', '/metrics', '/nope', '/system/'])
    assertTooMany(await askFrom('192.0.2.1', server.key, path));
  const head = await askFrom('192.0.2.1', 'wrong', '/system', 'HEAD');
  assert.deepEqual([head.status, head.text], [429, '']);
  for (const path of ['/healthz', '/docs', '/']) assert.equal((await askFrom('192.0.2.1', 'wrong', path)).status, 200, path);
  assert.match(server.output(), /^INFO: 192\.0\.2\.1:0 - "GET \/system HTTP\/1\.1" 429 Too Many Requests$/m);
});

test('other clients of the proxy are served meanwhile', async () => {
  await guess('192.0.2.3');
  assertTooMany(await askFrom('192.0.2.3', server.key));
  assert.equal((await askFrom('192.0.2.4', server.key)).status, 200);
});

test('a valid key from this machine is served while wrong ones from it get 429', async () => {
  const askLocally = (key: string) => ask(server.url, '/collectors', { headers: { access_token: key } });
  for (let n = 0; n < MAX_WRONG_KEYS; n++) assert.equal((await askLocally(`wrong-${n}`)).status, 403);
  assertTooMany(await askLocally('wrong'));
  assert.equal((await askLocally(server.key)).status, 200);
});

test('a flood of addresses neither stops the count nor the service', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const one = (n: number) =>
    new Promise<number>((resolve, reject) => {
      const headers = { access_token: 'wrong', 'x-forwarded-for': `10.0.${n >> 8}.${n & 255}` };
      request(`${server.url}/system`, { agent, headers }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode ?? 0));
      })
        .on('error', reject)
        .end();
    });
  const statuses = new Set(await Promise.all(Array.from({ length: FLOOD }, (_none, n) => one(n))));
  agent.destroy();
  assert.deepEqual([...statuses], [403]);
  assert.equal((await askFrom('10.0.0.1', server.key)).status, 200);
  await guess('203.0.113.1');
  assertTooMany(await askFrom('203.0.113.1', server.key));
});
