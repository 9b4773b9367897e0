// The service set up: units, the key's copy, what systemd is told; install and uninstall; what Node 18 lacks.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { parseEnv } from 'node:util';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { crc32Of, parseEnvOf } from '../../packaging/node18.js';
import { completion, manual } from '../../scripts/manual.js';
import { commandNames } from '../../src/cli/help.js';
import { install, type Place, uninstall } from '../../src/cli/install.js';
import { options } from '../../src/config/read.js';
import { StartError } from '../../src/errors.js';
import { apsnap, main, run } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { ask } from '../support/http.js';
import { startServer } from '../support/server.js';

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'apsnap-install-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** A machine on which systemd runs, and what it was asked to do. */
function machine(name: string, active: readonly string[] = []) {
  const root = join(folder, name);
  mkdirSync(join(root, 'run/systemd/system'), { recursive: true });
  const asked: string[] = [];
  const told: string[] = [];
  const place: Place = {
    root,
    uid: 0,
    node: '/opt/node/bin/node',
    program: '/opt/apsnap/dist/src/main.js',
    systemctl(...args) {
      asked.push(args.join(' '));
      if (args.includes('is-active') && !active.includes(args.at(-1) ?? '')) throw new Error('inactive');
    },
    tell: (line) => void told.push(line),
  };
  const read = (file: string) => readFileSync(join(root, file), 'utf8');
  return { root, place, asked, told, read };
}

const UNIT = 'etc/systemd/system/apsnap.service';
const RASPAP = 'etc/systemd/system/restapi.service';

