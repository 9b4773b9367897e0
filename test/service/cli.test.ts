// The command line, as a person or a unit file uses it.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { writeKey } from '../../src/access/env-file.js';
import { collectors } from '../../src/collectors/index.js';
import { parseCommandLine, readConfig } from '../../src/config/read.js';
import { documents as definitions } from '../../src/documents/index.js';
import { UsageError } from '../../src/errors.js';
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

/** The configuration of a command line. */
function configure(line: string, environment: Record<string, string> = {}, file = '') {
  const dotenv = join(folder, 'config.env');
  writeFileSync(dotenv, file);
  return readConfig(parseCommandLine([...(line ? line.split(' ') : []), '--dotenv', dotenv]), environment);
}

interface Row {
  readonly name: string;
  readonly state: string;
  readonly source: string;
  readonly why: string | undefined;
  readonly advice: string | undefined;
}

function rowsOf(stdout: string): Row[] {
  return stdout.split(/\n(?=\S)/).map((block) => {
    const match = /^(\w+) +(ok|absent|failing) +(\S[^\n]*)(?:\n +why: ([^\n]+))?(?:\n +do: {2}([^\n]+))?\n?$/.exec(block);
    assert.ok(match, block);
    const [, name = '', state = '', source = '', why, advice] = match;
    return { name, state, source, why, advice };
  });
}

describe('help', { concurrency: true }, () => {
  test('help/--help', async () => {
    for (const args of [['--help'], ['serve', '--help', '--port', 'nope']]) {
      const { status, stdout, stderr } = await apsnap(args);
      assert.deepEqual([status, stderr], [0, '']);
      for (const word of ['serve', 'snapshot', 'key show', 'key generate', 'key set', 'doctor', '--help', '--version', 'RASPAP_API_KEY']) {
        assert.ok(stdout.includes(word), word);
      }
      for (const name of [
        'host',
        'port',
        'path.rootfs',
        'dotenv',
        'threads',
        'expose-secrets',
        'cors-origin',
        'access-log',
        'max-connections',
        'timeout.headers',
      ]) {
        assert.match(stdout, new RegExp(`^  --${name} `, 'm'));
      }
      for (const { name, schedule } of collectors) {
        assert.ok(stdout.includes(`--schedule.${name} CRON`) && stdout.includes(`APSNAP_SCHEDULE_${name.toUpperCase()}`), name);
        assert.ok(stdout.includes(schedule));
      }
    }
  });

  test('help/--version', async () => {
    assert.deepEqual(await apsnap(['--version']), { status: 0, stdout: `${version}\n`, stderr: '' });
    assert.match(version, /^\d+\.\d+\.\d+/);
  });

  test('help/reader-that-goes-away', async () => {
    const main = new URL('../../src/main.js', import.meta.url).pathname;
    const { status, stderr } = await run('bash', ['--norc', '-c', 'set -o pipefail; "$0" "$1" --help | true', process.execPath, main]);
    assert.deepEqual([status, stderr], [0, '']);
  });
});

