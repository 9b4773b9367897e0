// The command line, as a person or a unit file uses it.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { writeKey } from '../../src/access/env-file.js';
import { help } from '../../src/cli/help.js';
import { collectors } from '../../src/collectors/index.js';
import { documents as definitions } from '../../src/documents/index.js';
import { apsnap, main, run } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { ask } from '../support/http.js';
import { startServer } from '../support/server.js';

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

describe('the program', () => {
  test('prints the help and ends, also if its reader has gone', async () => {
    assert.deepEqual(await apsnap(['--help']), { status: 0, stdout: help(), stderr: '' });
    const { status, stderr } = await run('bash', ['--norc', '-c', 'set -o pipefail; "$0" "$1" --help | true', process.execPath, main]);
    assert.deepEqual([status, stderr], [0, '']);
  });

  test('ends with status 2 and one line after a wrong command line, and writes nothing', async () => {
    const { status, stdout, stderr } = await apsnap(['--no\nsuch'], { cwd: folder });
    assert.deepEqual([status, stdout], [2, '']);
    assert.match(stderr, /^apsnap: unknown flag [^\n]*\n$/);
    assert.ok(!readdirSync(folder).includes('.env'));
  });

  test('replaces the key by standard input', async () => {
    const dotenv = join(folder, 'stdin.env');
    const { status } = await apsnap(['key', 'set', '-', '--dotenv', dotenv], { input: `${KEY}\n` });
    assert.deepEqual([status, readFileSync(dotenv, 'utf8')], [0, `RASPAP_API_KEY=${KEY}\n`]);
  });
});

describe('start', () => {
  test('a port in use', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    const { status, stderr } = await apsnap(['--host', '127.0.0.1', '--port', String(port)], { env: { RASPAP_API_KEY: KEY } });
    other.close();
    assert.equal(status, 1);
    assert.match(stderr, new RegExp(`^apsnap: cannot listen on 127\\.0\\.0\\.1 port ${port}: another program listens there: [^\\n]+\\n$`));
  });

  test('an address of another machine', async () => {
    const { status, stderr } = await apsnap(['--host', '203.0.113.1', '--port', '0'], { env: { RASPAP_API_KEY: KEY } });
    assert.equal(status, 1);
    assert.equal(stderr, 'apsnap: cannot listen on 203.0.113.1 port 0: no interface has that address\n');
  });

  test('an env file that cannot be written', async () => {
    const { status, stdout, stderr } = await apsnap(['--port', '0', '--dotenv', '/nowhere/at/all/.env']);
    assert.deepEqual([status, stdout], [1, '']);
    assert.match(stderr, /^apsnap: \/nowhere\/at\/all\/\.env: the key cannot be written: ENOENT; [^\n]*--dotenv\n$/);
  });

  test('an env file that only another user may read stops commands that need the key, and no others', async (context) => {
    if (noNobody) return context.skip(noNobody);
    const dotenv = join(folder, 'secret.env');
    writeKey(dotenv, KEY);
    chmodSync(dotenv, 0);
    for (const args of [[], ['key', 'show']]) {
      const { status, stdout, stderr } = await apsnap([...args, '--dotenv', dotenv], { uid: unprivileged });
      assert.deepEqual([status, stdout], [1, ''], stderr);
      assert.match(stderr, /^apsnap: [^\n]*: cannot be read: EACCES; [^\n]*--dotenv\n$/);
    }
    assert.equal((await apsnap(['snapshot', '--dotenv', dotenv], { uid: unprivileged })).status, 0);
    const [key] = rowsOf((await apsnap(['doctor', '--dotenv', dotenv], { uid: unprivileged })).stdout);
    assert.deepEqual([key?.name, key?.state, key?.why], ['key', 'failing', `${dotenv}: cannot be read: EACCES`]);
    assert.match(key?.advice ?? '', /run as a user that may read the key/);
    mkdirSync(join(folder, 'readonly'), { mode: 0o555 });
    const { status, stderr } = await apsnap(['--port', '0', '--dotenv', join(folder, 'readonly', '.env')], { uid: unprivileged });
    assert.equal(status, 1, stderr);
    assert.match(stderr, /^apsnap: [^\n]*: the key cannot be written: EACCES; [^\n]*--dotenv\n$/);
  });

  test("the command in the log works in a shell, whatever the folder's name", async () => {
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
});

describe('snapshot', () => {
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
    test(`prints ${words.join(' ') || 'all documents'}`, async () => {
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

  test('a machine without files fails with the reason', async () => {
    const empty = join(folder, 'empty');
    mkdirSync(empty);
    const { status, stdout } = await apsnap(['snapshot', 'system', '--path.rootfs', empty]);
    assert.equal(status, 1);
    const { system } = (JSON.parse(stdout) as Snapshot).documents;
    assert.deepEqual([system?.state, system?.data], ['absent', null]);
    assert.match(JSON.stringify(system?.error), /\/empty\/proc\/\S+: does not exist/);
  });
});

describe('doctor', () => {
  const names = ['key', 'secrets', 'access', ...collectors.map(({ name }) => name), 'events', 'history'];

  test('reports every check, also for a user without privileges', async () => {
    const uid = noNobody ? undefined : unprivileged;
    const dotenv = join(folder, 'doctor.env');
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

  test('a machine without files fails with reasons and advice', async () => {
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
