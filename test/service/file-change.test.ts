// A change of a configuration file is served within 1.5 s. What counts as a change is tested in test/unit/engine/change-detection.test.ts.
import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { eventually } from '../support/eventually.js';
import { ask } from '../support/http.js';
import { createAccessPoint, type Root } from '../support/root.js';
import { startServer, type TestServer } from '../support/server.js';

const DOMAINS = '/etc/raspap/adblock/domains.txt';
/** 1.5 s, and what a busy machine may add. */
const SERVED_WITHIN_MS = 1_500 + 2_500;

describe('a change of configuration is served within 1.5 s', () => {
  let root: Root;
  let server: TestServer;
  let changes = 0;

  before(async () => {
    root = createAccessPoint();
    server = await startServer({ args: ['--path.rootfs', root.folder], env: { PATH: root.path } });
    await eventually(async () => assert.equal((await get('/dns/domains')).json().amount, 0));
  });

  after(async () => {
    assert.equal(await server.stop(), 0);
    root.remove();
    assert.doesNotMatch(server.output(), /ERROR|WARNING/);
  });

  const get = (path: string) => ask(server.url, path, { headers: { access_token: server.key } });

  /** Makes a change that leaves a list of one new name, and asserts that it is served. */
  async function serves(change: (content: string) => void): Promise<void> {
    const name = `name-${++changes}.example`;
    change(`local=/${name}/\n`);
    await eventually(async () => assert.deepEqual((await get('/dns/domains')).json().domains, [name]), SERVED_WITHIN_MS);
  }

  const inPlace = (content: string) => writeFileSync(root.locate(DOMAINS), content);

  test('a file that appears with its folders', async () => {
    await serves((content) => root.write(DOMAINS, content));
  });

  test('a file that is changed in place, replaced by rename, or moved away with its folder', async () => {
    await serves(inPlace);
    await serves((content) => root.write(DOMAINS, content));
    const folder = dirname(root.locate(DOMAINS));
    await serves((content) => {
      renameSync(folder, `${folder}.old`);
      mkdirSync(folder);
      inPlace(content);
    });
  });

  test('a file that is removed', async () => {
    rmSync(root.locate(DOMAINS));
    await eventually(async () => assert.equal((await get('/dns/domains')).json().amount, 0), SERVED_WITHIN_MS);
  });

  test('the target of a link, and the link between', async () => {
    const hop = '/srv/hop/domains.txt';
    await serves((content) => {
      root.write('/var/lists/1/domains.txt', content);
      mkdirSync(dirname(root.locate(hop)), { recursive: true });
      symlinkSync('../../var/lists/1/domains.txt', root.locate(hop));
      rmSync(root.locate(DOMAINS), { force: true });
      symlinkSync(hop, root.locate(DOMAINS));
    });
    await serves((content) => writeFileSync(root.locate('/var/lists/1/domains.txt'), content));
    // certbot and systemd replace links, too.
    await serves((content) => {
      root.write('/var/lists/2/domains.txt', content);
      symlinkSync('/var/lists/2/domains.txt', `${root.locate(hop)}.new`);
      renameSync(`${root.locate(hop)}.new`, root.locate(hop));
    });
  });

  test('a file that another file names', async () => {
    const upstream = async () => JSON.stringify((await get('/dns/upstream')).json());
    root.write('/etc/dnsmasq.conf', 'resolv-file=/opt/servers.conf\n');
    root.write('/opt/servers.conf', 'nameserver 192.0.2.1\n');
    await eventually(async () => assert.match(await upstream(), /192\.0\.2\.1/), SERVED_WITHIN_MS);
    root.write('/opt/servers.conf', 'nameserver 192.0.2.2\n');
    await eventually(async () => assert.match(await upstream(), /192\.0\.2\.2/), SERVED_WITHIN_MS);
  });

  test('a thousand changes in a row make few samples', async () => {
    const generation = async () => (await get('/snapshot?documents=dns/domains')).json<{ generation: number }>().generation;
    await serves((content) => root.write(DOMAINS, content));
    const first = await generation();
    await serves((content) => {
      for (let n = 0; n < 1_000; n++) inPlace(`local=/many-${n}.example/\n`);
      inPlace(content);
    });
    const moved = (await generation()) - first;
    assert.ok(moved < 30, `the generation moved by ${moved}`);
  });
});
