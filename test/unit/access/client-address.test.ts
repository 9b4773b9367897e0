import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createForwardedFor, isLoopback, networkOf, networks, plainAddress } from '../../../src/access/client-address.js';

describe('network of an address', () => {
  const cases: readonly [address: string, network: string][] = [
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8:0:1:aaaa::1', '2001:db8:0:1'],
    ['2001:db8:0:1:bbbb:cccc:dddd:eeee', '2001:db8:0:1'],
    ['2001:0DB8:0000:0001::', '2001:db8:0:1'],
    ['2001:db8::1', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
    ['::', '0:0:0:0'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0'],
    ['fe80::1%wlan0', 'fe80:0:0:0%wlan0'],
    ['nonsense', 'nonsense'],
  ];
  for (const [address, network] of cases) test(address, () => assert.equal(networkOf(address), network));
});

describe('client that a proxy names', () => {
  const cases: readonly [name: string, trusted: string[], remote: string, forwarded: string | undefined, client: string | undefined][] = [
    ['no trusted proxy', [], '10.0.0.1', '192.0.2.1', undefined],
    ['another trusted proxy', ['10.0.0.2'], '10.0.0.1', '192.0.2.1', undefined],
    ['a trusted address', ['10.0.0.1'], '10.0.0.1', '192.0.2.1', '192.0.2.1'],
    ['a trusted network', ['10.0.0.0/8'], '10.9.8.7', '192.0.2.1', '192.0.2.1'],
    ['a socket for both families', ['10.0.0.0/8'], '::ffff:10.9.8.7', '::ffff:192.0.2.1', '192.0.2.1'],
    ['IPv6', ['fd00::/8'], 'fd12::1', '2001:db8::5', '2001:db8::5'],
    ['an address that the client sent itself', ['10.0.0.1'], '10.0.0.1', '203.0.113.9, 192.0.2.1', '192.0.2.1'],
    ['two proxies', ['10.0.0.0/8'], '10.0.0.1', '203.0.113.9, 192.0.2.1,10.0.0.2', '192.0.2.1'],
    ['a client in the trusted network', ['10.0.0.0/8'], '10.0.0.1', '10.0.0.3 , 10.0.0.2', '10.0.0.3'],
    ['ports', ['10.0.0.0/8', 'fd00::/8'], '10.0.0.1', '192.0.2.1:4711, [fd00::1]:80, 10.0.0.2:4711', '192.0.2.1'],
    ['a word before the last proxy', ['10.0.0.0/8'], '10.0.0.1', '192.0.2.1, unknown, 10.0.0.2', '10.0.0.2'],
    ['only a word', ['10.0.0.1'], '10.0.0.1', 'unknown', undefined],
    ['an empty header', ['10.0.0.1'], '10.0.0.1', '', undefined],
    ['no header', ['10.0.0.1'], '10.0.0.1', undefined, undefined],
  ];
  for (const [name, trusted, remoteAddress, forwarded, client] of cases) {
    test(name, () => {
      const request = { socket: { remoteAddress }, headers: { 'x-forwarded-for': forwarded } };
      assert.equal(createForwardedFor(trusted)(request as never), client);
    });
  }
});

test('networks are addresses, or networks in CIDR notation', () => {
  const wrong = ['', 'nope', '10.0.0.0/33', '10.0.0.0/', '10.0.0/8', 'fd00::/129', '10.0.0.0/8/8', '10.0.0.0/-1', 'fe80::1%eth0', '/8'];
  for (const text of wrong) assert.equal(networks([text]), undefined, text);
  for (const text of ['10.0.0.5/8', '::1', '0.0.0.0/0', 'fd00::/8']) assert.ok(networks([text]), text);
});

test('an IPv4 address in an IPv6 one is shown plainly', () => {
  assert.equal(plainAddress('::ffff:192.0.2.1'), '192.0.2.1');
  assert.equal(plainAddress('::FFFF:c000:201'), '192.0.2.1');
  assert.equal(plainAddress('2001:db8::ffff:192.0.2.1'), '2001:db8::ffff:192.0.2.1');
});

test('loopback addresses are those of this machine', () => {
  for (const host of ['127.0.0.1', '127.1.2.3', '::1', '0:0:0:0:0:0:0:1', 'localhost']) assert.ok(isLoopback(host), host);
  for (const host of ['0.0.0.0', '::', '10.3.141.1', '', 'localhost.example', '127.0.0.1.example']) assert.ok(!isLoopback(host), host);
});
