/** How files are read and programs started, whatever a machine, or a user who can write to it, puts in the way. */
import assert from 'node:assert/strict';
import processes, { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  accessSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statfsSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { SourceError } from '../../src/errors.js';
import type { Following } from '../../src/machine/follow-program.js';
import { createMachine, type Machine } from '../../src/machine/machine.js';
import { eventually } from '../support/eventually.js';
import { fixture, fixtureText } from '../support/fixture.js';
import { asNobody } from '../support/nobody.js';
import { replayBin, unpackFixture } from '../support/unpack.js';

const scratch = mkdtempSync(join(tmpdir(), 'apsnap-host-'));
chmodSync(scratch, 0o755);
after(() => rmSync(scratch, { recursive: true, force: true }));
let folders = 0;

/** A new folder with these files; a text that starts with `->` is a link. */
function folderOf(files: Readonly<Record<string, string>>): string {
  const folder = join(scratch, String(++folders));
  mkdirSync(folder);
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    if (text.startsWith('->')) symlinkSync(text.slice(2), path);
    else writeFileSync(path, text);
  }
  return folder;
}

const rootedAt = (rootfs: string): Machine => createMachine({ rootfs, path: '' });
const real = rootedAt('/');

/** Asserts that a program gives no output but a SourceError of this code and message. */
async function refusesToRun(running: Promise<string>, code: string, message: string): Promise<void> {
  const result = await running.catch((error: unknown) => error);
  refuses(
    () => {
      throw result;
    },
    code,
    message,
  );
}

/** Asserts that it throws a SourceError of this code and message. */
function refuses(act: () => unknown, code: string, message: string | RegExp): void {
  assert.throws(act, (error) => {
    assert.ok(error instanceof SourceError, String(error));
    assert.equal(error.code, code);
    if (typeof message === 'string') assert.equal(error.message, message);
    else assert.match(error.message, message);
    return true;
  });
}

describe('files below the root', () => {
  writeFileSync(join(scratch, 'outside'), 'outside');

  const reached: Record<string, { files: Record<string, string>; path: string }> = {
    'a file': { files: { 'etc/hostname': 'inside' }, path: '/etc/hostname' },
    'a relative link': { files: { 'etc/real': 'inside', 'etc/hostname': '->real' }, path: '/etc/hostname' },
    'an absolute link': { files: { 'etc/real': 'inside', 'etc/hostname': '->/etc/real' }, path: '/etc/hostname' },
    'an absolute link to a folder on the way': {
      files: { 'sys/firmware/base/model': 'inside', 'proc/device-tree': '->/sys/firmware/base' },
      path: '/proc/device-tree/model',
    },
    'a link through a link': { files: { 'a/f': 'inside', b: '->/a', c: '->b/../b' }, path: '/c/f' },
    'a link that climbs above the root': { files: { outside: 'inside', 'etc/hostname': '->../../../../outside' }, path: '/etc/hostname' },
    'a path that climbs above the root': { files: { outside: 'inside' }, path: '/../../outside' },
    'dots and doubled slashes': { files: { 'etc/hostname': 'inside' }, path: '//etc/./x/..//hostname' },
    'a link to the root': { files: { outside: 'inside', top: '->/' }, path: '/top/outside' },
    'forty links': {
      files: { f0: 'inside', ...Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`f${index + 1}`, `->f${index}`])) },
      path: '/f40',
    },
  };
  for (const [title, { files, path }] of Object.entries(reached)) {
    test(title, () => {
      const folder = folderOf(files);
      assert.equal(rootedAt(folder).readText(path), 'inside');
      assert.equal(rootedAt(`${folder}/`).readText(path), 'inside');
      assert.equal(rootedAt(folder).exists(path), true);
    });
  }

  test('a link to what is outside finds nothing', () => {
    const folder = folderOf({ absolute: `->${scratch}/outside`, climbing: '->../outside' });
    for (const path of ['/absolute', '/climbing', '/../outside', `${scratch}/outside`]) {
      refuses(() => rootedAt(folder).readText(path), 'not-found', `${folder}${path}: does not exist`);
      assert.equal(rootedAt(folder).exists(path), false);
    }
  });

  test('links in a circle', () => {
    const folder = folderOf({ a: '->b', b: '->a', self: '->self' });
    for (const path of ['/a', '/self', '/a/b/c']) {
      refuses(() => rootedAt(folder).readText(path), 'not-found', `${folder}${path}: too many symbolic links`);
      refuses(() => rootedAt(folder).list(path), 'not-found', `${folder}${path}: too many symbolic links`);
      assert.equal(rootedAt(folder).readTextIfThere(path), undefined);
      assert.equal(rootedAt(folder).exists(path), false);
      // As on the machine itself.
      refuses(() => real.readText(`${folder}${path}`), 'not-found', `${folder}${path}: does not exist`);
      assert.equal(real.exists(`${folder}${path}`), false);
    }
  });

  test('a folder through a link', () => {
    const folder = folderOf({ 'sys/devices/net/eth0/ifindex': '2\n', 'sys/class/net': '->/sys/devices/net' });
    assert.deepEqual(rootedAt(folder).list('/sys/class/net'), ['eth0']);
    assert.equal(rootedAt(folder).fileSystem('/sys/class/net').blocks, statfsSync(scratch).blocks);
  });

  test('whatever the links are, nothing outside is read', () => {
    const name = fc.constantFrom('a', 'b', 'c', 'outside');
    const part = fc.oneof(name, fc.constantFrom('..', '.', '', scratch.slice(1)));
    const path = fc.array(part, { minLength: 1, maxLength: 8 }).map((parts) => parts.join('/'));
    const target = fc.tuple(fc.constantFrom('', '/', '../', '../../'), path).map(([start, rest]) => start + rest);
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd/a', 'd/b'), target, { noNullPrototype: true }), path, (links, asked) => {
        const folder = folderOf(Object.fromEntries(Object.entries(links).map(([link, to]) => [link, `->${to || '.'}`])));
        const host = rootedAt(folder);
        try {
          assert.notEqual(host.readTextIfThere(`/${asked}`), 'outside');
        } catch (error) {
          if (!(error instanceof SourceError)) throw error;
        }
        host.exists(`/${asked}`);
      }),
      { numRuns: 300 },
    );
  });
});

