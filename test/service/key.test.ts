// The key of a running service: how it is sent, rejected and replaced.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readEnvFile, writeKey } from '../../src/access/env-file.js';
import { apsnap } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { ask } from '../support/http.js';
import { startServer, type TestServer } from '../support/server.js';

const basic = (key: string) => `Basic ${Buffer.from(`user:${key}`).toString('base64')}`;

let server: TestServer;
/** The valid key. */
let key: string;
before(async () => {
  server = await startServer({ args: ['--access-log', 'all', '--threads', '1'] });
  key = server.key;
  await eventually(async () => assert.equal((await ask(server.url, '/readyz')).status, 200));
});
after(() => server?.stop());

const statusWith = async (sent: string) => (await ask(server.url, '/collectors', { headers: { access_token: sent } })).status;

test('a key is generated, readable for its owner only', () => {
  assert.equal(statSync(server.dotenv).mode & 0o777, 0o600);
  assert.equal(readFileSync(server.dotenv, 'utf8'), `RASPAP_API_KEY=${key}\n`);
  assert.ok(server.output().includes(`INFO: generated a key into ${server.dotenv}\n`));
});

test('a client may send the key in four ways', async () => {
  const ways = [{ access_token: key }, { 'X-API-Key': key }, { authorization: `Bearer ${key}` }, { authorization: basic(key) }];
  for (const headers of ways) {
    for (const path of ['/system', '/system/', '/snapshot']) assert.equal((await ask(server.url, path, { headers })).status, 200, path);
  }
  assert.equal((await ask(server.url, '/snapshot/refresh', { method: 'POST', headers: { access_token: key } })).status, 200);
});

test('a wrong key gets the same response for every path', async () => {
  const sent: Record<string, string | string[]>[] = [
    {},
    { access_token: 'wrong' },
    { access_token: [key, key] },
    { authorization: basic('') },
  ];
  for (const headers of sent) {
    for (const path of ['/system', '/system/', '/snapshot', '/clients/nope', '/nope']) {
      const answer = await ask(server.url, path, { headers });
      assert.equal(answer.status, 403, path);
      assert.equal(answer.headers['content-type'], 'application/problem+json');
      assert.equal(answer.json().detail, '403: Unauthorized');
    }
  }
  assert.match(server.output(), /^INFO: 127\.0\.0\.1:[1-9]\d+ - "GET \/nope HTTP\/1\.1" 403 Forbidden$/m);
});

test('a key in the query string is ignored and not logged', async () => {
  for (const path of [`/system?access_token=${key}`, `/snapshot?access_token=${key}`, `/system?RASPAP_API_KEY=${key}`])
    assert.equal((await ask(server.url, path)).status, 403);
  assert.ok(!server.output().includes(key));
});

test('a rotated key works within a second, and ends the event streams of the old one', async () => {
  let isOpen = true;
  const asking = request(`${server.url}/events`, { headers: { access_token: key } }, (response) => {
    response.resume().on('close', () => {
      isOpen = false;
    });
  });
  await new Promise((resolve, reject) => asking.on('response', resolve).on('error', reject).end());
  const tookMs: number[] = [];
  // A busy machine may be too slow once, but not three times.
  while (tookMs.length < 3 && !tookMs.some((ms) => ms < 1_000)) {
    const old = key;
    const { status, stdout, stderr } = await apsnap(['key', 'rotate', '--dotenv', server.dotenv]);
    const startedMs = performance.now();
    assert.equal(status, 0, stderr);
    key = stdout.trim();
    assert.ok(!stderr.includes(key), 'the key is printed once');
    await eventually(async () => assert.equal(await statusWith(key), 200));
    tookMs.push(performance.now() - startedMs);
    assert.equal(await statusWith(old), 403);
  }
  assert.ok(
    tookMs.some((ms) => ms < 1_000),
    `took ${tookMs.map(Math.round).join(', ')} ms`,
  );
  await eventually(() => assert.equal(isOpen, false));
  assert.ok(server.output().includes(`INFO: ${server.dotenv}: the new key works from now on\n`));
});

test('a copied key works in a service that reads the copy', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'apsnap-key-'));
  try {
    const source = join(folder, 'source.env');
    assert.equal((await apsnap(['key', 'copy', server.dotenv, '--dotenv', source])).status, 0);
    key = readEnvFile(source)?.RASPAP_API_KEY ?? '';
    await eventually(async () => assert.equal(await statusWith(key), 200));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('no key is ever in the output', () => assert.doesNotMatch(server.output(), /\b[0-9a-z]{32}\b/));

test('an env file that is a FIFO is rejected without waiting for its writer', () => {
  const folder = mkdtempSync(join(tmpdir(), 'apsnap-key-'));
  try {
    const fifo = join(folder, 'fifo');
    execFileSync('mkfifo', [fifo]);
    assert.throws(() => readEnvFile(fifo), /: cannot be read: not a regular file; /);
    assert.throws(() => writeKey(fifo, 'new'), /fifo: the key cannot be written: not a regular file; /);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
