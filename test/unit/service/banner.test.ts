import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { hashKey } from '../../../src/access/key-format.js';
import { parseCommandLine } from '../../../src/config/command-line.js';
import { readConfig } from '../../../src/config/read.js';
import { readTlsPair } from '../../../src/http/server/tls-files.js';
import { banner, secretsWarnings } from '../../../src/service/banner.js';
import { shellWord } from '../../../src/service/shell-word.js';
import { type Name, pemFile } from '../../support/certificates.js';

const KEY = 'a0key0of0more0than0sixteen';

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'apsnap-banner-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

const configure = (dotenv: string, ...args: string[]) => readConfig(parseCommandLine(['--dotenv', dotenv, ...args]), {});

function envFile(text: string): string {
  const own = mkdtempSync(join(folder, 'env-'));
  writeFileSync(join(own, '.env'), text);
  return join(own, '.env');
}

describe('the banner', () => {
  test('names addresses that this machine reaches', () => {
    const dotenv = envFile(`RASPAP_API_KEY=${KEY}\n`);
    const urls = (host: string) =>
      banner(configure(dotenv, '--host', host), 8081, {}, undefined)
        .join('\n')
        .match(/http:\S+/g);
    assert.deepEqual(urls('0.0.0.0'), ['http://0.0.0.0:8081', 'http://127.0.0.1:8081/docs', 'http://127.0.0.1:8081/system']);
    assert.deepEqual(urls('::'), ['http://[::]:8081', 'http://[::1]:8081/docs', 'http://[::1]:8081/system']);
    assert.deepEqual(urls('10.3.141.1'), ['http://10.3.141.1:8081', 'http://10.3.141.1:8081/docs', 'http://10.3.141.1:8081/system']);
  });

  test('leaves out the documentation if it is off', () => {
    assert.doesNotMatch(banner(configure(envFile(''), '--no-docs'), 8081, {}, undefined).join('\n'), /^docs:/m);
  });

  test('never contains the key, but a command that prints it', () => {
    const dotenv = envFile(`RASPAP_API_KEY=${KEY}\n`);
    const lines = banner(configure(dotenv), 8081, {}, undefined).join('\n');
    assert.ok(!lines.includes(KEY));
    assert.ok(lines.includes(`key: ${dotenv}\n`));
    assert.match(lines, /curl -H "access_token: \$\(\S+ \S+ key show --dotenv \S+\)" /);
  });

  test('names the variable of a key in the environment', () => {
    const lines = banner(configure('/nowhere/.env'), 8081, { RASPAP_API_KEY: KEY }, undefined).join('\n');
    assert.match(lines, /^key: the environment, RASPAP_API_KEY$/m);
    assert.match(lines, /"access_token: \$RASPAP_API_KEY"/);
    assert.ok(!lines.includes(KEY));
  });

  test('has a placeholder for a key of which only the digest is known', () => {
    const lines = banner(configure(envFile(`RASPAP_API_KEY=${hashKey(KEY)}\n`)), 8081, {}, undefined).join('\n');
    assert.match(lines, /"access_token: KEY"/);
    assert.doesNotMatch(lines, /[\da-f]{64}/);
  });

  test('does not name the copy of the key that only the service may read', () => {
    const runtime = join(folder, 'runtime');
    mkdirSync(runtime);
    const lines = banner(configure(join(runtime, 'env')), 8081, { RUNTIME_DIRECTORY: runtime }, undefined).join('\n');
    assert.match(lines, /^key: sudo apsnap key show prints it$/m);
    assert.match(lines, /curl -H "access_token: \$\(sudo apsnap key show\)" /);
  });

  const tls: readonly [name: Name, clientCa: string | undefined, expected: RegExp][] = [
    ['self-signed', undefined, /curl --cacert \S+self-signed\.pem -H .* https:\/\/127\.0\.0\.1:443\/system$/],
    ['named', undefined, /curl --connect-to ap\.example\.org:443:127\.0\.0\.1:443 -H .* https:\/\/ap\.example\.org:443\/system$/],
    ['server', 'authority.pem', /curl --cert YOUR_CERTIFICATE --key ITS_KEY -H .* https:\/\/127\.0\.0\.1:443\/system$/],
  ];
  for (const [name, authority, expected] of tls) {
    test(`has curl's options for a certificate that is ${name}`, () => {
      const files = { cert: pemFile(`${name}.pem`), key: pemFile(`${name}.key.pem`), clientCa: authority && pemFile(authority) };
      const config = configure(envFile(`RASPAP_API_KEY=${KEY}\n`), '--tls-cert', files.cert, '--tls-key', files.key);
      const lines = banner(config, 443, {}, readTlsPair(files));
      assert.match(lines.at(-1) ?? '', expected);
      assert.doesNotMatch(lines.join('\n'), /http:/);
    });
  }
});

test('secrets over plain HTTP, or for every key, are warned about', () => {
  const warnings = (hasSecretsKey: boolean, ...args: string[]) => secretsWarnings(configure('/nowhere/.env', ...args), hasSecretsKey);
  assert.deepEqual(warnings(false), []);
  assert.deepEqual(warnings(true, '--host', '127.0.0.1'), []);
  assert.deepEqual(warnings(true), ['secrets and the key are sent over plain HTTP on 0.0.0.0: others on the network can read them']);
  assert.match(warnings(true, '--expose-secrets', '--host', '::1').join(), /^--expose-secrets shows secrets to every key: /);
});

test('words for a shell are quoted if necessary', () => {
  assert.equal(shellWord('/etc/apsnap/.env'), '/etc/apsnap/.env');
  assert.equal(shellWord("it's $HOME"), "'it'\\''s $HOME'");
});
