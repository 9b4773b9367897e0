import assert from 'node:assert/strict';
import { test } from 'node:test';
import { optionValues } from '../../../src/parse/dnsmasq-options.js';
import { captured, testParser } from '../../support/parser-cases.js';

testParser('optionValues', {
  parse: (text) => optionValues(text, 'dhcp-range'),
  real: [captured('dnsmasq', 'tags', 'etc/dnsmasq.conf')],
  malformed: [],
});

test('optionValues reads values without comments and blanks', () => {
  const text = 'port=1\n port = 2 # two\n#port=3\nport=a#b\nport-limit=4\nport\nport=\n';
  assert.deepEqual(optionValues(text, 'port'), ['1', '2', 'a#b', '']);
});