describe('usage', () => {
  const wrong: readonly [line: string, environment: Record<string, string>, message: RegExp][] = [
    ['--nope', {}, /^unknown flag --nope: see apsnap --help$/],
    ['--nope=1', {}, /^unknown flag --nope: see/],
    ['-p 80', {}, /^unknown flag -p: see/],
    ['--Port 80', {}, /^unknown flag --Port: see/],
    ['--no-port', {}, /^unknown flag --no-port: see/],
    ['--api-key x', {}, /^unknown flag --api-key: see/],
    ['--schedule.nope x', {}, /^unknown flag --schedule\.nope: see/],
    ['--expose-secrets=yes', {}, /^--expose-secrets: takes no value$/],
    ['--allowed-host a:80', {}, /^--allowed-host: "a:80" is not valid: expected a name without a port: ap\.example\.org$/],
    ['--allowed-host=', {}, /^--allowed-host: "" is not valid: expected a name/],
    ['', { APSNAP_ALLOWED_HOSTS: 'a.b http://c' }, /^APSNAP_ALLOWED_HOSTS: "http:\/\/c" is not valid: expected a name/],
    [
      '--trust-proxy nope',
      {},
      /^--trust-proxy: "nope" is not valid: expected an address or a network: 192\.168\.0\.2, 10\.0\.0\.0\/8, fd00::\/8$/,
    ],
    ['--trust-proxy 10.0.0.0/33', {}, /^--trust-proxy: "10\.0\.0\.0\/33" is not valid: expected an address/],
    ['', { APSNAP_TRUST_PROXY: '10.0.0.1,x' }, /^APSNAP_TRUST_PROXY: "x" is not valid: expected an address/],
    ['--failed-keys 0', {}, /^--failed-keys: "0" is not valid: expected a whole number from 1 to 100000$/],
    ['--no-docs=yes', {}, /^--no-docs: takes no value$/],
    ['', { APSNAP_NO_DASHBOARD: 'yes' }, /^APSNAP_NO_DASHBOARD: "yes" is not valid: expected 1 or 0$/],
    ['--port nope', {}, /^--port: "nope" is not valid: expected a whole number from 0 to 65535$/],
    ['--port=', {}, /^--port: "" is not valid: expected a whole number/],
    ['--port 65536', {}, /^--port: "65536" is not valid: expected a whole number from 0 to 65535$/],
    ['--port=-1', {}, /^--port: "-1" is not valid/],
    ['--port 80.5', {}, /^--port: "80\.5" is not valid/],
    ['--port 0x50', {}, /^--port: "0x50" is not valid/],
    ['--threads 0', {}, /^--threads: "0" is not valid: expected a whole number from 1 to 64$/],
    ['--threads many', {}, /^--threads: "many" is not valid: expected a whole number/],
    ['--max-connections 0', {}, /^--max-connections: "0" is not valid: expected a whole number from 1 to 100000$/],
    ['--timeout.headers 0', {}, /^--timeout\.headers: "0" is not valid: expected a whole number from 1 to 3600$/],
    ['--timeout.idle 1.5', {}, /^--timeout\.idle: "1\.5" is not valid: expected a whole number/],
    ['', { APSNAP_TIMEOUT_SEND: '5s' }, /^APSNAP_TIMEOUT_SEND: "5s" is not valid: expected a whole number from 1 to 3600$/],
    ['--path.rootfs /no/such/folder', {}, /^--path\.rootfs: "\/no\/such\/folder" is not valid: expected an existing folder$/],
    ['--path.rootfs /etc/passwd', {}, /^--path\.rootfs: "\/etc\/passwd" is not valid: expected an existing folder$/],
    [
      '--schedule.load hourly',
      {},
      /^--schedule\.load: "hourly" is not valid: expected a cron expression: six fields are expected, seconds first/,
    ],
    ['--access-log none', {}, /^--access-log: "none" is not valid: expected summary, all, errors, off$/],
    ['--cors-origin example.org', {}, /^--cors-origin: "example\.org" is not valid: expected an origin: https:\/\/example\.org$/],
    ['--cors-origin https://example.org/', {}, /^--cors-origin: "https:\/\/example\.org\/" is not valid: expected an origin/],
    ['--cors-origin *', {}, /^--cors-origin: "\*" is not valid: expected an origin/],
    ['', { APSNAP_PORT: 'http' }, /^APSNAP_PORT: "http" is not valid: expected a whole number from 0 to 65535$/],
    ['', { APSNAP_THREADS: '65' }, /^APSNAP_THREADS: "65" is not valid/],
    ['', { APSNAP_ROOTFS: '/no/such' }, /^APSNAP_ROOTFS: "\/no\/such" is not valid: expected an existing folder$/],
    ['', { APSNAP_SCHEDULE_CPU: '* * * * *' }, /^APSNAP_SCHEDULE_CPU: "\* \* \* \* \*" is not valid: expected a cron expression/],
    ['', { APSNAP_EXPOSE_SECRETS: 'maybe' }, /^APSNAP_EXPOSE_SECRETS: "maybe" is not valid: expected 1 or 0$/],
    ['', { APSNAP_CORS_ORIGINS: 'https://a.example, b.example' }, /^APSNAP_CORS_ORIGINS: "b\.example" is not valid: expected an origin/],
    ['', { APSNAP_ACCESS_LOG: 'ALL' }, /^APSNAP_ACCESS_LOG: "ALL" is not valid: expected summary, all, errors, off$/],
    ['', { APSNAP_ACCESS_LOG: 'a\nb' }, /^APSNAP_ACCESS_LOG: "a\\nb" is not valid/],
  ];
  for (const [line, environment, message] of wrong) {
    test(`usage/${line || JSON.stringify(environment)}`, () => {
      assert.throws(
        () => configure(line, environment),
        (error) => error instanceof UsageError && message.test(error.message) && !error.message.includes('\n'),
      );
    });
  }

  test('usage/cron-fields', () => {
    for (const expression of [
      '61 * * * * *',
      '* * 25 * * *',
      '* * * * 13 *',
      '* * * * * 9',
      'x * * * * *',
      '*/0 * * * * *',
      '* * * * * * *',
      '',
    ]) {
      assert.throws(
        () => readConfig(parseCommandLine([`--schedule.load=${expression}`]), {}),
        (error) =>
          error instanceof UsageError &&
          error.message.startsWith(`--schedule.load: ${JSON.stringify(expression)} is not valid: expected a cron expression`),
        expression,
      );
    }
  });

  test('usage/more arguments than anybody gives', () => {
    assert.equal(parseCommandLine(Array(1_000).fill('x')).words.length, 1_000);
    assert.throws(() => parseCommandLine(Array(1_001).fill('x')), /^UsageError: 1001 arguments: expected 1000 at most$/);
  });

  test('usage/flag-without-its-value', () => {
    for (const name of ['host', 'port', 'path.rootfs', 'dotenv', 'threads', 'cors-origin', 'access-log', 'schedule.load']) {
      assert.throws(
        () => parseCommandLine([`--${name}`]),
        new RegExp(`^UsageError: --${name.replaceAll('.', '\\.')}: its value is missing: expected [A-Z]+$`),
      );
    }
    assert.throws(() => parseCommandLine(['--dotenv', '--port', '80']), /^UsageError: --dotenv: its value is missing/);
  });

  test('usage/status-and-one-line', async () => {
    const lines: readonly [readonly string[], RegExp][] = [
      [['--nope'], /^apsnap: unknown flag --nope[^\n]*\n$/],
      [['--port'], /^apsnap: --port: its value is missing[^\n]*\n$/],
      [['--port', 'nope'], /^apsnap: --port: "nope" is not valid[^\n]*\n$/],
      [['--no\nsuch'], /^apsnap: unknown flag [^\n]*\n$/],
      [['nope'], /^apsnap: unknown command "nope": expected serve, snapshot, key, doctor, install, uninstall\n$/],
      [['serve', 'more'], /^apsnap: serve: "more" is one word too many\n$/],
      [['doctor', 'more'], /^apsnap: doctor: "more" is one word too many\n$/],
    ];
    for (const [args, message] of lines) {
      const { status, stdout, stderr } = await apsnap(args, { cwd: folder });
      assert.deepEqual([status, stdout], [2, ''], stderr);
      assert.match(stderr, message);
    }
    assert.ok(!readdirSync(folder).includes('.env'), 'nothing was written');
  });
});

