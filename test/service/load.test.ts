// Many clients that ask for everything at once, and some that listen: what is wrong is counted, not how long it takes.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Crowd } from '../../bench/crowd.js';
import { eventually } from '../support/eventually.js';
import { wholeMachine } from '../support/fixture.js';
import { ask } from '../support/http.js';
import { startServer } from '../support/server.js';
import { descriptorsOf, untilDescriptors } from '../support/sockets.js';
import { replayBin, unpackFixture } from '../support/unpack.js';

const program = fileURLToPath(new URL('../../bench/crowd.js', import.meta.url));

test('a crowd that requests every endpoint gets no errors', async (context) => {
  const folder = unpackFixture(wholeMachine('raspap-pi4'));
  const server = await startServer({ args: ['--path.rootfs', folder], env: { PATH: `${replayBin(folder)}:${process.env.PATH}` } });
  context.after(() => server.stop());
  await eventually(async () => assert.equal((await ask(server.url, '/readyz')).status, 200));
  const descriptors = descriptorsOf(server);
  const child = spawn(process.execPath, [program, server.url, '200', '50', '4'], {
    env: { KEY: server.key },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  context.after(() => child.kill('SIGKILL'));
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
  });
  const [status] = await once(child, 'close');
  assert.equal(status, 0);
  const { requests, errors, minEvents } = JSON.parse(output) as Crowd;
  assert.deepEqual(errors, {});
  assert.ok(requests > 200, `${requests} requests`);
  assert.ok(minEvents > 7, `${minEvents} events`);
  await untilDescriptors(server, descriptors);
  await eventually(async () => {
    const { status, headers } = await ask(server.url, '/system', { headers: { access_token: server.key } });
    assert.deepEqual([status, headers['sample-state']], [200, 'fresh']);
    assert.equal((await ask(server.url, '/readyz')).status, 200);
  });
  assert.doesNotMatch(server.output(), /ERROR|WARNING|\bat .*\.js:\d+/);
});
