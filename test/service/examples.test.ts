// The example for Node, run against a real service. test/system/examples.test.ts has those that need other programs.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createAccessPoint, LEASES, type Root } from '../support/root.js';
import { startServer, type TestServer } from '../support/server.js';

const EXAMPLE = fileURLToPath(new URL('../../../examples/watch-clients.mjs', import.meta.url));

let root: Root;
let server: TestServer;

before(async () => {
  root = createAccessPoint();
  server = await startServer({ args: ['--path.rootfs', root.folder, '--threads', '1'], env: { PATH: root.path } });
});
after(async () => {
  await server?.stop();
  root?.remove();
});

function startExample(key: string) {
  const env = { APSNAP_URL: server.url, APSNAP_KEY: key };
  return spawn(process.execPath, [EXAMPLE], { env, stdio: ['ignore', 'pipe', 'pipe'], timeout: 20_000 });
}

test('watch-clients.mjs prints the clients, and prints them again when their names change', async () => {
  const child = startExample(server.key);
  try {
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    assert.match((await lines.next()).value ?? '', /living-room-tv/);
    root.write('/var/lib/misc/dnsmasq.leases', LEASES.replace('living-room-tv', 'kitchen-tv'));
    assert.match((await lines.next()).value ?? '', /kitchen-tv/);
  } finally {
    child.kill();
  }
});

test('watch-clients.mjs reports a wrong key', async () => {
  const child = startExample('wrong-key-of-16-characters');
  let output = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
  });
  const [status] = await once(child, 'close');
  assert.equal(status, 1);
  assert.match(output, /^403: /);
});
