/** A MAC address in either case: `02:00:00:00:01:00`. */
const MAC = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/i;

/**
 * Parses a MAC address.
 *
 * @param text a MAC address in either case
 * @returns the address in lower case, for comparison; undefined for other text, all zeros and group addresses
 */
export function parseMac(text: string): string | undefined {
  if (!MAC.test(text)) return undefined;
  const mac = text.toLowerCase();
  const group = (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1;
  return group || mac === '00:00:00:00:00:00' ? undefined : mac;
}
