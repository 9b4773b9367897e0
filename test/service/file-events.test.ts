// Files that somebody changes are served at once: the built service on a root of its own, whose schedule is far slower than the tests.
import assert from 'node:assert/strict';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { followFiles } from '../../src/engine/file-events.js';
import { SourceError } from '../../src/errors.js';
import { createMachine, type Machine } from '../../src/machine/machine.js';
import { apsnap } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { ask } from '../support/http.js';
import { asNobody } from '../support/nobody.js';
import { createAccessPoint, type Root } from '../support/root.js';
import { startServer, type TestServer } from '../support/server.js';

const DOMAINS = '/etc/raspap/adblock/domains.txt';
/** The schedule is every 30 s, so what is there so soon was seen by the watch; how soon it should be, and what a busy machine may add. */
const AT_ONCE_MS = 1_000 + 3_000;

/** How many watches of inotify(7) a process has. */
function watchesOf(pid: number | undefined): number {
  const ours = readdirSync(`/proc/${pid}/fd`).filter((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`) === 'anon_inode:inotify';
    } catch {
      return false;
    }
  });
  return ours.length;
}

describe('served at once', () => {
  let root: Root;
  let server: TestServer;
  let name = 0;

  before(async () => {
    root = createAccessPoint();
    // No folder on the way to the list is there.
    server = await startServer({ args: ['--path.rootfs', root.folder], env: { PATH: root.path } });
    await eventually(async () => assert.equal((await get('/dns/domains')).json().amount, 0));
  });

  after(async () => {
    assert.equal(await server.stop(), 0);
    root.remove();
    assert.doesNotMatch(server.output(), /ERROR|WARNING/);
  });

  const get = (path: string, method = 'GET') => ask(server.url, path, { method, headers: { access_token: server.key } });
  const generation = async () => (await get('/snapshot?documents=dns/domains')).json<{ generation: number }>().generation;

  /** Does something that makes a list of one new name, and asserts that it is served at once. */
  async function serves(change: (content: string) => void): Promise<void> {
    const wanted = `name-${++name}.example`;
    change(`local=/${wanted}/\n`);
    await eventually(async () => assert.deepEqual((await get('/dns/domains')).json().domains, [wanted]), AT_ONCE_MS);
  }

  const inPlace = (content: string) => writeFileSync(root.locate(DOMAINS), content);

  test('served/folders that were not there, one after the other', async () => {
    mkdirSync(root.locate('/etc'), { recursive: true });
    mkdirSync(root.locate('/etc/raspap'));
    await sleep(50);
    mkdirSync(root.locate('/etc/raspap/adblock'));
    await sleep(300);
    await serves(inPlace);
  });

  test('served/changed in place', async () => {
    for (let n = 0; n < 3; n++) await serves(inPlace);
  });

  test('served/replaced by rename', async () => {
    for (let n = 0; n < 3; n++) await serves((content) => root.write(DOMAINS, content));
  });

  test('served/removed, and there again', async () => {
    rmSync(root.locate(DOMAINS));
    await eventually(async () => assert.equal((await get('/dns/domains')).json().amount, 0), AT_ONCE_MS);
    await serves(inPlace);
  });

  test('served/folder replaced', async () => {
    const folder = dirname(root.locate(DOMAINS));
    for (let n = 0; n < 3; n++) {
      await serves((content) => {
        renameSync(folder, `${folder}.${n}`);
        mkdirSync(folder);
        inPlace(content);
      });
      await serves(inPlace);
    }
  });

  test('served/folder removed and made anew', async () => {
    const folder = dirname(root.locate(DOMAINS));
    // Its number is often that of the one before.
    for (let n = 0; n < 5; n++) {
      await serves((content) => {
        rmSync(folder, { recursive: true });
        mkdirSync(folder);
        inPlace(content);
      });
      await serves(inPlace);
    }
  });

  test('served/its folders removed, and made anew at once', async () => {
    for (let n = 0; n < 3; n++) {
      rmSync(root.locate('/etc/raspap'), { recursive: true });
      await eventually(async () => assert.equal((await get('/dns/domains')).json().amount, 0), AT_ONCE_MS);
      await serves((content) => {
        mkdirSync(dirname(root.locate(DOMAINS)), { recursive: true });
        inPlace(content);
      });
      await serves(inPlace);
    }
  });

  test('served/folder moved in with its files', async () => {
    const folder = dirname(root.locate(DOMAINS));
    await serves((content) => {
      cpSync(folder, `${folder}.new`, { recursive: true });
      writeFileSync(`${folder}.new/domains.txt`, content);
      renameSync(folder, `${folder}.old`);
      renameSync(`${folder}.new`, folder);
    });
    await serves(inPlace);
  });

  test('served/what a link in its place leads to, from folder to folder', async () => {
    const [hop, list] = ['/srv/hop/domains.txt', '/var/lists/1/domains.txt'];
    root.write(list, '');
    await serves((content) => {
      root.write(list, content);
      mkdirSync(dirname(root.locate(hop)), { recursive: true });
      symlinkSync('../../var/lists/1/domains.txt', root.locate(hop));
      rmSync(root.locate(DOMAINS));
      symlinkSync(hop, root.locate(DOMAINS));
    });
    for (let n = 0; n < 2; n++) await serves((content) => writeFileSync(root.locate(list), content));
    for (let n = 0; n < 2; n++) await serves((content) => root.write(list, content));
    // The link between leads to another, as those of certbot and systemd do.
    const other = '/var/lists/2/domains.txt';
    await serves((content) => {
      root.write(other, content);
      symlinkSync('/var/lists/2/domains.txt', `${root.locate(hop)}.new`);
      renameSync(`${root.locate(hop)}.new`, root.locate(hop));
    });
    await serves((content) => root.write(other, content));
    // And once it is a file again, that counts.
    await serves((content) => root.write(DOMAINS, content));
    await serves(inPlace);
  });

  test('served/a thousand changes in a row make few samples', async () => {
    const first = await generation();
    await serves((content) => {
      for (let n = 0; n < 1_000; n++) inPlace(`local=/many-${n}.example/\n`);
      inPlace(content);
    });
    const moved = (await generation()) - first;
    assert.ok(moved < 20, `the generation moved by ${moved}`);
    await serves(inPlace);
  });

  test('served/the service has no more watches than before', () => {
    // One for Node's whole process, however many folders.
    assert.ok(watchesOf(server.process.pid) <= 2);
  });
});

describe('watching', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'apsnap-watch-'));
  chmodSync(scratch, 0o755);
  after(() => rmSync(scratch, { recursive: true, force: true }));
  let folders = 0;

  /** Follows files below a new folder. */
  function follow(patterns: Readonly<Record<string, readonly string[]>>, prepare: (root: string) => void, wrap = (host: Machine) => host) {
    const root = join(scratch, String(++folders));
    mkdirSync(root);
    prepare(root);
    const seen: string[][] = [];
    const troubles: string[] = [];
    const watched = Object.entries(patterns).map(([name, own]) => ({ name, patterns: own }));
    const following = followFiles(
      wrap(createMachine({ rootfs: root, path: '' })),
      watched,
      (names) => seen.push(names.sort()),
      (line) => troubles.push(line),
    );
    return { root, seen, troubles, write: (path: string) => writeFileSync(join(root, path), ''), stop: following.stop };
  }

  test('watching/patterns', async () => {
    const patterns = { all: ['/etc/a/*'], some: ['/etc/a/x-*.conf'], one: ['/etc/a/x-1.conf', '/etc/b/file'], never: ['/etc/a/x-*-.conf'] };
    const { seen, write, stop } = follow(patterns, (root) => {
      mkdirSync(join(root, 'etc/a'), { recursive: true });
      mkdirSync(join(root, 'etc/b'));
    });
    const expect = async (wanted: readonly string[]) => {
      await eventually(() => assert.deepEqual([...new Set(seen.flat())].sort(), wanted), 3_000);
      seen.length = 0;
      await sleep(150);
      assert.deepEqual(seen, []);
    };
    await sleep(50);
    write('etc/a/x-1.conf');
    await expect(['all', 'one', 'some']);
    write('etc/a/x-.conf');
    await expect(['all', 'some']);
    write('etc/a/x.conf');
    await expect(['all']);
    write('etc/b/file');
    await expect(['one']);
    stop();
    write('etc/b/file');
    await sleep(300);
    assert.deepEqual(seen, []);
  });

  test('watching/changes that go on are told of now and then', async () => {
    const { seen, write, stop } = follow({ list: ['/list'] }, () => {});
    await sleep(50);
    for (let n = 0; n < 50; n++) {
      write('list');
      await sleep(20);
    }
    await sleep(200);
    assert.ok(seen.length >= 2 && seen.length <= 8, `${seen.length} times`);
    stop();
  });

  test('watching/nothing left to be watched', () => {
    const exhausted = (host: Machine): Machine => ({
      ...host,
      watch(folder) {
        throw new SourceError('unreadable', `${folder}: cannot be watched: ENOSPC`);
      },
    });
    const { troubles, stop } = follow({ one: ['/etc/a/*'], two: ['/etc/a/file'], three: ['/etc/b/*'] }, () => {}, exhausted);
    stop();
    assert.deepEqual(troubles, ['/: cannot be watched: ENOSPC: changes show with the schedule only']);
  });

  test('watching/folders that may not be read', () => {
    // Only root's, as /etc/wireguard is.
    const prepare = (root: string) => {
      for (const folder of ['etc/secret', 'etc/hidden']) mkdirSync(join(root, folder), { recursive: true, mode: 0 });
      chmodSync(join(root, 'etc'), 0o755);
    };
    const { troubles, root, stop } = follow(
      { one: ['/etc/secret/*', '/etc/hidden/x'], two: ['/etc/secret/file', '/etc/secret/below/file'] },
      prepare,
      (host) => ({
        ...host,
        exists: (path) => asNobody(() => host.exists(path)),
        watch: (...given) => asNobody(() => host.watch(...given)),
      }),
    );
    stop();
    assert.deepEqual(troubles, [
      `${root}/etc/secret: permission denied: changes there show with the schedule only`,
      `${root}/etc/hidden: permission denied: changes there show with the schedule only`,
    ]);
  });

  test('watching/link in place of the folder', async () => {
    const { seen, root, write, stop } = follow({ one: ['/etc/list/*'] }, (folder) => {
      mkdirSync(join(folder, 'etc'), { recursive: true });
      mkdirSync(join(folder, 'srv/lists'), { recursive: true });
    });
    await sleep(50);
    symlinkSync('/srv/lists', join(root, 'etc/list'));
    await eventually(() => assert.ok(seen.length > 0), 3_000);
    seen.length = 0;
    write('srv/lists/one');
    await eventually(() => assert.ok(seen.length > 0), 3_000);
    stop();
  });
});

describe('programs that end', () => {
  for (const command of ['snapshot', 'doctor']) {
    test(`ends/${command}`, async () => {
      const root = createAccessPoint();
      root.write(DOMAINS, 'local=/ads.example/\n');
      const startedMs = performance.now();
      const { status, stdout } = await apsnap([command, '--path.rootfs', root.folder, '--dotenv', join(root.folder, '.env')], {
        env: { PATH: root.path },
      });
      root.remove();
      assert.equal(status, 0, stdout);
      assert.match(stdout, /domains/);
      assert.ok(performance.now() - startedMs < 10_000);
    });
  }
});
