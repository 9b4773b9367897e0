import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { StartError } from '../../../../src/errors.js';
import { nameToAskFor } from '../../../../src/http/server/certificate.js';
import { readTlsPair } from '../../../../src/http/server/tls-files.js';
import { type Name, pem, pemFile } from '../../../support/certificates.js';

const filesOf = (name: Name) => ({ cert: pemFile(`${name}.pem`), key: pemFile(`${name}.key.pem`), clientCa: undefined });

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'apsnap-tls-'));
  writeFileSync(join(folder, 'garbage.pem'), '-----BEGIN CERTIFICATE-----\nTm90IERFUg==\n-----END CERTIFICATE-----\n');
  writeFileSync(join(folder, 'second.pem'), `${pem('server.pem')}-----BEGIN CERTIFICATE-----\nTm90IERFUg==\n-----END CERTIFICATE-----\n`);
  writeFileSync(join(folder, 'garbage.key.pem'), '-----BEGIN PRIVATE KEY-----\nTm90IERFUg==\n-----END PRIVATE KEY-----\n');
  writeFileSync(join(folder, 'text'), 'text');
  writeFileSync(join(folder, 'chain.pem'), pem('server.pem') + pem('authority.pem'));
  writeFileSync(join(folder, 'reversed.pem'), pem('authority.pem') + pem('server.pem'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

const at = (name: string) => (name.startsWith('/') ? name : readdirSync(folder).includes(name) ? join(folder, name) : pemFile(name));

test('a certificate and its key are read', () => {
  for (const [cert, key] of [
    ['server.pem', 'server.key.pem'],
    ['chain.pem', 'server.key.pem'],
    ['self-signed.pem', 'self-signed.key.pem'],
    ['expired.pem', 'expired.key.pem'],
  ] as const) {
    assert.equal(readTlsPair({ cert: at(cert), key: at(key), clientCa: at('chain.pem') }).cert, readFileSync(at(cert), 'utf8'));
  }
});

const wrong: readonly [cert: string, key: string, clientCa: string | undefined, message: RegExp][] = [
  ['nope.pem', 'server.key.pem', undefined, /^--tls-cert \S+nope\.pem: cannot be read: ENOENT$/],
  ['/dev/zero', 'server.key.pem', undefined, /^--tls-cert \/dev\/zero: cannot be read: not a regular file$/],
  ['text', 'server.key.pem', undefined, /^--tls-cert \S+text: holds no certificate in PEM form: expected -----BEGIN CERTIFICATE-----$/],
  ['server.key.pem', 'server.pem', undefined, /^--tls-cert \S+: holds no certificate but a private key: swap the two files$/],
  ['garbage.pem', 'server.key.pem', undefined, /^--tls-cert \S+garbage\.pem: certificate 1 is malformed: /],
  ['second.pem', 'server.key.pem', undefined, /^--tls-cert \S+second\.pem: certificate 2 is malformed: /],
  ['reversed.pem', 'server.key.pem', undefined, /^--tls-key \S+: it is not the key of the first certificate in \S+reversed\.pem$/],
  ['server.pem', 'nope.pem', undefined, /^--tls-key \S+nope\.pem: cannot be read: ENOENT$/],
  ['server.pem', '/proc', undefined, /^--tls-key \/proc: cannot be read: not a regular file$/],
  ['server.pem', 'text', undefined, /^--tls-key \S+text: holds no private key in PEM form: expected -----BEGIN PRIVATE KEY-----$/],
  ['server.pem', 'client.pem', undefined, /^--tls-key \S+: holds no private key but a certificate: swap the two files$/],
  ['server.pem', 'client.key.pem', undefined, /^--tls-key \S+: it is not the key of the first certificate in \S+server\.pem$/],
  ['server.pem', 'garbage.key.pem', undefined, /^--tls-key \S+: its private key is malformed: /],
  ['server.pem', 'encrypted.key.pem', undefined, /^--tls-key \S+: it is encrypted, .*: decrypt it with openssl pkey /],
  ['server.pem', 'encrypted-traditional.key.pem', undefined, /^--tls-key \S+: it is encrypted, /],
  ['weak.pem', 'weak.key.pem', undefined, /^--tls-cert \S+weak\.pem: OpenSSL rejects it: ee key too small$/],
  ['server.pem', 'server.key.pem', 'nope.pem', /^--tls-client-ca \S+nope\.pem: cannot be read: ENOENT$/],
  ['server.pem', 'server.key.pem', 'text', /^--tls-client-ca \S+text: holds no certificate in PEM form/],
  ['server.pem', 'server.key.pem', 'second.pem', /^--tls-client-ca \S+second\.pem: certificate 2 is malformed: /],
];
for (const [cert, key, clientCa, message] of wrong) {
  test(`rejected: ${cert} ${key}${clientCa ? ` ${clientCa}` : ''}`, () => {
    assert.throws(
      () => readTlsPair({ cert: at(cert), key: at(key), clientCa: clientCa && at(clientCa) }),
      (error) => {
        assert.ok(error instanceof StartError);
        assert.match(error.message, message);
        return true;
      },
    );
  });
}

test('clients are told an address or a name of the certificate', () => {
  const name = (pair: Name, address: string) => nameToAskFor(readTlsPair(filesOf(pair)), address);
  assert.equal(name('server', '127.0.0.1'), '127.0.0.1');
  assert.equal(name('server', '::1'), '::1');
  assert.equal(name('server', '10.3.141.1'), 'localhost');
  assert.equal(name('named', '127.0.0.1'), 'ap.example.org');
  assert.equal(name('named', 'other.example.org'), 'other.example.org');
  assert.equal(name('client', '127.0.0.1'), '127.0.0.1');
});
