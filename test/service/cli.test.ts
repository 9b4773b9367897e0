// The command line, as a person or a unit file uses it.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { writeKey } from '../../src/access/env-file.js';
import { help, schedulesHelp } from '../../src/cli/help.js';
import { collectors } from '../../src/collectors/index.js';
import { documents as definitions } from '../../src/documents/index.js';
import { version } from '../../src/version.js';
import { apsnap, run } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { ask } from '../support/http.js';
import { startServer, startServers } from '../support/server.js';

const KEY = 'a0key0of0more0than0sixteen';
const NOBODY = 65_534;

let folder: string;
/** A user who may not read everything: the one who runs the tests, if that is not root. */
const unprivileged = process.getuid?.() === 0 ? NOBODY : undefined;
/** Why nothing can be run as that user. */
let noNobody: string | undefined;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'apsnap-cli-'));
  chmodSync(folder, 0o755);
  if ((await apsnap(['--version'], { uid: unprivileged })).status !== 0) noNobody = 'root keeps the build where nobody else may read it';
});

after(() => rmSync(folder, { recursive: true, force: true }));

interface Row {
  readonly name: string;
  readonly state: string;
  readonly source?: string | undefined;
  readonly why?: string | undefined;
  readonly advice?: string | undefined;
}

/** Parses the report of doctor: rows, what is absent, and the summary. */
function rowsOf(stdout: string): Row[] {
  const [present = '', ...others] = stdout.trimEnd().split('\n\n');
  const rows = present.split(/\n(?=\S)/).map((block): Row => {
    const match = /^(\w+) +(ok|failing) +(\S[^\n]*)(?:\n +why: ([^\n]+))?(?:\n +do: {2}([^\n]+))?$/.exec(block);
    assert.ok(match, block);
    const [, name = '', state = '', source, why, advice] = match;
    return { name, state, source, why, advice };
  });
  const lines = others.length > 1 ? (others[0] ?? '').split('\n').slice(1) : [];
  const absent = lines.map((line): Row => {
    const [, name = '', why] = /^ {2}(\w+) +(\S.*)$/.exec(line) ?? [];
    return { name, state: 'absent', why };
  });
  const failing = rows.filter(({ state }) => state === 'failing').length;
  assert.equal(others.at(-1), `${rows.length - failing} sources ok, ${absent.length} not on this machine, ${failing} failing`);
  return [...rows, ...absent];
}

describe('help', { concurrency: true }, () => {
  test('help, --help and -h print the help, also after a command', async () => {
    const expected = { status: 0, stdout: help(), stderr: '' };
    for (const args of [['help'], ['--help'], ['-h'], ['serve', '--help', '--port', '80']]) assert.deepEqual(await apsnap(args), expected);
  });

  test('help schedules and --help schedules print the schedules', async () => {
    const expected = { status: 0, stdout: schedulesHelp(), stderr: '' };
    for (const args of [
      ['help', 'schedules'],
      ['--help', 'schedules'],
    ])
      assert.deepEqual(await apsnap(args), expected);
  });

  test('version, --version and -v print the version', async () => {
    for (const word of ['version', '--version', '-v'])
      assert.deepEqual(await apsnap([word]), { status: 0, stdout: `${version}\n`, stderr: '' });
  });

  test('help/reader-that-goes-away', async () => {
    const main = new URL('../../src/main.js', import.meta.url).pathname;
    const { status, stderr } = await run('bash', ['--norc', '-c', 'set -o pipefail; "$0" "$1" --help | true', process.execPath, main]);
    assert.deepEqual([status, stderr], [0, '']);
  });
});

describe('usage', () => {
  test('usage/status-and-one-line', async () => {
    const lines: readonly [readonly string[], RegExp][] = [
      [['--nope'], /^apsnap: unknown flag --nope[^\n]*\n$/],
      [['--port'], /^apsnap: --port: its value is missing[^\n]*\n$/],
      [['--port', 'nope'], /^apsnap: --port: "nope" is not valid[^\n]*\n$/],
      [['--no\nsuch'], /^apsnap: unknown flag [^\n]*\n$/],
      [['nope'], /^apsnap: unknown command "nope": expected serve, snapshot, doctor, key, help, version\n$/],
      [['snapsot', 'system'], /^apsnap: unknown command "snapsot": did you mean snapshot\? expected [^\n]*\n$/],
      [['serve', 'more'], /^apsnap: serve: unexpected argument "more": expected none\n$/],
      [['doctor', 'more'], /^apsnap: doctor: unexpected argument "more": expected none\n$/],
      [['doctor', '--secrets'], /^apsnap: --secrets: only key commands take this flag\n$/],
      [['help', 'nope'], /^apsnap: help: unknown topic "nope": expected schedules\n$/],
      [['key', 'nope'], /^apsnap: key nope: unknown command: expected key show, [^\n]*\n$/],
    ];
    for (const [args, message] of lines) {
      const { status, stdout, stderr } = await apsnap(args, { cwd: folder });
      assert.deepEqual([status, stdout], [2, ''], stderr);
      assert.match(stderr, message);
    }
    assert.ok(!readdirSync(folder).includes('.env'), 'nothing was written');
  });
});

