/** DHCP ranges in dnsmasq's configuration, and the interfaces that they serve. */
import { quote, SourceError } from '../errors.js';
import { parseOptions } from './dnsmasq-options.js';
import { isIP, isIPv4 } from './ip-address.js';
import { contains } from './ipv4.js';

export interface DhcpRange {
  start: string;
  end: string | null;
  netmask: string | null;
  leaseTime: string | null;
  interface: string | null;
  interfaces: string[];
  routers: string[] | null;
  nameServers: string[] | null;
}

/** An IPv4 network that an interface is directly connected to. */
export interface Network {
  readonly interface: string;
  readonly network: string;
  readonly prefixLength: number;
}

/** Maximum interfaces in a line. Further ones are ignored: a line of a million names is a mistake. */
const MAX_INTERFACES = 64;

/**
 * Parses the IPv4 ranges of one dnsmasq configuration file, dnsmasq(8):
 * `dhcp-range=[tag:…,][set:…,][interface:…,]start[,end|mode][,netmask[,broadcast]][,lease time]`. Old files leave
 * out `set:`.
 *
 *     # RaspAP wlan0 configuration
 *     interface=wlan0
 *     dhcp-range=10.3.141.50,10.3.141.255,255.255.255.0,12h
 *     dhcp-option=6,9.9.9.9,1.1.1.1
 *
 * dnsmasq ignores the order of lines, but authors of such files write a range below its interface, and RaspAP names the file after
 * the interface.
 *
 * @param source path of the file
 * @throws {SourceError} if a range doesn't start with an address
 */
export function parseDhcpRanges(text: string, source: string): DhcpRange[] {
  const options = parseOptions(text);
  const announced = parseDhcpOptions(options.flatMap(({ name, value }) => (/^dhcp-option(?:-force)?$/.test(name) && value) || []));
  // These names of RaspAP's files aren't interfaces.
  const named = /\/090_(?!raspap\.|adblock\.)([^/]+)\.conf$/.exec(source)?.[1];
  let interfaces = named === undefined ? [] : [named];
  const ranges: DhcpRange[] = [];
  for (const { name, value } of options) {
    if (value === null) continue;
    if (name === 'interface') interfaces = parseInterfaces(value) ?? interfaces;
    if (name !== 'dhcp-range') continue;
    const range = parseRange(value, source);
    if (!range) continue;
    const { tags, ...rest } = range;
    // dnsmasq tags each request with the interface's name.
    const known = [...tags, ...(range.interface === null ? interfaces : [range.interface])];
    ranges.push({ ...rest, interfaces, routers: announced(ROUTER, known), nameServers: announced(NAME_SERVER, known) });
  }
  return ranges;
}

/** Parses `interface=lo,uap0`. Returns undefined if no name can have clients, or all are patterns. */
function parseInterfaces(value: string): string[] | undefined {
  const names = value.split(',').map((name) => name.trim());
  const served = [...new Set(names)].filter((name) => name !== '' && name !== 'lo' && !name.includes('*')).slice(0, MAX_INTERFACES);
  return served.length > 0 ? served : undefined;
}

function parseRange(
  value: string,
  source: string,
): (Omit<DhcpRange, 'interfaces' | 'routers' | 'nameServers'> & { tags: string[] }) | undefined {
  const fields = value.split(',').map((field) => field.trim());
  const named = fields.filter((field) => PREFIXED.test(field));
  const bare = fields.filter((field) => !PREFIXED.test(field));
  const tag = BARE_TAG.test(bare[0] ?? '') && isIP(bare[1] ?? '') !== 0 ? bare.shift() : undefined;
  const [start = '', ...rest] = bare;
  if (start.includes(':')) return undefined; // IPv6
  if (!isIPv4(start)) throw new SourceError('malformed', `${source}: dhcp-range does not start with an address: ${quote(value)}`);
  if (rest.includes('proxy')) return undefined; // another DHCP server leases, dnsmasq only adds boot options
  const addresses = rest.filter(isIPv4);
  const words = rest.filter((field) => !isIPv4(field));
  const end = isNetmask(addresses[0]) ? undefined : addresses.shift();
  return {
    start,
    end: end ?? null,
    netmask: addresses[0] ?? null,
    leaseTime: words.find((word) => LEASE_TIME.test(word)) ?? null,
    interface: named.find((field) => field.startsWith('interface:'))?.slice('interface:'.length) ?? null,
    tags: tag === undefined ? named.filter((field) => field.startsWith('set:')).map((field) => field.slice('set:'.length)) : [tag],
  };
}

const PREFIXED = /^(?:interface|set|tag|net):/;
const BARE_TAG = /^[^.:]+$/;

/** A lease duration as dnsmasq writes it. */
export const LEASE_TIME = /^(?:\d+[smhdw]?|infinite)$/i;

function isNetmask(address: string | undefined): boolean {
  return address?.startsWith('255.') ?? false;
}

const ROUTER = '3';
const NAME_SERVER = '6';
const CODES = new Map([
  ['option:router', ROUTER],
  ['option:dns-server', NAME_SERVER],
]);

/**
 * Parses the addresses in `dhcp-option` lines, dnsmasq(8): `[tag:…,]number|option:name[,value…]`. The last of several lines wins,
 * and a line with a tag beats one without. Without a value the option isn't sent. Lines that need two tags, or the absence of
 * one, are ignored: they depend on the client.
 *
 *     6,9.9.9.9,1.1.1.1
 *     tag:wlan1,option:router,10.3.142.1
 *
 * @returns finds the addresses of an option for a client with these tags; null if no line sets it
 */
function parseDhcpOptions(values: readonly string[]): (code: string, tags: readonly string[]) => string[] | null {
  const addresses = new Map<string, string[]>();
  for (const value of values) {
    const fields = value.split(',').map((field) => field.trim());
    const at = fields.findIndex((field) => /^\d+$|^option6?:/.test(field));
    const name = fields[at] ?? '';
    const code = CODES.get(name) ?? name;
    if (at < 0 || at > 1 || (code !== ROUTER && code !== NAME_SERVER)) continue;
    const tag = at === 0 ? '' : (fields[0] ?? '').replace(/^(?:tag|net):/, '');
    addresses.set(`${code} ${tag}`, fields.slice(at + 1).filter(isIPv4));
  }
  return (code, tags) => {
    const tag = tags.find((one) => addresses.has(`${code} ${one}`)) ?? '';
    return addresses.get(`${code} ${tag}`) ?? null;
  };
}

/**
 * Finds the interfaces that a range serves: those in its line, else those whose network contains its start, else those in its file,
 * as the interface may be down.
 *
 * @returns usually one interface; none if it can't be known
 */
export function rangeInterfaces(
  range: Pick<DhcpRange, 'start' | 'interface' | 'interfaces'>,
  networks: readonly Network[],
): readonly string[] {
  if (range.interface !== null) return [range.interface];
  const around = networks.filter((network) => network.prefixLength >= MIN_PREFIX_LENGTH && contains(network, range.start));
  const longest = around.reduce((bits, network) => Math.max(bits, network.prefixLength), 0);
  const on = [...new Set(around.filter((network) => network.prefixLength === longest).map((network) => network.interface))];
  if (on.length === 0) return range.interfaces;
  // Two interfaces may be on one network, such as a client's and an access point's.
  const meant = on.filter((name) => range.interfaces.includes(name));
  return meant.length > 0 ? meant : on;
}

/** Minimum prefix length of a network. A VPN's 0.0.0.0/1 contains half of all ranges and isn't a network. */
const MIN_PREFIX_LENGTH = 8;
