/** A MAC address, case aside: `02:00:00:00:01:00`. */
const MAC = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/i;

/**
 * @param text a MAC address in either case
 * @returns in lower case, in which they are compared; undefined if it is none, or one that no station has (all zeros, a group address)
 */
export function parseMac(text: string): string | undefined {
  if (!MAC.test(text)) return undefined;
  const mac = text.toLowerCase();
  const group = (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1;
  return group || mac === '00:00:00:00:00:00' ? undefined : mac;
}
