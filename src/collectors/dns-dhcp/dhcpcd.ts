import { isIP, isIPv4 } from 'node:net';
import { Absent, SourceError } from '../../errors.js';
import { collector } from '../../model/collector.js';
import { array, integer, nullable, object, string } from '../../model/schema.js';

const FILE = '/etc/dhcpcd.conf';
/** A few lines for each interface. */
const MAX_BYTES = 256 << 10;

interface StaticInterface {
  interface: string;
  address: string | null;
  prefixLength: number | null;
  routers: string[];
  nameServers: string[];
}

/** The fixed addresses that dhcpcd gives to interfaces. */
export const dhcpcd = collector({
  name: 'dhcpcd',
  summary: 'Fixed addresses of dhcpcd',
  trigger: 'file-change',
  schedule: '* * * * * *',
  lane: 'quick',
  required: false,
  view: object({
    interfaces: array(
      object({
        interface: string('Name'),
        address: nullable(string('Its IPv4 address')),
        prefixLength: nullable(integer('Length of its network', 'bits')),
        routers: array(string('Address'), 'Routers'),
        nameServers: array(string('Address'), 'Name servers'),
      }),
      'Interfaces that have options of their own',
    ),
  }),
  absent: { interfaces: [] },
  read(machine) {
    const text = machine.readTextIfThere(FILE, MAX_BYTES);
    if (text === undefined) throw new Absent(`${FILE} does not exist`);
    return { value: { interfaces: parseDhcpcd(text) } };
  },
});

/**
 * /etc/dhcpcd.conf, dhcpcd.conf(5): options below an `interface` line are of that interface, until the next such line or the
 * start of another block (`profile`, `ssid`, `arping`); the last of an option counts. `domain_name_server` is RaspAP's spelling.
 *
 *     # RaspAP wlan0 configuration
 *     interface wlan0
 *     static ip_address=10.3.141.1/24
 *     static routers=10.3.141.1
 *     static domain_name_server=9.9.9.9 1.1.1.1
 *
 * @returns interfaces in the order in which they come first
 * @throws SourceError it holds NUL bytes
 */
export function parseDhcpcd(text: string): StaticInterface[] {
  // No line is quoted: an authtoken is a secret.
  if (text.includes('\0')) throw new SourceError('malformed', `${FILE}: holds NUL bytes, so it is no configuration file`);
  const interfaces = new Map<string, StaticInterface>();
  let current: StaticInterface | undefined;
  for (const line of text.split('\n')) {
    const [, word, rest = ''] = /^(interface|profile|ssid|arping|static)(?:\s(.*))?$/s.exec(line.trim()) ?? [];
    if (word === 'static') {
      if (current) setStatic(current, rest);
    } else if (word === 'interface') {
      const [name = ''] = rest.trim().split(/\s/, 1);
      current = interfaces.get(name) ?? { interface: name, address: null, prefixLength: null, routers: [], nameServers: [] };
      if (name !== '') interfaces.set(name, current);
    } else if (word !== undefined) {
      current = undefined;
    }
  }
  return [...interfaces.values()];
}

function setStatic(own: StaticInterface, option: string): void {
  const equals = option.indexOf('=');
  const key = option.slice(0, Math.max(equals, 0)).trim();
  const hash = option.search(/\s#/);
  const words = option.slice(equals + 1, hash < 0 ? undefined : hash).split(/[\s,]+/);
  const addresses = words.filter((word) => isIP(word) !== 0);
  if (key === 'routers') own.routers = addresses;
  if (key === 'domain_name_servers' || key === 'domain_name_server') own.nameServers = addresses;
  if (key === 'ip_address') {
    const [, address = '', length] = /^([\d.]+)(?:\/(\d{1,2}))?$/.exec(words.find((word) => word !== '') ?? '') ?? [];
    own.address = isIPv4(address) ? address : null;
    own.prefixLength = own.address === null || length === undefined || Number(length) > 32 ? null : Number(length);
  }
}
