import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { tlsRow } from '../../../../src/cli/doctor/tls.js';
import { type Name, pemFile } from '../../../support/certificates.js';

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'apsnap-tls-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

test('doctor reports validity, trust and the mode of the key', () => {
  const copy = (name: Name, mode: number) => {
    const files = { cert: join(folder, `${name}.copy`), key: join(folder, `${name}.key.copy`), clientCa: undefined };
    copyFileSync(pemFile(`${name}.pem`), files.cert);
    copyFileSync(pemFile(`${name}.key.pem`), files.key);
    chmodSync(files.key, mode);
    return files;
  };
  const good = tlsRow(copy('server', 0o640));
  assert.equal(good.state, 'ok');
  assert.match(good.why ?? '', /^for localhost, 127\.0\.0\.1, \S+, valid until 2120-01-01, \d{5} days from now$/);
  assert.equal(good.advice, undefined);
  const own = copy('self-signed', 0o644);
  const poor = tlsRow(own);
  assert.equal(poor.state, 'ok');
  assert.match(poor.why ?? '', /; it is self-signed; every user of this machine can read its key$/);
  assert.equal(poor.advice, `make clients trust it: curl --cacert ${own.cert}; chmod o= ${own.key}`);
  const expired = tlsRow(copy('expired', 0o600));
  assert.deepEqual([expired.state, expired.why], ['failing', 'the certificate expired on 2021-01-01']);
  const none = tlsRow({ ...own, cert: '/nowhere.pem', clientCa: '/c.pem' });
  assert.deepEqual([none.state, none.source], ['failing', `/nowhere.pem, ${own.key}, /c.pem`]);
  assert.match(none.why ?? '', /cannot be read: ENOENT$/);
});
