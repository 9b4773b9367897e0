import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createHostCheck, hostName } from '../../../../src/http/middleware/allowed-hosts.js';

describe('allowed hosts', () => {
  const names: readonly [header: string, name: string | undefined][] = [
    ['ap.example', 'ap.example'],
    ['AP.Example.', 'ap.example'],
    ['ap.example:8081', 'ap.example'],
    ['ap.example.:8081', 'ap.example'],
    ['192.0.2.1:80', '192.0.2.1'],
    ['[2001:DB8::1]:8081', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['[ap.example]', undefined],
    ['ap.example:port', undefined],
    ['ap.example:1:2', undefined],
    ['user@ap.example', undefined],
    ['ap.example/evil', undefined],
    ['', undefined],
  ];
  for (const [header, name] of names) test(`the name in ${JSON.stringify(header)}`, () => assert.equal(hostName(header), name));

  test('ever new names do not fill the memory', () => {
    const check = createHostCheck(['ap.example']);
    for (let n = 0; n < 100_000; n++) assert.equal(check(`n${n}.evil.example`), false);
    assert.equal(check('ap.example'), true);
  });
});