describe('paths that cannot be read as a file', () => {
  const folder = folderOf({ file: 'text', 'folder/file': 'text', secret: 'secret', 'closed/file': 'text', dangling: '->nowhere' });
  const host = rootedAt(folder);
  chmodSync(join(folder, 'secret'), 0);
  chmodSync(join(folder, 'closed'), 0);
  after(() => chmodSync(join(folder, 'closed'), 0o700));

  const nothing = ['/nosuch', '/nosuch/file', '/file/file', '/dangling'];
  for (const path of nothing) {
    test(`${path} does not exist`, () => {
      refuses(() => host.readText(path), 'not-found', `${folder}${path}: does not exist`);
      refuses(() => host.fileSystem(path), 'not-found', `${folder}${path}: does not exist`);
      assert.equal(host.readTextIfThere(path), undefined);
      assert.equal(host.exists(path), false);
    });
  }

  test('a folder that does not exist is empty', () => assert.deepEqual(host.list('/nosuch'), []));

  test('a file is no folder', () => refuses(() => host.list('/file'), 'not-found', `${folder}/file: does not exist`));

  test('a folder', () => refuses(() => host.readText('/folder'), 'not-a-file', `${folder}/folder: is not a regular file`));

  test('a FIFO that nobody writes to', () => {
    execFileSync('mkfifo', [join(folder, 'fifo')]);
    refuses(() => host.readText('/fifo'), 'not-a-file', `${folder}/fifo: is not a regular file`);
    refuses(() => host.readTextIfThere('/fifo'), 'not-a-file', `${folder}/fifo: is not a regular file`);
  });

  test('a FIFO with something in it', async () => {
    execFileSync('mkfifo', [join(folder, 'full')]);
    // Opened to read and write, it waits for nobody.
    const writer = spawn('sh', ['-c', 'exec 3<>"$0"; echo text >&3; echo ready; read -r x', join(folder, 'full')], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    await new Promise((resolve) => writer.stdout.once('data', resolve));
    refuses(() => host.readText('/full'), 'not-a-file', `${folder}/full: is not a regular file`);
    writer.stdin.end();
  });

  test('a socket', async () => {
    const server = createServer().listen(join(folder, 'socket'));
    await new Promise((resolve) => server.once('listening', resolve));
    refuses(() => host.readText('/socket'), 'not-a-file', `${folder}/socket: is not a regular file`);
    server.close();
  });

  test('a device', () => refuses(() => real.readText('/dev/zero'), 'not-a-file', '/dev/zero: is not a regular file'));

  test('a file that may not be read', () => {
    asNobody(() => {
      refuses(() => host.readText('/secret'), 'permission', `${folder}/secret: permission denied`);
      refuses(() => host.readTextIfThere('/secret'), 'permission', `${folder}/secret: permission denied`);
    });
  });

  test('a folder that may not be entered', () => {
    asNobody(() => {
      refuses(() => host.list('/closed'), 'permission', `${folder}/closed: permission denied`);
      refuses(() => host.readText('/closed/file'), 'permission', `${folder}/closed/file: permission denied`);
      refuses(() => host.fileSystem('/closed/file'), 'permission', `${folder}/closed/file: permission denied`);
    });
  });

  test('a read that the kernel answers with an error', () => {
    refuses(() => real.readText('/proc/self/mem'), 'unreadable', '/proc/self/mem: cannot be read: EIO');
  });

  test('a process that has ended', () => {
    const ended = spawnSync('true');
    refuses(() => real.readText(`/proc/${ended.pid}/comm`), 'not-found', `/proc/${ended.pid}/comm: does not exist`);
  });
});

describe('what a file holds', () => {
  for (const size of [0, 1, 4095, 4096, 4097, 65_536, 300_000]) {
    test(`${size} bytes`, () => {
      const bytes = Buffer.alloc(size, 'apsnap\0\xff', 'latin1');
      const folder = folderOf({});
      writeFileSync(join(folder, 'file'), bytes);
      assert.deepEqual(rootedAt(folder).readBytes('/file'), bytes);
    });
  }

  test('no more than the limit', () => {
    const folder = folderOf({ file: 'x'.repeat(100) });
    const host = rootedAt(folder);
    assert.equal(host.readText('/file', 100).length, 100);
    refuses(() => host.readText('/file', 99), 'too-large', `${folder}/file: has more than 99 bytes`);
    refuses(() => host.readTextIfThere('/file', 0), 'too-large', `${folder}/file: has more than 0 bytes`);
  });

  test('a terabyte of nothing', () => {
    const folder = folderOf({ file: '' });
    truncateSync(join(folder, 'file'), 2 ** 40);
    refuses(() => rootedAt(folder).readText('/file'), 'too-large', `${folder}/file: has more than 4194304 bytes`);
  });

  test('a file of /proc, which says that it is empty', () => {
    assert.equal(real.readText('/proc/sys/kernel/ostype'), 'Linux\n');
    assert.match(real.readText('/proc/self/maps'), /^[0-9a-f]+-[0-9a-f]+ .*\n$/s);
  });

  test('bytes that are no text', () => {
    const folder = folderOf({});
    writeFileSync(join(folder, 'file'), Buffer.from([0x61, 0xff, 0x62]));
    assert.equal(rootedAt(folder).readText('/file'), 'a\ufffdb');
  });
});

/** A folder for PATH with these programs: what follows `#!/bin/sh`. */
function binOf(programs: Readonly<Record<string, string>>, mode = 0o755): string {
  const folder = folderOf({});
  for (const [name, script] of Object.entries(programs)) writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`, { mode });
  return folder;
}

const onPath = (...folders: string[]): Machine => createMachine({ rootfs: '/', path: folders.join(':') });

/** Waits until a process has ended, whose number is in a file. */
const untilEnded = (pidFile: string) =>
  eventually(() => assert.equal(existsSync(`/proc/${readFileSync(pidFile, 'utf8').trim()}`), false, 'the process is still running'));

describe('a program', () => {
  test('gives what it prints', async () =>
    assert.equal(await onPath(binOf({ iw: 'echo phy#0; echo é' })).run('iw', ['dev']), 'phy#0\né\n'));

  test('sees its arguments as they are: there is no shell', async () => {
    const bin = binOf({ iw: 'for word; do printf "<%s>" "$word"; done' });
    const args = ['; touch pwned', '$(touch pwned)', '`touch pwned`', '| cat', '', 'a b', '*', '$HOME', '"', "'", 'a\nb', '\\', '-n', '&'];
    const folder = process.cwd();
    assert.equal(await onPath(bin).run('iw', args), args.map((word) => `<${word}>`).join(''));
    assert.equal(existsSync(join(folder, 'pwned')), false);
  });

  test('sees no variable of the service', async () => {
    const bin = folderOf({ env: '->/usr/bin/env' });
    process.env.RASPAP_API_KEY = 'secret';
    try {
      assert.deepEqual((await onPath(bin).run('env', [])).trim().split('\n').sort(), ['LC_ALL=C', `PATH=${bin}`]);
    } finally {
      delete process.env.RASPAP_API_KEY;
    }
  });

  test('has nothing on standard input', async () => assert.equal(await onPath(binOf({ iw: 'exec /bin/cat' })).run('iw', []), ''));

  test('is found in a later folder', async () => {
    const bin = binOf({ iw: 'echo found' });
    assert.equal(await onPath('/nosuch', binOf({ other: '' }), bin).run('iw', []), 'found\n');
  });

  test('that may not be run hides none that may', async () => {
    const [locked, folder, bin] = [binOf({ iw: 'echo locked' }, 0o644), folderOf({ 'iw/file': '' }), binOf({ iw: 'echo found' })];
    assert.equal(await onPath(locked, folder, bin).run('iw', []), 'found\n');
  });

  test('that is not there', async () => {
    await refusesToRun(onPath(binOf({})).run('iw', ['dev']), 'program-missing', 'iw: no such program on PATH');
    await refusesToRun(
      createMachine({ rootfs: '/', path: '' }).run('nosuchprogram', []),
      'program-missing',
      'nosuchprogram: no such program on PATH',
    );
  });

  test('that is removed when it has just been found', async (context) => {
    const bin = binOf({ iw: '' });
    const start = processes.spawn;
    context.after(() => {
      processes.spawn = start;
      syncBuiltinESMExports();
    });
    processes.spawn = ((...args: Parameters<typeof start>) => {
      rmSync(join(bin, 'iw'));
      return start(...args);
    }) as typeof start;
    syncBuiltinESMExports();
    await refusesToRun(onPath(bin).run('iw', ['dev']), 'program-missing', 'iw: no such program on PATH');
  });

  test('that may not be run', async () => {
    const bin = binOf({ iw: '' }, 0o644);
    await refusesToRun(onPath(bin).run('iw', []), 'permission', `${bin}/iw: permission denied`);
  });

  test('that is a folder', async () => {
    const bin = folderOf({ 'iw/file': '' });
    await refusesToRun(onPath(bin).run('iw', []), 'not-a-file', `${bin}/iw: is not a program`);
  });

  test('whose interpreter is not there', async () => {
    const bin = folderOf({ iw: '#!/nosuch\n' });
    chmodSync(join(bin, 'iw'), 0o755);
    await refusesToRun(onPath(bin).run('iw', ['dev']), 'program-failed', 'iw dev: cannot be started: ENOENT');
  });

  test('that fails', async () => {
    const bin = binOf({
      both: 'echo table; echo "command failed: No such device (-19)" >&2; echo more >&2; exit 237',
      stdout: 'echo "Can\'t open device file: /dev/vcio"; echo more; exit 255',
      silent: 'exit 1',
      killed: 'kill -SEGV $$',
    });
    const host = onPath(bin);
    await refusesToRun(
      host.run('both', ['a', 'b']),
      'program-failed',
      'both a b: ended with status 237: "command failed: No such device (-19)"',
    );
    await refusesToRun(host.run('stdout', []), 'program-failed', 'stdout: ended with status 255: "Can\'t open device file: /dev/vcio"');
    await refusesToRun(host.run('silent', []), 'program-failed', 'silent: ended with status 1: ""');
    await refusesToRun(host.run('killed', []), 'program-failed', 'killed: was ended by SIGSEGV: ""');
  });

  test('that never ends is killed', async () => {
    const bin = binOf({ iw: `echo $$ >'${scratch}/never'; exec /bin/sleep 600` });
    await refusesToRun(onPath(bin).run('iw', ['dev']), 'timeout', 'iw dev: did not end within 1200 ms');
    await untilEnded(join(scratch, 'never'));
  });

  test('that ignores SIGTERM and prints meanwhile is killed', async () => {
    const bin = binOf({
      iw: `trap '' TERM INT HUP PIPE; echo $$ >'${scratch}/stubborn'; while :; do echo still here; /bin/sleep 0.1; done`,
    });
    await refusesToRun(onPath(bin).run('iw', []), 'timeout', 'iw: did not end within 1200 ms');
    await untilEnded(join(scratch, 'stubborn'));
  });

  test('that survives a kill is started again only after it has ended', async (context) => {
    const bin = binOf({ iw: `echo $$ >'${scratch}/unkillable'; exec /bin/sleep 600` });
    const start = processes.spawn;
    context.after(() => {
      processes.spawn = start;
      syncBuiltinESMExports();
    });
    let starts = 0;
    // Nothing that a test can start survives SIGKILL, so the signal isn't sent.
    processes.spawn = ((...args: Parameters<typeof start>) => {
      starts++;
      return Object.defineProperty(start(...args), 'pid', { value: undefined });
    }) as typeof start;
    syncBuiltinESMExports();
    const machine = onPath(bin);
    await refusesToRun(machine.run('iw', ['dev']), 'timeout', 'iw dev: did not end within 1200 ms');
    await refusesToRun(machine.run('iw', ['dev']), 'timeout', 'iw dev: did not end within 1200 ms');
    assert.equal(starts, 1);
    process.kill(Number(readFileSync(join(scratch, 'unkillable'), 'utf8')), 'SIGKILL');
    writeFileSync(join(bin, 'iw'), '#!/bin/sh\necho phy#0\n');
    assert.equal(await eventually(() => machine.run('iw', ['dev'])), 'phy#0\n');
  });

  test('that prints 100 MB', async () => {
    const bin = binOf({
      out: `echo $$ >'${scratch}/out'; exec /usr/bin/head -c 100000000 /dev/zero`,
      err: 'exec /usr/bin/head -c 100000000 /dev/zero >&2',
    });
    await refusesToRun(onPath(bin).run('out', []), 'too-large', 'out: printed more than 16777216 bytes');
    await untilEnded(join(scratch, 'out'));
    await refusesToRun(onPath(bin).run('err', []), 'too-large', 'err: printed more than 16777216 bytes');
  });
});

describe('a program that is followed', () => {
  interface Followed {
    readonly lines: string[];
    readonly reasons: SourceError[];
    readonly ended: Promise<void>;
    readonly following: Following;
  }

  function follow(
    host: Machine,
    program: string,
    args: string[] = [],
    onLine: (line: string, followed: Followed) => void = () => {},
  ): Followed {
    const lines: string[] = [];
    const reasons: SourceError[] = [];
    let end = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const following = host.follow(program, args, {
      onLine(line) {
        lines.push(line);
        onLine(line, followed);
      },
      onEnd(reason) {
        reasons.push(reason);
        end();
      },
    });
    const followed = { lines, reasons, ended, following };
    return followed;
  }

  const told = ({ reasons }: Followed) => reasons.map(({ code, message }) => `${code}: ${message}`);

  test('gives each line, whole', async () => {
    const bin = binOf({ iw: 'printf "one\\ntw"; /bin/sleep 0.1; printf "o\\n\\nthree\\nunfinished"' });
    const followed = follow(onPath(bin), 'iw', ['event']);
    await followed.ended;
    assert.deepEqual(followed.lines, ['one', 'two', '', 'three']);
    assert.deepEqual(told(followed), ['program-failed: iw event: ended with status 0']);
  });

  test('gives each line of its standard error, if they are wanted', async () => {
    const bin = binOf({ ip: 'echo out; echo "netlink receive error" >&2; printf "more\\nunfinished" >&2' });
    const errors: string[] = [];
    const lines: string[] = [];
    await new Promise<SourceError>((onEnd) => {
      onPath(bin).follow('ip', [], { onLine: (line) => void lines.push(line), onErrorLine: (line) => void errors.push(line), onEnd });
    });
    assert.deepEqual([lines, errors], [['out'], ['netlink receive error', 'more']]);
  });

  test('is read on demand, and what it printed last when it ends', async () => {
    const [printed, goOn] = [join(scratch, 'printed'), join(scratch, 'go-on')];
    const bin = binOf({
      ip: `echo one; echo two; : >'${printed}'
        until [ -e '${goOn}' ]; do /bin/sleep 0.01; done
        n=0; while [ $n -lt 100 ]; do n=$((n + 1)); echo $n; done`,
    });
    const lines: string[] = [];
    let end = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const { read } = onPath(bin).follow('ip', [], { onLine: (line) => void lines.push(line), onEnd: end, onDemand: true });
    await eventually(() => assert.ok(existsSync(printed)));
    // A timer ends a turn of the event loop. In it, a pipe that is read all the time would be read.
    await sleep(1);
    assert.deepEqual(lines, []);
    read();
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(lines, ['one', 'two']);
    writeFileSync(goOn, '');
    await ended;
    assert.deepEqual(lines, ['one', 'two', ...Array.from({ length: 100 }, (_, index) => `${index + 1}`)]);
  });

  test('that floods is ended', async () => {
    const flooding = follow(onPath(binOf({ iw: 'exec /usr/bin/yes' })), 'iw', ['event']);
    await flooding.ended;
    assert.deepEqual(told(flooding), ['too-large: iw event: printed more than 1048576 characters in a second']);
  });

  test('sees no variable of the service', async () => {
    const bin = folderOf({ env: '->/usr/bin/env' });
    process.env.RASPAP_API_KEY = 'secret';
    try {
      const followed = follow(onPath(bin), 'env');
      await followed.ended;
      assert.deepEqual(followed.lines.sort(), ['LC_ALL=C', `PATH=${bin}`]);
    } finally {
      delete process.env.RASPAP_API_KEY;
    }
  });

  test('says why it ended, once', async () => {
    const failed = follow(onPath(binOf({ iw: 'exit 3' })), 'iw', ['event']);
    await failed.ended;
    assert.deepEqual(told(failed), ['program-failed: iw event: ended with status 3']);
    const killed = follow(onPath(binOf({ iw: 'kill -KILL $$' })), 'iw');
    await killed.ended;
    assert.deepEqual(told(killed), ['program-failed: iw: ended with SIGKILL']);
    const missing = follow(onPath(binOf({})), 'iw');
    assert.deepEqual(told(missing), ['program-missing: iw: no such program on PATH']);
    missing.following.stop();
    const broken = follow(onPath(folderOf({ 'iw/x': '' })), 'iw');
    assert.match(told(broken).join(), /^not-a-file: .*\/iw: is not a program$/);
  });

  test('whose interpreter is not there', async () => {
    const bin = folderOf({ iw: '#!/nosuch\n' });
    chmodSync(join(bin, 'iw'), 0o755);
    const followed = follow(onPath(bin), 'iw', ['event']);
    await followed.ended;
    assert.deepEqual(told(followed), ['program-failed: iw event: cannot be started: ENOENT']);
  });

  test('is killed when it is stopped, and gives no line and no reason any more', async () => {
    const bin = binOf({ iw: `echo $$ >'${scratch}/followed'; trap '' TERM; printf "one\\ntwo\\n"; exec /bin/sleep 600` });
    let stopped = () => {};
    const stopping = new Promise<void>((resolve) => {
      stopped = resolve;
    });
    const followed = follow(onPath(bin), 'iw', [], (_, { following }) => {
      following.stop();
      stopped();
    });
    await stopping;
    await untilEnded(join(scratch, 'followed'));
    assert.deepEqual(followed.lines, ['one']);
    assert.deepEqual(followed.reasons, []);
  });

  test('is not started when no file descriptor is left, and that ends nothing else', () => {
    const url = new URL('../../src/machine/machine.js', import.meta.url).href;
    const script = `
      import { openSync } from 'node:fs';
      import { createMachine } from ${JSON.stringify(url)};
      const host = createMachine({ rootfs: '/', path: '/usr/bin:/bin' });
      await host.run('true', []);
      try { for (;;) openSync('/dev/null'); } catch {}
      host.follow('sleep', ['600'], { onLine() {}, onEnd: ({ code, message }) => console.log(code + ': ' + message) });
      try { await host.run('true', []); } catch ({ code, message }) { console.log(code + ': ' + message); }
    `;
    const limited = spawnSync('sh', ['-c', 'ulimit -n 64 && exec "$0" --input-type=module -e "$1"', process.execPath, script], {
      encoding: 'utf8',
    });
    assert.deepEqual(
      [limited.stderr, limited.status, limited.stdout.trim().split('\n').sort()],
      ['', 0, ['program-failed: sleep 600: cannot be started: EMFILE', 'program-failed: true: cannot be started: EMFILE']],
    );
  });
});

describe('the service’s own user', () => {
  const main = fileURLToPath(new URL('../../src/main.js', import.meta.url));
  const mayRead = () => {
    try {
      asNobody(() => accessSync(main));
      return true;
    } catch {
      return false;
    }
  };

  test('needs no right to know the clients', { skip: !mayRead() && 'the repository is not readable to others' }, () => {
    const n100 = fixture('clients', 'n100');
    const folder = unpackFixture(n100);
    const identity = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
    const child = spawnSync(process.execPath, [main, '--path.rootfs', folder, '--dotenv', '/nonexistent/.env', 'snapshot', 'clients'], {
      env: { PATH: replayBin(folder) },
      cwd: '/',
      encoding: 'utf8',
      ...identity,
    });
    assert.deepEqual([child.stderr, child.status], ['', 0]);
    const { state, error, data } = JSON.parse(child.stdout).documents.clients;
    assert.deepEqual([state, error], ['fresh', null]);
    assert.deepEqual(data, JSON.parse(fixtureText(n100, 'expected.json')).document);
  });
});