describe('start', { concurrency: true }, () => {
  test('start/port-in-use', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    const { status, stderr } = await apsnap(['--host', '127.0.0.1', '--port', String(port)], { env: { RASPAP_API_KEY: KEY } });
    other.close();
    assert.equal(status, 1);
    assert.match(stderr, new RegExp(`^apsnap: cannot listen on 127\\.0\\.0\\.1 port ${port}: another program listens there: [^\\n]+\\n$`));
  });

  test('start/address-not-ours', async () => {
    const { status, stderr } = await apsnap(['--host', '203.0.113.1', '--port', '0'], { env: { RASPAP_API_KEY: KEY } });
    assert.equal(status, 1);
    assert.equal(stderr, 'apsnap: cannot listen on 203.0.113.1 port 0: no interface has that address\n');
  });

  test('start/env-file-cannot-be-written', async () => {
    for (const dotenv of ['/nowhere/at/all/.env', '/proc/.env']) {
      const { status, stdout, stderr } = await apsnap(['--port', '0', '--dotenv', dotenv]);
      assert.deepEqual([status, stdout], [1, '']);
      assert.match(stderr, new RegExp(`^apsnap: ${dotenv}: the key cannot be written: E[A-Z]+; [^\\n]*--dotenv\\n$`));
    }
  });

  test('start/env-file-of-somebody-else', async (context) => {
    if (noNobody) return context.skip(noNobody);
    const dotenv = join(folder, 'secret.env');
    writeKey(dotenv, KEY);
    chmodSync(dotenv, 0);
    for (const args of [[], ['key', 'show']]) {
      const { status, stdout, stderr } = await apsnap([...args, '--dotenv', dotenv], { uid: unprivileged });
      assert.deepEqual([status, stdout], [1, ''], stderr);
      assert.match(stderr, /^apsnap: [^\n]*: cannot be read: EACCES; [^\n]*--dotenv\n$/);
    }
    // What needs no key goes on without it.
    assert.equal((await apsnap(['snapshot', '--dotenv', dotenv], { uid: unprivileged })).status, 0);
    const [key] = rowsOf((await apsnap(['doctor', '--dotenv', dotenv], { uid: unprivileged })).stdout);
    assert.deepEqual([key?.name, key?.state, key?.why], ['key', 'failing', `${dotenv}: cannot be read: EACCES`]);
    assert.match(key?.advice ?? '', /run as a user that may read the key/);
    mkdirSync(join(folder, 'readonly'), { mode: 0o555 });
    const { status, stderr } = await apsnap(['--port', '0', '--dotenv', join(folder, 'readonly', '.env')], { uid: unprivileged });
    assert.equal(status, 1, stderr);
    assert.match(stderr, /^apsnap: [^\n]*: the key cannot be written: EACCES; [^\n]*--dotenv\n$/);
  });

  test('start/any-free-port', async () => {
    const servers = await startServers({}, { args: ['--threads', '1'] });
    const [first, second] = servers.map((server) => new URL(server.url).port);
    await Promise.all(servers.map((server) => server.stop()));
    assert.notEqual(first, second);
    assert.ok(Number(first) > 0 && Number(second) > 0);
  });

  test('start/names no copy of the key that nobody may read', async () => {
    const runtime = join(folder, 'runtime');
    mkdirSync(runtime);
    const server = await startServer({ dotenv: join(runtime, 'env'), env: { RUNTIME_DIRECTORY: runtime } });
    try {
      await eventually(() => assert.match(server.output(), /INFO: key: sudo apsnap key show prints it\n/));
      await eventually(() => assert.match(server.output(), /INFO: try: curl -H "access_token: \$\(sudo apsnap key show\)" \S+\n/));
    } finally {
      await server.stop();
    }
  });

  test('start/curl-line', async () => {
    // A folder's name that a shell would take apart.
    const home = join(folder, `it's $HOME "here" \`too\``);
    mkdirSync(home);
    const server = await startServer({ dotenv: join(home, '.env') });
    try {
      const output = await eventually(() => {
        assert.match(server.output(), /INFO: try: .*\n/);
        return server.output();
      });
      assert.ok(output.includes(`INFO: key: ${join(home, '.env')}\n`));
      assert.ok(output.includes(`INFO: docs: ${server.url}/docs\n`));
      const line = /^INFO: try: (curl .*)$/m.exec(output)?.[1] ?? '';
      await eventually(async () => assert.equal((await ask(server.url, '/readyz')).status, 200));
      const { status, stdout } = await run('bash', ['--norc', '-c', line.replace('curl ', 'curl -s ')]);
      assert.equal(status, 0);
      assert.equal(typeof (JSON.parse(stdout) as { hostname: unknown }).hostname, 'string', stdout);
      assert.ok(!output.includes(server.key));
    } finally {
      await server.stop();
    }
  });

  test('start/curl-line-by-environment', async () => {
    const server = await startServer({ env: { RASPAP_API_KEY: KEY } });
    try {
      const line = await eventually(() => {
        const found = /^INFO: try: (curl .*)$/m.exec(server.output())?.[1];
        assert.ok(found);
        return found;
      });
      await eventually(async () => assert.equal((await ask(server.url, '/readyz')).status, 200));
      const { stdout } = await run('bash', ['--norc', '-c', line.replace('curl ', 'curl -s ')], { env: { RASPAP_API_KEY: KEY } });
      assert.match(stdout, /"hostname"/);
    } finally {
      await server.stop();
    }
  });
});

