/**
 * Finds the address of a request's client: the other end of the connection, or the address that a trusted proxy names.
 *
 *     client ─▶ proxy (adds the client) ─▶ trusted proxy (adds the proxy) ─▶ apsnap
 *     X-Forwarded-For: whatever the client sent, client, proxy
 *                                                        ▲ the last address that isn't trusted
 *
 * `Forwarded` (RFC 7239) is ignored: a proxy that adds one of the two headers passes on the other as the client wrote it.
 */
import type { IncomingMessage } from 'node:http';
import { BlockList } from 'node:net';
import { isIP } from '../parse/ip-address.js';

/** Returns the client that a trusted proxy names. `undefined`: the request comes from no trusted proxy. */
export type ForwardedFor = (request: IncomingMessage) => string | undefined;

/** Returns an IPv4 address as such: a socket for both families shows 10.0.0.1 as `::ffff:10.0.0.1`. */
export function plainAddress(address: string): string {
  const [, dotted, high, low] = /^::ffff:(?:(\d+\.\d+\.\d+\.\d+)|([\da-f]{1,4}):([\da-f]{1,4}))$/i.exec(address) ?? [];
  if (high === undefined || low === undefined) return dotted ?? address;
  return [high, low].flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]).join('.');
}

/**
 * Returns what is counted as one client: an IPv4 address, or the /64 network of an IPv6 address, as a device may take any address in it.
 *
 *     2001:db8:0:1:aaaa::1    2001:db8:0:1
 *     fe80::1%wlan0           fe80:0:0:0%wlan0
 */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address;
  const [digits = '', zone] = address.split('%', 2);
  const [head = '', tail] = digits.split('::', 2);
  const groupsOf = (text: string) => (text === '' ? [] : text.split(':'));
  const before = groupsOf(head);
  // An IPv4 address at the end (64:ff9b::10.0.0.1) takes the place of two groups.
  const after = groupsOf(tail ?? '').flatMap((group) => (group.includes('.') ? ['0', '0'] : [group]));
  const between = tail === undefined ? [] : Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => '0');
  const groups = [...before, ...between, ...after].slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return groups.join(':') + (zone === undefined ? '' : `%${zone}`);
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Tells whether only this machine can connect to or from an address. */
export function isLoopback(host: string): boolean {
  const family = isIP(host);
  return host === 'localhost' || (family !== 0 && loopback.check(host, family === 6 ? 'ipv6' : 'ipv4'));
}

/**
 * Parses addresses, and networks in CIDR notation.
 *
 * @returns `undefined` if one of them is neither
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
 * Creates the reader of `X-Forwarded-For`. It ignores the header unless the connection comes from a trusted proxy.
 *
 * @param trusted addresses and networks, checked by {@link networks}
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
      // A trusted proxy writes only addresses, so everything left of another word comes from the client.
      if (address === undefined) break;
      client = address;
      if (!isTrusted(address)) break;
    }
    return client;
  };
}

/** Returns the address of one hop. Some proxies add the port: `192.0.2.1:4711`, `[2001:db8::1]:4711`. */
function hopAddress(hop: string): string | undefined {
  const text = hop.trim();
  const address = /^\[([^\]]+)\](?::\d{1,5})?$/.exec(text)?.[1] ?? /^(\d+\.\d+\.\d+\.\d+):\d{1,5}$/.exec(text)?.[1] ?? text;
  return isIP(address) === 0 ? undefined : plainAddress(address);
}