describe('install', () => {
  test('puts the units with our paths, starts the service, and says so', () => {
    const { place, asked, told, read } = machine('fresh');
    install(place);
    assert.match(read(UNIT), /^ExecStart=@\/opt\/node\/bin\/node \S*uvicorn\S* \/opt\/apsnap\/dist\/src\/main\.js serve /m);
    assert.doesNotMatch(read(UNIT), /\/usr\/(?:bin\/node|share\/apsnap)/);
    assert.match(read('etc/systemd/system/apsnap-key.service'), /^ExecStart=\/opt\/node\/bin\/node \/opt\/apsnap\//m);
    assert.deepEqual(asked, ['daemon-reload', 'enable apsnap.service', 'restart apsnap.service']);
    assert.ok(told.includes(`wrote /${UNIT}`));
  });

  test('once more changes nothing, settings least of all', () => {
    const { place, told, read, root } = machine('twice');
    install(place);
    writeFileSync(join(root, 'etc/default/apsnap'), 'APSNAP_PORT=9000\n');
    told.length = 0;
    install(place);
    assert.equal(read('etc/default/apsnap'), 'APSNAP_PORT=9000\n');
    assert.deepEqual(
      told.filter((line) => line.startsWith('wrote')),
      [],
    );
  });

  test("uninstall takes all away but the key and settings, and gives RaspAP's service back", () => {
    const { place, asked, read, root } = machine('raspap', ['restapi.service']);
    mkdirSync(join(root, 'etc/systemd/system'), { recursive: true });
    writeFileSync(join(root, RASPAP), "RaspAP's");
    install(place);
    assert.ok(asked.includes('stop restapi.service'));
    assert.ok(!existsSync(join(root, RASPAP)), 'out of the way of the alias');
    symlinkSync('apsnap.service', join(root, RASPAP)); // as systemctl enable does
    asked.length = 0;
    install(place);
    assert.ok(!asked.includes('stop restapi.service'), 'that is our own now');
    rmSync(join(root, RASPAP)); // as systemctl disable does
    asked.length = 0;
    uninstall(place);
    assert.equal(read(RASPAP), "RaspAP's");
    assert.deepEqual(asked, ['disable --now apsnap.socket apsnap.service', 'daemon-reload', 'start restapi.service']);
    assert.ok(!existsSync(join(root, UNIT)));
    assert.ok(existsSync(join(root, 'etc/default/apsnap')));
    uninstall(place); // nothing is left to do
  });

  test('refuses where it cannot be, and says why', () => {
    const { place, root } = machine('refuses');
    const refuses = (change: Partial<Place>, why: RegExp) => {
      assert.throws(
        () => install({ ...place, ...change }),
        (error) => error instanceof StartError && why.test(error.message),
      );
      assert.ok(!existsSync(join(root, UNIT)));
    };
    refuses({ uid: 1000 }, /^install: only root may: sudo apsnap install$/);
    refuses({ node: '/home/pi/.nvm/bin/node' }, /\/home\/pi\/\.nvm\/bin\/node: the service may not see that folder/);
    refuses({ root: join(folder, 'no-systemd') }, /systemd does not run here/);
    mkdirSync(join(root, 'var/lib/dpkg/info'), { recursive: true });
    writeFileSync(join(root, 'var/lib/dpkg/info/apsnap.list'), '');
    refuses({}, /the Debian package apsnap takes care of the service/);
  });
});

describe('key', () => {
  test('ensure makes one, once', async () => {
    const dotenv = join(folder, 'ensure.env');
    assert.equal((await apsnap(['key', 'ensure', '--dotenv', dotenv])).stdout, `a new key is in ${dotenv}\n`);
    const first = readFileSync(dotenv, 'utf8');
    assert.equal((await apsnap(['key', 'ensure', '--dotenv', dotenv])).stdout, '');
    assert.equal(readFileSync(dotenv, 'utf8'), first);
  });

  test('copy gives a file that its owner alone may read, and that a running service follows', async () => {
    const dotenv = join(folder, 'source.env');
    const copy = join(folder, 'copy.env');
    assert.equal((await apsnap(['key', 'copy', copy, '--dotenv', dotenv])).status, 0);
    assert.equal(readFileSync(copy, 'utf8'), readFileSync(dotenv, 'utf8'));
    assert.equal(statSync(copy).mode & 0o777, 0o400);
    const server = await startServer({ dotenv: copy });
    try {
      await apsnap(['key', 'generate', '--dotenv', dotenv]);
      await apsnap(['key', 'copy', copy, '--dotenv', dotenv]);
      const { stdout } = await apsnap(['key', 'show', '--dotenv', dotenv]);
      await eventually(async () =>
        assert.notEqual((await ask(server.url, '/clients/lo', { headers: { access_token: stdout.trim() } })).status, 403),
      );
    } finally {
      await server.stop();
    }
  });

  test('copy says where it cannot write', async () => {
    const { status, stderr } = await apsnap(['key', 'copy', join(folder, 'nowhere/env'), '--dotenv', join(folder, 'source.env')]);
    assert.equal(status, 1);
    assert.match(stderr, /nowhere\/env: \S+ cannot be copied there: ENOENT\n$/);
  });
});

describe('service manager', () => {
  test('is told when the service is ready, and that it goes on; not before', async () => {
    const bin = join(folder, 'bin');
    const heard = join(folder, 'heard');
    mkdirSync(bin);
    writeFileSync(heard, '');
    // in place of systemd-notify, which test/system has: it writes down what it is to send, and whether the service is ready then
    writeFileSync(join(bin, 'systemd-notify'), `#!/bin/sh\nprintf '%s %s\\n' "$NOTIFY_SOCKET" "$1" >>'${heard}'\n`);
    chmodSync(join(bin, 'systemd-notify'), 0o755);
    const env = { PATH: `${bin}:${process.env.PATH}`, NOTIFY_SOCKET: '/run/test', WATCHDOG_USEC: '400000' };
    const server = await startServer({ env });
    try {
      await eventually(() => assert.match(readFileSync(heard, 'utf8'), /^\/run\/test READY=1$/m));
      assert.equal((await ask(server.url, '/readyz')).status, 200);
      await eventually(() => assert.ok(readFileSync(heard, 'utf8').split('WATCHDOG=1').length > 3));
      assert.equal(readFileSync(heard, 'utf8').split('READY=1').length, 2, 'once');
    } finally {
      await server.stop();
    }
  });

  test('is not told of a service that is not ready', async () => {
    const heard = join(folder, 'heard-nothing');
    const bin = join(folder, 'bin-silent');
    mkdirSync(bin);
    mkdirSync(join(folder, 'empty-root'));
    writeFileSync(join(bin, 'systemd-notify'), `#!/bin/sh\nprintf '%s\\n' "$1" >>'${heard}'\n`);
    chmodSync(join(bin, 'systemd-notify'), 0o755);
    const env = { PATH: `${bin}:${process.env.PATH}`, NOTIFY_SOCKET: '/run/test', WATCHDOG_USEC: '200000' };
    const server = await startServer({ env, args: ['--path.rootfs', join(folder, 'empty-root')] });
    try {
      // the watchdog is fed, so somebody would have been told
      await eventually(() => assert.match(readFileSync(heard, 'utf8'), /WATCHDOG=1/));
      assert.equal((await ask(server.url, '/readyz')).status, 503);
      assert.doesNotMatch(readFileSync(heard, 'utf8'), /READY=1/);
    } finally {
      await server.stop();
    }
  });
});

describe('a socket that is there before the service', () => {
  /** Starts the service as systemd does: the listening socket is descriptor 3, and so are the variables of sd_listen_fds(3). */
  async function startWith(descriptors: string, args: readonly string[] = []) {
    const listener = createServer().listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const { port } = listener.address() as AddressInfo;
    const { fd } = (listener as unknown as { _handle: { fd: number } })._handle;
    const dotenv = join(folder, 'socket.env');
    writeFileSync(dotenv, 'RASPAP_API_KEY=key0of0the0socket0service0000000\n');
    const line = 'LISTEN_PID=$$ LISTEN_FDS="$0" exec "$@"';
    const service = spawn('/bin/sh', ['-c', line, descriptors, process.execPath, main, '--dotenv', dotenv, ...args], {
      stdio: ['ignore', 'pipe', 'pipe', fd],
    });
    // From here on nobody but the service takes connections.
    listener.close();
    return {
      service,
      url: `http://127.0.0.1:${port}`,
      output: Promise.all([service.stdout, service.stderr].map((one) => text(one as Readable))),
    };
  }

  test('the first who connects waits, and gets an answer', async () => {
    const { service, url, output } = await startWith('1', ['--port', '1']);
    try {
      const answer = await ask(url, '/system', { headers: { access_token: 'key0of0the0socket0service0000000' } });
      assert.equal(answer.status, 200, answer.text);
    } finally {
      service.kill();
    }
    assert.match((await output).join(''), new RegExp(`listening on ${url}$`, 'm'));
    await assert.rejects(ask(url, '/healthz'));
  });

  test('where a source that is needed fails, it waits no longer than a while, and is told', async () => {
    const root = join(folder, 'socket-root');
    mkdirSync(root);
    const { service, url, output } = await startWith('1', ['--path.rootfs', root]);
    try {
      const answer = await ask(url, '/readyz');
      assert.deepEqual([answer.status, /not fresh: /.test(answer.text)], [503, true], answer.text);
    } finally {
      service.kill();
      await output;
    }
  });

  test('several of them are refused', async () => {
    const { service, output } = await startWith('2');
    const [status] = await once(service, 'exit');
    assert.equal(status, 1);
    assert.match((await output).join(''), /^apsnap: the socket unit has 2 sockets: one ListenStream= is expected\n$/);
  });

  test('what is no socket of that kind is refused', async () => {
    const service = spawn('/bin/sh', ['-c', 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"', 'sh', process.execPath, main], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe', openSync('/dev/null', 'r')],
    });
    const [stderr, [status]] = await Promise.all([text(service.stderr as Readable), once(service, 'exit')]);
    assert.equal(status, 1);
    assert.match(stderr, /^apsnap: cannot listen on the socket that was passed on \(3\): /);
  });
});

describe('what Node 18 lacks', () => {
  test('crc32 is that of Node', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => assert.equal(crc32Of(bytes), crc32(bytes))));
    fc.assert(fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => assert.equal(crc32Of(b, crc32Of(a)), crc32(b, crc32(a)))));
    assert.equal(crc32Of('größe'), crc32('größe'));
  });

  test('env files are read as Node reads them', () => {
    const name = fc.stringMatching(/^[A-Z][A-Z_]{0,8}$/);
    const value = fc.stringMatching(/^(?:[a-z0-9=+/ -]{0,20}|"[a-z0-9 #'=]{0,20}"|'[a-z0-9 #"=]{0,20}'|[a-z0-9]{1,9} # [a-z ]{0,9})$/);
    const line = fc.oneof(
      fc.tuple(fc.constantFrom('', 'export ', '  '), name, fc.constantFrom('=', ' = '), value).map((parts) => parts.join('')),
      fc.constantFrom('', '# a comment', '#KEY=no'),
    );
    fc.assert(
      fc.property(fc.array(line), fc.constantFrom('\n', '\r\n'), (lines, end) => {
        const text = [...lines, ''].join(end);
        assert.deepEqual({ ...parseEnvOf(text) }, { ...parseEnv(text) });
      }),
    );
  });
});

describe('words', () => {
  test('the manual has each command and each flag', () => {
    const text = manual();
    for (const name of commandNames) assert.match(text, new RegExp(`^\\\\fB${name}`, 'm'));
    for (const { flag } of options) assert.ok(text.includes(`\\fB\\-\\-${flag.replaceAll('-', '\\-')}\\fR`), flag);
    assert.doesNotMatch(text, /(?<!\\)fI|(?<!\\)fB/);
  });

  test('bash completes commands, flags and actions of key', async () => {
    const file = join(folder, 'completion');
    writeFileSync(file, completion());
    const complete = async (...words: string[]) => {
      const script = `. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _apsnap; printf '%s\\n' "\${COMPREPLY[@]}"`;
      return (await run('bash', ['-c', script, file, 'apsnap', ...words])).stdout.trim().split('\n');
    };
    assert.deepEqual(await complete('un'), ['uninstall']);
    assert.deepEqual(await complete('key', 'sh'), ['show']);
    assert.deepEqual(await complete('--thr'), ['--threads']);
  });
});
