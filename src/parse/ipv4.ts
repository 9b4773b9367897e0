/** IPv4 addresses as numbers. */

/** Returns the netmask of a prefix length: `255.255.255.0` for 24. */
export function netmask(prefixLength: number): string {
  const mask = 2 ** 32 - 2 ** (32 - prefixLength);
  return [24, 16, 8, 0].map((shift) => Math.floor(mask / 2 ** shift) % 256).join('.');
}

/** Tells whether an address is on a network. `network` may be any address on it. */
export function contains({ network, prefixLength }: { readonly network: string; readonly prefixLength: number }, address: string): boolean {
  const size = 2 ** (32 - prefixLength);
  return Math.floor(toNumber(network) / size) === Math.floor(toNumber(address) / size);
}

function toNumber(address: string): number {
  return address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
}