describe('precedence', () => {
  test('precedence/flag-environment-file', () => {
    const file =
      'APSNAP_PORT=1001\nAPSNAP_THREADS=11\nAPSNAP_ACCESS_LOG=all\nAPSNAP_SCHEDULE_LOAD="1 * * * * *"\nAPSNAP_CORS_ORIGINS=https://file.example\n';
    const environment = { APSNAP_PORT: '1002', APSNAP_THREADS: '12', APSNAP_CORS_ORIGINS: 'https://a.example,https://b.example' };
    const config = configure('--port 1003', environment, file);
    assert.equal(config.port, 1003);
    assert.equal(config.threads, 12);
    assert.equal(config.accessLog, 'all');
    assert.equal(config.schedules.get('load'), '1 * * * * *');
    assert.deepEqual(config.corsOrigins, ['https://a.example', 'https://b.example']);
    assert.deepEqual(configure('--cors-origin https://c.example --cors-origin=https://d.example', environment, file).corsOrigins, [
      'https://c.example',
      'https://d.example',
    ]);
    assert.deepEqual(configure('', {}, file).corsOrigins, ['https://file.example']);
    // The last of a flag counts, and an empty variable is none.
    assert.equal(configure('--port 1 --port 2').port, 2);
    assert.equal(configure('', { APSNAP_PORT: '' }, file).port, 1001);
  });

  test('precedence/defaults', () => {
    const config = configure('');
    const { host, port, rootfs, threads, exposeSecrets, corsOrigins, accessLog } = config;
    assert.deepEqual(
      { host, port, rootfs, threads, exposeSecrets, corsOrigins, accessLog },
      { host: '0.0.0.0', port: 8081, rootfs: '/', threads: 2, exposeSecrets: false, corsOrigins: [], accessLog: 'summary' },
    );
    for (const { name, schedule } of collectors) assert.equal(config.schedules.get(name), schedule);
    assert.ok(Object.isFrozen(config));
    const usual = { maxConnections: 2_000, headersMs: 10_000, requestMs: 20_000, idleMs: 30_000, sendMs: 30_000 };
    assert.deepEqual(config.limits, usual);
    const environment = { APSNAP_MAX_CONNECTIONS: '50', APSNAP_TIMEOUT_HEADERS: '3', APSNAP_TIMEOUT_REQUEST: '4' };
    const others = configure('--max-connections 60 --timeout.idle 5 --timeout.send 6', environment).limits;
    assert.deepEqual(others, { maxConnections: 60, headersMs: 3_000, requestMs: 4_000, idleMs: 5_000, sendMs: 6_000 });
  });

  test('precedence/secrets', () => {
    assert.equal(configure('--expose-secrets').exposeSecrets, true);
    assert.equal(configure('--expose-secrets', { APSNAP_EXPOSE_SECRETS: '0' }).exposeSecrets, true);
    assert.equal(configure('', { APSNAP_EXPOSE_SECRETS: '1' }).exposeSecrets, true);
    assert.equal(configure('', { APSNAP_EXPOSE_SECRETS: '0' }, 'APSNAP_EXPOSE_SECRETS=1').exposeSecrets, false);
  });

  test('precedence/access', () => {
    const { allowedHosts, trustedProxies, mostFailedKeys, dashboard, docs } = configure('');
    assert.deepEqual([allowedHosts, trustedProxies, mostFailedKeys, dashboard, docs], [[], [], 20, true, true]);
    const environment = { APSNAP_ALLOWED_HOSTS: 'A.example b.example', APSNAP_TRUST_PROXY: '10.0.0.0/8,::1', APSNAP_FAILED_KEYS: 'off' };
    const given = configure('--no-docs --allowed-host c --allowed-host=d', environment, 'APSNAP_NO_DASHBOARD=1\nAPSNAP_FAILED_KEYS=5');
    assert.deepEqual(
      [given.allowedHosts, given.trustedProxies],
      [
        ['c', 'd'],
        ['10.0.0.0/8', '::1'],
      ],
    );
    assert.deepEqual([given.mostFailedKeys, given.dashboard, given.docs], [Number.POSITIVE_INFINITY, false, false]);
    assert.deepEqual(configure('', environment).allowedHosts, ['a.example', 'b.example']);
  });

  test('precedence/env-file', () => {
    assert.equal(readConfig(parseCommandLine([]), { APSNAP_DOTENV: '/tmp/here' }).dotenv, '/tmp/here');
    assert.equal(readConfig(parseCommandLine(['--dotenv', '/tmp/there']), { APSNAP_DOTENV: '/tmp/here' }).dotenv, '/tmp/there');
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
    assert.match(key?.advice ?? '', /run as a user that may read it/);
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
    [[], definitions.map(({ name }) => name)],
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
      assert.deepEqual(
        rows.map((row) => row.name),
        names,
      );
      assert.equal(status, rows.some((row) => row.state === 'failing') ? 1 : 0, stdout);
      for (const { name, state, why, advice } of rows) {
        if (state === 'absent') assert.ok(why, name);
        if (state === 'failing') assert.ok(why && advice, name);
      }
      for (const name of ['key', 'clock', 'load', 'cpu', 'memory', 'disk', 'host', 'interfaces']) {
        assert.equal(rows.find((row) => row.name === name)?.state, 'ok', name);
      }
      assert.match(rows.at(-1)?.source ?? '', /^\d+ series in memory, \d+\.\d MB of at most [78]\.\d MB$/);
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

  test('doctor/key', async () => {
    const dotenv = join(folder, 'doctor.env');
    const keyRow = async (...args: string[]) => rowsOf((await apsnap(['doctor', '--dotenv', dotenv, ...args])).stdout)[0];
    assert.deepEqual(await keyRow(), {
      name: 'key',
      state: 'absent',
      source: dotenv,
      why: 'the service will generate one when it starts',
      advice: undefined,
    });
    writeFileSync(dotenv, 'RASPAP_API_KEY=short\n');
    const weak = await keyRow();
    assert.deepEqual([weak?.state, weak?.advice], ['failing', 'apsnap key generate']);
    assert.equal((await keyRow('--host', '127.0.0.1'))?.state, 'ok');
    writeFileSync(dotenv, `RASPAP_API_KEY=${KEY}\n`);
    const open = await keyRow();
    assert.deepEqual([open?.state, open?.why], ['ok', 'every user of this machine can read it']);
    assert.equal(open?.advice, `chmod o= ${dotenv}`);
  });
});
