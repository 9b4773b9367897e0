/** Searches and sorts clients. */
import { type Client, nameOf } from './model.js';

export const columns = ['name', 'address', 'mac', 'interface', 'signal', 'down', 'up', 'connected'] as const;
export type Column = (typeof columns)[number];

export interface Order {
  readonly column: Column;
  readonly descending: boolean;
}

const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

/** Returns the sort key of a client. `null` means unknown and comes last in both directions. */
function keyOf(client: Client, column: Column): string | number | null {
  switch (column) {
    case 'name':
      return client.hostname || null;
    case 'address':
      return client.ip_address === null ? null : addressKey(client.ip_address);
    case 'mac':
      return client.mac_address;
    case 'interface':
      return client.interface;
    case 'signal':
      return client.signal_dbm;
    case 'down':
      return client.download_bits_per_second;
    case 'up':
      return client.upload_bits_per_second;
    case 'connected':
      return client.connected_seconds;
  }
}

/** Sorts 10.3.141.9 before 10.3.141.10, and IPv6 after IPv4. */
function addressKey(address: string): string {
  if (address.includes(':')) return `~${address}`;
  return address
    .split('.')
    .map((part) => part.padStart(3, '0'))
    .join('.');
}

/** Returns the clients in order. Equal ones are sorted by name, then by address, so that rows don't jump around. */
export function sortClients(clients: readonly Client[], { column, descending }: Order): Client[] {
  const sign = descending ? -1 : 1;
  const compare = column === 'name' ? collator.compare : compareText;
  const keyed = clients.map((client) => ({ client, key: keyOf(client, column), name: nameOf(client) }));
  keyed.sort((a, b) => {
    if (a.key === null || b.key === null) {
      if (a.key !== b.key) return a.key === null ? 1 : -1;
    } else {
      const difference = typeof a.key === 'number' ? a.key - Number(b.key) : compare(a.key, String(b.key));
      if (difference !== 0) return sign * difference;
    }
    return collator.compare(a.name, b.name) || compareText(a.client.mac_address ?? '', b.client.mac_address ?? '');
  });
  return keyed.map(({ client }) => client);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Returns the clients whose name, addresses and interface contain all words. */
export function searchClients(clients: readonly Client[], text: string): readonly Client[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return clients;
  return clients.filter(({ hostname, mac_address, ip_addresses, ip_address, interface: where }) => {
    const all = [hostname, mac_address, ip_address, ...ip_addresses, where].join(' ').toLowerCase();
    return words.every((word) => all.includes(word));
  });
}
