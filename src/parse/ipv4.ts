/** IPv4 addresses as numbers. */

/** The netmask of a prefix: 24 is `255.255.255.0`. */
export function netmask(prefixLength: number): string {
  const mask = 2 ** 32 - 2 ** (32 - prefixLength);
  return [24, 16, 8, 0].map((shift) => Math.floor(mask / 2 ** shift) % 256).join('.');
}

/** Whether an address is on a network, which any address on it may stand for. */
export function contains({ network, prefixLength }: { readonly network: string; readonly prefixLength: number }, address: string): boolean {
  const size = 2 ** (32 - prefixLength);
  return Math.floor(toNumber(network) / size) === Math.floor(toNumber(address) / size);
}

function toNumber(address: string): number {
  return address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
}
