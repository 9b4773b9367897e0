// Lists and logs in folders that the service may not enter.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closedFolder, machineWith, sampleValue } from '../../../support/sample.js';

for (const [name, folder] of [
  ['domains', '/etc/raspap'],
  ['hostnames', '/etc/raspap'],
  ['dnslog', '/var/log'],
] as const) {
  test(`${name}: a folder without search permission is a permission failure, not an absent file`, () => {
    assert.throws(() => sampleValue(name, machineWith({ [folder]: closedFolder })), { code: 'permission', message: /permission denied$/ });
  });
}
