import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Machine } from '../../../../src/machine/machine.js';
import { fixture, machineOf } from '../../../support/fixture.js';
import { machineWith, sampleValue, unreadable } from '../../../support/sample.js';

test('files that are unreadable or too large hide no others', () => {
  const folder = '/etc/openvpn/client';
  const machine = machineWith({
    [`${folder}/a_client`]: 'a\n',
    [`${folder}/b_client`]: unreadable('b\n'),
    [`${folder}/c_client`]: 'c'.repeat((256 << 10) + 1),
    [`${folder}/d_client`]: 'd\n',
  });
  assert.deepEqual(sampleValue<{ contents: unknown }>('openvpn', machine, true).contents, [
    { config: 'a_client', lines: ['a'], problem: null },
    { config: 'b_client', lines: null, problem: `${folder}/b_client: permission denied` },
    { config: 'c_client', lines: null, problem: `${folder}/c_client: has more than 262144 bytes` },
    { config: 'd_client', lines: ['d'], problem: null },
  ]);
});

test('contents beyond 8 MiB are left out, with the reason', () => {
  const names = Array.from({ length: 33 }, (_, index) => `${10 + index}_client`);
  const files = Object.fromEntries(names.map((name) => [`/etc/openvpn/client/${name}`, 'a'.repeat(256 << 10)]));
  const { contents } = sampleValue<{ contents: { lines: unknown; problem: string | null }[] }>('openvpn', machineWith(files), true);
  assert.deepEqual(
    contents.map(({ lines }) => lines === null),
    [...Array(32).fill(false), true],
  );
  assert.match(contents[32]?.problem ?? '', /42_client: the configurations have more than 8388608 bytes together$/);
});

test('more than 1,000 configurations, or 10,000 entries, are an error', () => {
  const machine = (amount: number, name: string) =>
    machineWith(Object.fromEntries(Array.from({ length: amount }, (_, index) => [`/etc/openvpn/client/${index}${name}`, ''])));
  const value = sampleValue<{ client_configs: string; contents: unknown[] }>('openvpn', machine(1_000, '_client'));
  assert.deepEqual([value.client_configs, value.contents.length], ['1000', 1_000]);
  assert.throws(() => sampleValue('openvpn', machine(1_001, '_client')), {
    code: 'too-large',
    message: /client: has more than 1000 configurations$/,
  });
  assert.throws(() => sampleValue('openvpn', machine(5_001, '/of/a')), {
    code: 'too-large',
    message: /client: has more than 10000 entries$/,
  });
});

test('contents are read only if secrets are exposed', () => {
  const read: string[] = [];
  const root = machineOf(fixture('openvpn', 'raspap'));
  const machine: Machine = {
    ...root,
    readBytes(path, limit) {
      read.push(path);
      return root.readBytes(path, limit);
    },
  };
  sampleValue('openvpn', machine);
  assert.deepEqual(read, []);
  sampleValue('openvpn', machine, true);
  assert.deepEqual(read, ['/etc/openvpn/client/Travel_client.conf', '/etc/openvpn/client/office_client.conf']);
});
