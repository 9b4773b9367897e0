/**
 * Which names the service answers to. A page of somebody else can have its own name lead to our address (DNS rebinding), and is then of
 * our origin for the browser, but not for us: the name is in `Host`.
 */
import { isIP } from 'node:net';

/** Who sends us ever other names is not to fill the memory. */
const MAX_VERDICTS = 100;

/** Whether a request's `Host` is one to be answered. */
export type HostCheck = (host: string | undefined) => boolean;

/**
 * @param names as the configuration lists them, in lower case and without port; none: any will do
 * @returns takes a name of the list, `localhost` and any address: no DNS leads to those. Without `Host`, as HTTP/1.0 is, it is no browser
 */
export function createHostCheck(names: readonly string[]): HostCheck {
  if (names.length === 0) return () => true;
  const allowed = new Set([...names, 'localhost']);
  const verdicts = new Map<string, boolean>();
  return (host) => {
    if (host === undefined) return true;
    let verdict = verdicts.get(host);
    if (verdict === undefined) {
      const name = hostName(host);
      verdict = name !== undefined && (allowed.has(name) || isIP(name) !== 0);
      if (verdicts.size >= MAX_VERDICTS) verdicts.clear();
      verdicts.set(host, verdict);
    }
    return verdict;
  };
}

/**
 * The name or address in a `Host` header, RFC 9110, 7.2, in lower case and without port; undefined if it is none.
 *
 *     ap.example:8081    [2001:db8::1]:8081    AP.example.
 */
export function hostName(host: string): string | undefined {
  const bracketed = /^\[([\da-f:.]+)\](?::\d{1,5})?$/i.exec(host)?.[1];
  if (bracketed !== undefined) return isIP(bracketed) === 6 ? bracketed.toLowerCase() : undefined;
  return /^([\w.-]{1,253}?)\.?(?::\d{1,5})?$/.exec(host)?.[1]?.toLowerCase();
}
