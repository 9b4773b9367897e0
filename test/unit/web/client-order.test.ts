import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Column, searchClients, sortClients } from '../../../web/client-order.js';
import type { Client } from '../../../web/model.js';
import { exampleClient, someClients } from '../../support/example-machine.js';

const named = ['phone-10', 'Phone-2', null, 'phone-1'].map((hostname, index) =>
  exampleClient({ hostname, mac_address: `02:00:00:00:00:0${index}` }),
);

const sortBy = <Key extends keyof Client>(clients: readonly Client[], column: Column, key: Key, descending = false) =>
  sortClients(clients, { column, descending }).map((client) => client[key]);

test('names sort by their numbers, without regard to case', () => {
  assert.deepEqual(sortBy(named, 'name', 'hostname'), ['phone-1', 'Phone-2', 'phone-10', null]);
});

test('unknown values come last in both directions', () => {
  assert.equal(sortBy(named, 'name', 'hostname').at(-1), null);
  assert.equal(sortBy(named, 'name', 'hostname', true).at(-1), null);
});

test('addresses sort by number, IPv6 after IPv4', () => {
  const clients = ['10.0.0.10', 'fe80::1', '10.0.0.9'].map((ip_address) => exampleClient({ mac_address: null, ip_address }));
  assert.deepEqual(sortBy(clients, 'address', 'ip_address'), ['10.0.0.9', '10.0.0.10', 'fe80::1']);
});

test('the order of equal clients does not depend on the order before', () => {
  const once = sortClients(someClients, { column: 'down', descending: true });
  assert.deepEqual(sortClients([...once].reverse(), { column: 'down', descending: true }), once);
});

test('a search matches all words, in names, addresses and interfaces', () => {
  const found = (text: string) => searchClients(someClients, text).map(({ hostname }) => hostname);
  assert.deepEqual(found('  WLAN1 bob '), ['bobs-laptop']);
  assert.deepEqual(found('dc:a6:32'), ['nas']);
  assert.equal(found(' ').length, someClients.length);
});
