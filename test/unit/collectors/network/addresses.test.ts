import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parseAddr } from '../../../../src/collectors/network/addresses.js';
import { quote } from '../../../../src/errors.js';
import { anyText, FEW_RUNS, isValueOrMalformed } from '../../../support/parser-cases.js';

describe('addresses', () => {
  const real = { ifname: 'wlan0', addr_info: [{ family: 'inet', local: '10.3.141.1', prefixlen: 24, scope: 'global' }] };
  const parsed = { interface: 'wlan0', family: 'inet', address: '10.3.141.1', prefixLength: 24, scope: 'global' };

  test('text that is not a JSON array is rejected', () => {
    for (const text of ['[', '{}', 'null', '1', '[]]', '1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536\n']) {
      assert.throws(() => parseAddr(text), { code: 'malformed', message: `ip -j addr: expected a JSON array: ${quote(text)}` });
    }
    assert.deepEqual(parseAddr(''), []);
  });

  test('entries whose fields are of another type are skipped', () => {
    const [address] = real.addr_info;
    const odd = [
      null,
      1,
      'x',
      [],
      {},
      { ...real, ifname: 1 },
      { ...real, addr_info: {} },
      { ...real, addr_info: [null, 1, 'x', [], {}] },
      ...[
        { family: 'link' },
        { family: 'inet6' },
        { local: '10.3.141' },
        { local: { toString: 1 } },
        { prefixlen: 33 },
        { prefixlen: -1 },
        { prefixlen: 1.5 },
        { prefixlen: '24' },
      ].map((part) => ({ ...real, addr_info: [{ ...address, ...part }] })),
    ];
    assert.deepEqual(parseAddr(JSON.stringify([...odd, real])), [parsed]);
  });

  test('a scope without a name counts as global', () => {
    assert.deepEqual(parseAddr(JSON.stringify([{ ...real, addr_info: [{ ...real.addr_info[0], scope: 200 }] }])), [parsed]);
  });

  test('any text gives a value or a SourceError', () => {
    fc.assert(
      fc.property(anyText([JSON.stringify([real])]), (text) => void isValueOrMalformed(() => parseAddr(text))),
      FEW_RUNS,
    );
  });
});
