/**
 * Names that the service answers to. A hostile page can point its own name at the service's address (DNS rebinding). The browser then
 * treats the service as part of that page's site, but the `Host` header still has the hostile name.
 */
import { isIP } from '../../parse/ip-address.js';

/** Results kept in memory. Beyond that, all are dropped: a client that sends ever new names must not fill the memory. */
const MAX_RESULTS_KEPT = 100;

/** Checks the `Host` header of a request. */
export type HostCheck = (host: string | undefined) => boolean;

/**
 * Makes the check. It accepts the listed names, `localhost` and all addresses, as DNS can't lead to those. It also accepts requests
 * without `Host`: they are HTTP/1.0, which no browser sends.
 *
 * @param names in lower case and without port. An empty list allows every name
 *
 * @example createHostCheck(['ap.example'])('AP.example:8081') // true
 */
export function createHostCheck(names: readonly string[]): HostCheck {
  if (names.length === 0) return () => true;
  const allowed = new Set([...names, 'localhost']);
  const results = new Map<string, boolean>();
  return (host) => {
    if (host === undefined) return true;
    let result = results.get(host);
    if (result === undefined) {
      const name = hostName(host);
      result = name !== undefined && (allowed.has(name) || isIP(name) !== 0);
      if (results.size >= MAX_RESULTS_KEPT) results.clear();
      results.set(host, result);
    }
    return result;
  };
}

/**
 * Parses a `Host` header, RFC 9110, 7.2.
 *
 *     ap.example:8081    [2001:db8::1]:8081    AP.example.
 *
 * @returns the name or address in lower case and without port; undefined if the header isn't valid
 */
export function hostName(host: string): string | undefined {
  const bracketed = /^\[([\da-f:.]+)\](?::\d{1,5})?$/i.exec(host)?.[1];
  if (bracketed !== undefined) return isIP(bracketed) === 6 ? bracketed.toLowerCase() : undefined;
  return /^([\w.-]{1,253}?)\.?(?::\d{1,5})?$/.exec(host)?.[1]?.toLowerCase();
}
