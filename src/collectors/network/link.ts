/** Kind and state of a network interface, from its folder in /sys/class/net. */
import { quote, SourceError } from '../../errors.js';
import type { Machine } from '../../machine/machine.js';
import { parseMac } from '../../parse/mac.js';
import { readAttribute } from './network-interface.js';

export const DUPLEX = ['half', 'full'] as const;

interface Link {
  readonly wireless: boolean;
  /** True for an Ethernet link layer that isn't a radio. */
  readonly ethernet: boolean;
  readonly kind: string | null;
  readonly mac_address: string | null;
  /** Switched on. This and all values below are null if the kernel doesn't report them. */
  readonly admin_up: boolean | null;
  readonly operational_state: string | null;
  readonly carrier: boolean | null;
  readonly speed_mbps: number | null;
  readonly duplex: (typeof DUPLEX)[number] | null;
  readonly mtu: number | null;
  readonly vpn: boolean;
}

/** Kinds of tunnels. Not ppp, which mostly belongs to a modem and is the uplink, nor tap, which mostly belongs to a virtual machine. */
const VPN_KINDS = ['wireguard', 'tun', 'ovpn', 'ovpn-dco'];

// linux/if_arp.h
const ARPHRD_ETHER = '1';
const ARPHRD_LOOPBACK = '772';

/**
 * Reads kind and state of an interface. As this happens every other second, it skips files that can't matter.
 *
 * @param files names in its folder
 * @throws {SourceError} if a value is malformed or may not be read
 */
export function readLink(machine: Machine, name: string, files: ReadonlySet<string>): Link {
  const wireless = files.has('phy80211') || files.has('wireless');
  const type = wireless ? undefined : readAttribute(machine, name, 'type');
  const ethernet = type === ARPHRD_ETHER;
  const kind = wireless ? 'wlan' : readKind(machine, name, files, type);
  const state = readState(machine, name);
  // The driver of a tap invents its speed.
  const wire = ethernet && kind !== 'tap' && state.carrier === true;
  return {
    wireless,
    ethernet,
    kind,
    mac_address: parseMac(readAttribute(machine, name, 'address') ?? '') ?? null,
    ...state,
    speed_mbps: wire ? parseSpeed(readAttribute(machine, name, 'speed') ?? '-1') : null,
    duplex: wire ? parseDuplex(readAttribute(machine, name, 'duplex')) : null,
    mtu: parseMtu(readAttribute(machine, name, 'mtu')),
    vpn: kind !== null && VPN_KINDS.includes(kind),
  };
}

function readKind(machine: Machine, name: string, files: ReadonlySet<string>, type: string | undefined): string | null {
  if (files.has('bridge')) return 'bridge';
  if (files.has('tun_flags')) return parseTunFlags(readAttribute(machine, name, 'tun_flags') ?? '0x0');
  const deviceType = parseDeviceType(readAttribute(machine, name, 'uevent') ?? '');
  if (deviceType) return deviceType;
  if (type === ARPHRD_ETHER) return 'ethernet';
  return type === ARPHRD_LOOPBACK ? 'loopback' : null;
}

/** Carrier by `operstate` of an interface that is switched on, so that `carrier` need not be read: Documentation/networking/operstates.rst. */
const CARRIER: ReadonlyMap<string, boolean> = new Map([
  ['up', true],
  ['dormant', true],
  ['testing', true],
  ['down', false],
  ['lowerlayerdown', false],
  ['notpresent', false],
]);

function readState(machine: Machine, name: string): Pick<Link, 'admin_up' | 'operational_state' | 'carrier'> {
  const flags = readAttribute(machine, name, 'flags');
  const admin_up = flags === undefined ? null : isUp(flags);
  const operstate = readAttribute(machine, name, 'operstate');
  const operational_state = operstate === undefined ? null : parseOperstate(operstate);
  if (!admin_up || operational_state === null) return { admin_up, operational_state, carrier: null };
  // Drivers of tunnels and the like leave `operstate` at `unknown`.
  const carrier = CARRIER.get(operational_state) ?? readCarrier(machine, name);
  return { admin_up, operational_state, carrier };
}

// linux/if.h
const IFF_UP = 0x1;
// linux/if_tun.h
const IFF_TUN = 0x1;
const IFF_TAP = 0x2;

/** Tells whether an interface is switched on, from its `flags`: `0x1003`. */
export function isUp(flags: string): boolean {
  return (parseFlags(flags, 'flags') & IFF_UP) !== 0;
}

/** Parses `tun_flags`: `0x1801` for a tun, `0x1802` for a tap. Returns null for neither. */
export function parseTunFlags(text: string): 'tun' | 'tap' | null {
  const flags = parseFlags(text, 'tun_flags');
  if (flags & IFF_TUN) return 'tun';
  return flags & IFF_TAP ? 'tap' : null;
}

function parseFlags(text: string, attribute: string): number {
  if (!/^0x[0-9a-f]{1,8}$/i.test(text)) throw new SourceError('malformed', `interfaces: ${attribute} is not a number: ${quote(text)}`);
  return Number.parseInt(text, 16);
}

/**
 * Parses DEVTYPE in an interface's `uevent`. Drivers set it for everything except plain Ethernet.
 *
 *     DEVTYPE=wireguard
 *     INTERFACE=wg0
 *     IFINDEX=4
 */
export function parseDeviceType(text: string): string | null {
  return /^DEVTYPE=([\w-]{1,32})$/m.exec(text)?.[1] ?? null;
}

/** Parses `operstate`: a word of RFC 2863. */
export function parseOperstate(text: string): string {
  if (!/^[a-z]{1,32}$/.test(text)) throw new SourceError('malformed', `interfaces: operstate is not a word: ${quote(text)}`);
  return text;
}

function readCarrier(machine: Machine, name: string): boolean | null {
  const text = readAttribute(machine, name, 'carrier');
  if (text === undefined) return null;
  if (text !== '0' && text !== '1') throw new SourceError('malformed', `interfaces: carrier is not 0 or 1: ${quote(text)}`);
  return text === '1';
}

/** Parses `speed` in Mbit/s. Returns null for 0 and for an unknown speed, which is -1, or unsigned in older kernels. */
export function parseSpeed(text: string): number | null {
  if (!/^-?\d{1,10}$/.test(text)) throw new SourceError('malformed', `interfaces: speed is not a number: ${quote(text)}`);
  const speed = Number(text);
  return speed > 0 && speed < 0x7fff_ffff ? speed : null;
}

/** Parses `duplex`: `half` or `full`. Returns null for other words (`unknown`). */
function parseDuplex(text: string | undefined): Link['duplex'] {
  return DUPLEX.find((duplex) => duplex === text) ?? null;
}

function parseMtu(text: string | undefined): number | null {
  if (text === undefined) return null;
  if (!/^\d{1,10}$/.test(text)) throw new SourceError('malformed', `interfaces: mtu is not a number: ${quote(text)}`);
  return Number(text);
}