describe('snapshot', { concurrency: true }, () => {
  interface Snapshot {
    readonly generation: number;
    readonly documents: Readonly<Record<string, { state: string; error: unknown; data: Record<string, unknown> | null }>>;
  }

  for (const [words, names] of [
    [[], definitions.filter(({ verbatim }) => !verbatim).map(({ name }) => name)],
    [['system'], ['system']],
    [
      ['clients', 'system', 'clients'],
      ['system', 'clients'],
    ],
  ] as const) {
    test(`snapshot/${words.join(' ') || 'all'}`, async () => {
      const { status, stdout, stderr } = await apsnap(['snapshot', ...words], { cwd: folder });
      assert.deepEqual([status, stderr], [0, '']);
      assert.ok(stdout.endsWith('}\n') && stdout.indexOf('\n') === stdout.length - 1, 'one line');
      const { generation, documents } = JSON.parse(stdout) as Snapshot;
      assert.ok(generation > 0);
      assert.deepEqual(Object.keys(documents), names);
      for (const [name, { state, error, data }] of Object.entries(documents)) {
        assert.deepEqual([state, error], ['fresh', null], name);
        assert.ok(data, name);
      }
      assert.ok(!readdirSync(folder).includes('.env'), 'it needs no key');
    });
  }

  test('snapshot/nope', async () => {
    const { status, stdout, stderr } = await apsnap(['snapshot', 'system', 'nope']);
    assert.deepEqual([status, stdout], [2, '']);
    assert.match(stderr, /^apsnap: snapshot: no document "nope": expected system, ap, clients, [^\n]*\n$/);
  });

  test('snapshot/nothing-there', async () => {
    const empty = join(folder, 'empty');
    mkdirSync(empty);
    const { status, stdout } = await apsnap(['snapshot', 'system', '--path.rootfs', empty]);
    assert.equal(status, 1);
    const { system } = (JSON.parse(stdout) as Snapshot).documents;
    assert.deepEqual([system?.state, system?.data], ['absent', null]);
    assert.match(JSON.stringify(system?.error), /\/empty\/proc\/\S+: does not exist/);
  });
});

describe('doctor', { concurrency: true }, () => {
  const names = ['key', 'secrets', 'access', ...collectors.map(({ name }) => name), 'events', 'history'];

  for (const [who, uid] of [
    ['me', undefined],
    ['nobody', unprivileged],
  ] as const) {
    test(`doctor/${who}`, async (context) => {
      if (uid && noNobody) return context.skip(noNobody);
      const dotenv = join(folder, `${who}.env`);
      const { status, stdout, stderr } = await apsnap(['doctor', '--dotenv', dotenv], { uid, env: { RASPAP_API_KEY: KEY } });
      assert.equal(stderr, '');
      const rows = rowsOf(stdout);
      assert.deepEqual(rows.map((row) => row.name).sort(), [...names].sort());
      assert.equal(status, rows.some((row) => row.state === 'failing') ? 1 : 0, stdout);
      for (const { name, state, why, advice } of rows) {
        if (state === 'absent') assert.ok(why, name);
        if (state === 'failing') assert.ok(why && advice, name);
      }
      for (const name of ['key', 'clock', 'load', 'cpu', 'memory', 'disk', 'host', 'interfaces']) {
        assert.equal(rows.find((row) => row.name === name)?.state, 'ok', name);
      }
      assert.match(rows.find(({ name }) => name === 'history')?.source ?? '', /^\d+ series in memory, \d+\.\d MB of at most [78]\.\d MB$/);
      assert.ok(!stdout.includes(KEY));
    });
  }

  test('doctor/nothing-there', async () => {
    const empty = join(folder, 'nothing');
    mkdirSync(empty);
    const { status, stdout } = await apsnap(['doctor', '--path.rootfs', empty, '--dotenv', '/nowhere/.env'], { env: { PATH: empty } });
    assert.equal(status, 1);
    const rows = new Map(rowsOf(stdout).map((row) => [row.name, row]));
    const load = rows.get('load');
    assert.deepEqual([load?.state, load?.source], ['failing', '/proc/loadavg']);
    assert.match(load?.why ?? '', /\/proc\/loadavg: does not exist/);
    assert.ok(load?.advice);
    assert.match(rows.get('stations')?.why ?? '', /no Wi-Fi radio/);
    assert.equal(rows.get('stations')?.state, 'absent');
    const key = rows.get('key');
    assert.equal(key?.state, 'failing');
    assert.match(`${key?.why} ${key?.advice}`, /\/nowhere cannot be written.*--dotenv/);
  });
});
