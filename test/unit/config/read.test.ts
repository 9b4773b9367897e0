import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { collectors } from '../../../src/collectors/index.js';
import { parseCommandLine } from '../../../src/config/command-line.js';
import { readConfig } from '../../../src/config/read.js';
import { cronProblem } from '../../../src/config/validate.js';
import { UsageError } from '../../../src/errors.js';

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'apsnap-config-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** Reads the configuration of a command line. */
function configure(line: string, environment: Record<string, string> = {}, file = '') {
  const dotenv = join(folder, 'config.env');
  writeFileSync(dotenv, file);
  return readConfig(parseCommandLine([...(line ? line.split(' ') : []), '--dotenv', dotenv]), environment);
}

describe('a wrong setting is named, quoted and explained', () => {
  const wrong: readonly [line: string, environment: Record<string, string>, message: RegExp][] = [
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
    test(line || JSON.stringify(environment), () => {
      assert.throws(
        () => configure(line, environment),
        (error) => error instanceof UsageError && message.test(error.message) && !error.message.includes('\n'),
      );
    });
  }

  const expressions = ['61 * * * * *', '* * 25 * * *', '* * * * 13 *', '* * * * * 9', 'x * * * * *', '*/0 * * * * *', '* * * * * * *', ''];
  for (const expression of expressions) {
    test(`--schedule.load=${expression}`, () => {
      assert.throws(
        () => readConfig(parseCommandLine([`--schedule.load=${expression}`]), {}),
        (error) =>
          error instanceof UsageError &&
          error.message.startsWith(`--schedule.load: ${JSON.stringify(expression)} is not valid: expected a cron expression`),
      );
    });
  }
});

describe('a setting', () => {
  test('a flag beats the environment, which beats the env file', () => {
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
    // The last flag counts, and an empty variable doesn't.
    assert.equal(configure('--port 1 --port 2').port, 2);
    assert.equal(configure('', { APSNAP_PORT: '' }, file).port, 1001);
  });

  test('without any setting, the defaults apply', () => {
    const config = configure('');
    const { host, port, rootfs, threads, exposeSecrets, corsOrigins, accessLog } = config;
    assert.deepEqual(
      { host, port, rootfs, threads, exposeSecrets, corsOrigins, accessLog },
      { host: '0.0.0.0', port: 8081, rootfs: '/', threads: 2, exposeSecrets: false, corsOrigins: [], accessLog: 'summary' },
    );
    for (const { name, schedule } of collectors) {
      assert.equal(config.schedules.get(name), schedule);
      assert.equal(cronProblem(schedule), undefined);
    }
    assert.ok(Object.isFrozen(config));
    const usual = { maxConnections: 2_000, headersMs: 10_000, requestMs: 20_000, idleMs: 30_000, sendMs: 30_000 };
    assert.deepEqual(config.limits, usual);
    const environment = { APSNAP_MAX_CONNECTIONS: '50', APSNAP_TIMEOUT_HEADERS: '3', APSNAP_TIMEOUT_REQUEST: '4' };
    const others = configure('--max-connections 60 --timeout.idle 5 --timeout.send 6', environment).limits;
    assert.deepEqual(others, { maxConnections: 60, headersMs: 3_000, requestMs: 4_000, idleMs: 5_000, sendMs: 6_000 });
  });

  test('a switch may be on in one place and off in another', () => {
    assert.equal(configure('--expose-secrets').exposeSecrets, true);
    assert.equal(configure('--expose-secrets', { APSNAP_EXPOSE_SECRETS: '0' }).exposeSecrets, true);
    assert.equal(configure('', { APSNAP_EXPOSE_SECRETS: '1' }).exposeSecrets, true);
    assert.equal(configure('', { APSNAP_EXPOSE_SECRETS: '0' }, 'APSNAP_EXPOSE_SECRETS=1').exposeSecrets, false);
  });

  test('lists may be given as repeated flags or as one variable', () => {
    const { allowedHosts, trustedProxies, maxFailedKeys, dashboard, docs } = configure('');
    assert.deepEqual([allowedHosts, trustedProxies, maxFailedKeys, dashboard, docs], [[], [], 20, true, true]);
    const environment = { APSNAP_ALLOWED_HOSTS: 'A.example b.example', APSNAP_TRUST_PROXY: '10.0.0.0/8,::1', APSNAP_FAILED_KEYS: 'off' };
    const given = configure('--no-docs --allowed-host c --allowed-host=d', environment, 'APSNAP_NO_DASHBOARD=1\nAPSNAP_FAILED_KEYS=5');
    assert.deepEqual(
      [given.allowedHosts, given.trustedProxies],
      [
        ['c', 'd'],
        ['10.0.0.0/8', '::1'],
      ],
    );
    assert.deepEqual([given.maxFailedKeys, given.dashboard, given.docs], [Number.POSITIVE_INFINITY, false, false]);
    assert.deepEqual(configure('', environment).allowedHosts, ['a.example', 'b.example']);
  });

  test('the env file is named by a flag or a variable', () => {
    assert.equal(readConfig(parseCommandLine([]), { APSNAP_DOTENV: '/tmp/here' }).dotenv, '/tmp/here');
    assert.equal(readConfig(parseCommandLine(['--dotenv', '/tmp/there']), { APSNAP_DOTENV: '/tmp/here' }).dotenv, '/tmp/there');
  });
});

test('files of TLS are given together, as absolute paths', () => {
  const configure = (args: string[], env = {}) => readConfig(parseCommandLine([...args, '--dotenv', '/nowhere']), env).tls;
  assert.equal(configure([]), undefined);
  assert.deepEqual(configure(['--tls-cert', '/a', '--tls-key', '/b']), { cert: '/a', key: '/b', clientCa: undefined });
  assert.deepEqual(configure(['--tls-client-ca=c'], { APSNAP_TLS_CERT: '/a', APSNAP_TLS_KEY: '/b' })?.clientCa, join(process.cwd(), 'c'));
  const refusals: readonly [string[], Record<string, string>, RegExp][] = [
    [['--tls-key', 'b'], {}, /^--tls-key: --tls-cert is missing: /],
    [['--tls-cert', 'a'], {}, /^--tls-cert: --tls-key is missing: /],
    [['--tls-client-ca', 'c'], {}, /^--tls-client-ca: --tls-cert and --tls-key are missing: /],
    [['--tls-client-ca', 'c'], { APSNAP_TLS_CERT: 'a' }, /^APSNAP_TLS_CERT: --tls-key is missing: /],
    [[], { APSNAP_TLS_KEY: 'b' }, /^APSNAP_TLS_KEY: --tls-cert is missing: /],
  ];
  for (const [args, env, message] of refusals) {
    assert.throws(
      () => configure(args, env),
      (error) => error instanceof UsageError && message.test(error.message),
    );
  }
});
