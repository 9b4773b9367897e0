/**
 * Whose request it is: the other end of the connection, or who a proxy that is trusted says it was.
 *
 *     client ─▶ proxy (adds the client) ─▶ proxy of ours (adds the proxy) ─▶ apsnap
 *     X-Forwarded-For: what the client made up, client, proxy
 *                                               ▲ the last that is not trusted
 *
 * `Forwarded` (RFC 7239) is not believed: proxies that add the one pass the other on as the client wrote it.
 */
import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, isIPv6 } from 'node:net';

/** Tells who a proxy says it was; undefined: no proxy of ours, so the connection's own end it is. */
export type ForwardedFor = (request: IncomingMessage) => string | undefined;

/** An address without what does not tell hosts apart: `::ffff:10.0.0.1`, as a socket for both families has it, is 10.0.0.1. */
export function plainAddress(address: string): string {
  const [, dotted, high, low] = /^::ffff:(?:(\d+\.\d+\.\d+\.\d+)|([\da-f]{1,4}):([\da-f]{1,4}))$/i.exec(address) ?? [];
  if (high === undefined || low === undefined) return dotted ?? address;
  return [high, low].flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]).join('.');
}

/**
 * What is counted as one: an IPv4 address, and of IPv6 the network of 64 bits, for a host may take any address in it.
 *
 *     2001:db8:0:1:aaaa::1    2001:db8:0:1
 *     fe80::1%wlan0           fe80:0:0:0%wlan0
 */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [digits = '', zone] = address.split('%', 2);
  const [head = '', tail] = digits.split('::', 2);
  const groupsOf = (text: string) => (text === '' ? [] : text.split(':'));
  const before = groupsOf(head);
  // An IPv4 address at the end (64:ff9b::10.0.0.1) has the place of two groups.
  const after = groupsOf(tail ?? '').flatMap((group) => (group.includes('.') ? ['0', '0'] : [group]));
  const between = tail === undefined ? [] : Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => '0');
  const groups = [...before, ...between, ...after].slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return groups.join(':') + (zone === undefined ? '' : `%${zone}`);
}

/**
 * Addresses and networks in CIDR notation as one list.
 *
 * @returns undefined if one is neither
 */
export function networks(texts: readonly string[]): BlockList | undefined {
  const list = new BlockList();
  for (const text of texts) {
    const [, address = '', length] = /^([^/%]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
    const version = isIP(address);
    const bits = version === 6 ? 128 : 32;
    if (version === 0 || Number(length ?? bits) > bits) return undefined;
    list.addSubnet(address, Number(length ?? bits), version === 6 ? 'ipv6' : 'ipv4');
  }
  return list;
}

/**
 * @param trusted addresses and networks, checked by {@link networks}
 * @returns looks at `X-Forwarded-For` of requests that come from one of them, and at nothing else
 */
export function createForwardedFor(trusted: readonly string[]): ForwardedFor {
  const list = trusted.length === 0 ? undefined : networks(trusted);
  if (!list) return () => undefined;
  const isTrusted = (address: string) => {
    const version = isIP(address);
    return version !== 0 && list.check(address, version === 6 ? 'ipv6' : 'ipv4');
  };
  return ({ socket, headers }) => {
    const named = headers['x-forwarded-for'];
    if (typeof named !== 'string' || !isTrusted(plainAddress(socket.remoteAddress ?? ''))) return undefined;
    let client: string | undefined;
    for (const hop of named.split(',').reverse()) {
      const address = hopAddress(hop);
      // What stands before a word that is no address was not written by a proxy of ours.
      if (address === undefined) break;
      client = address;
      if (!isTrusted(address)) break;
    }
    return client;
  };
}

/** The address of one hop; some proxies add the port: `192.0.2.1:4711`, `[2001:db8::1]:4711`. */
function hopAddress(hop: string): string | undefined {
  const text = hop.trim();
  const address = /^\[([^\]]+)\](?::\d{1,5})?$/.exec(text)?.[1] ?? /^(\d+\.\d+\.\d+\.\d+):\d{1,5}$/.exec(text)?.[1] ?? text;
  return isIP(address) === 0 ? undefined : plainAddress(address);
}
