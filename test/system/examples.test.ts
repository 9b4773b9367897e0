// The examples that need curl, Python or a browser, run against a real service.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launchBrowser, visit } from '../support/browser.js';
import { run } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { createAccessPoint, LEASES, type Root } from '../support/root.js';
import { startServer, type TestServer } from '../support/server.js';

const example = (name: string) => fileURLToPath(new URL(`../../../examples/${name}`, import.meta.url));

let root: Root;
let server: TestServer;
/** Serves the page from another origin. */
let pages: Server;
let origin: string;

before(async () => {
  pages = createServer((_, response) => {
    response.writeHead(200, { 'Content-Type': 'text/html' }).end(readFileSync(example('live.html')));
  }).listen(0, '127.0.0.1');
  await once(pages, 'listening');
  origin = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`;
  root = createAccessPoint();
  const args = ['--path.rootfs', root.folder, '--threads', '1', '--cors-origin', origin];
  server = await startServer({ args, env: { PATH: root.path } });
  // The first samples take a moment after the start.
  await eventually(async () => assert.equal((await fetch(`${server.url}/readyz`)).status, 200));
});
after(async () => {
  await server?.stop();
  pages?.close();
  root?.remove();
});

const environment = (key: string) => ({ APSNAP_URL: server.url, APSNAP_KEY: key });

test('system.sh prints the state of the machine', async () => {
  const { status, stdout, stderr } = await run('sh', [example('system.sh')], { env: environment(server.key) });
  assert.equal(status, 0, stderr);
  assert.equal(JSON.parse(stdout).hostname, root.read('/proc/sys/kernel/hostname').toString().trim());
});

test('system.sh fails for a wrong key', async () => {
  const { status } = await run('sh', [example('system.sh')], { env: environment('wrong-key-of-16-characters') });
  assert.notEqual(status, 0);
});

test('clients.py prints the connected clients', async () => {
  const { status, stdout, stderr } = await run('python3', [example('clients.py')], { env: environment(server.key) });
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^living-room-tv\t10\.3\.141\.166\t-20 dBm$/m);
});

test('clients.py reports a wrong key', async () => {
  const { status, stderr } = await run('python3', [example('clients.py')], { env: environment('wrong-key-of-16-characters') });
  assert.equal(status, 1);
  assert.match(stderr, /^403: /);
});

test('live.html shows the clients and their changes', async () => {
  const browser = await launchBrowser();
  try {
    await visit(browser, { origin, path: '/live.html', otherOrigins: [server.url], allowed: /favicon/ }, async (page) => {
      await page.getByLabel('Access point').fill(server.url);
      await page.getByLabel('API key').fill(server.key);
      await page.getByRole('button', { name: 'Connect' }).click();
      await page.getByText('living-room-tv: -20 dBm').waitFor();
      assert.equal(await page.getByRole('status').textContent(), 'Live');
      root.write('/var/lib/misc/dnsmasq.leases', LEASES.replace('living-room-tv', 'kitchen-tv'));
      await page.getByText('kitchen-tv: -20 dBm').waitFor();
    });
  } finally {
    await browser.close();
  }
});
