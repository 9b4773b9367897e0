import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseIni } from '../../../../src/collectors/system/raspap.js';
import { testConfigurationParser } from '../../../support/configuration-cases.js';
import { captured } from '../../../support/parser-cases.js';
import { machineWith, sampleValue, unreadable } from '../../../support/sample.js';

testConfigurationParser('parseIni', parseIni, captured('raspap', 'odd', 'etc/raspap/hostapd.ini'));

test('an unreadable file is an error', () => {
  const file = '/etc/raspap/hostapd.ini';
  assert.throws(() => sampleValue('raspap', machineWith({ [file]: unreadable('') })), {
    code: 'permission',
    message: `${file}: permission denied`,
  });
});

test('a file with NUL bytes is rejected without being quoted', () => {
  assert.throws(() => parseIni('authtoken Secret\0'), {
    code: 'malformed',
    message: /^\/etc\/\S+: has NUL bytes, expected a configuration file$/,
  });
});
