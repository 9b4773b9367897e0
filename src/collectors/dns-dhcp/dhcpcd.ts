import { Absent } from '../../errors.js';
import { collector } from '../../model/collector.js';
import { array, integer, nullable, object, string } from '../../model/schema.js';
import { rejectBinary } from '../../parse/configuration-text.js';
import { isIP, isIPv4 } from '../../parse/ip-address.js';

const FILE = '/etc/dhcpcd.conf';
/** Maximum size. Each interface takes a few lines. */
const MAX_BYTES = 256 << 10;

interface StaticInterface {
  interface: string;
  address: string | null;
  prefixLength: number | null;
  routers: string[];
  nameServers: string[];
}

/** Static addresses that dhcpcd assigns to interfaces. */
export const dhcpcd = collector({
  name: 'dhcpcd',
  summary: 'Static addresses in the configuration of dhcpcd',
  trigger: 'file-change',
  schedule: '* * * * * *',
  lane: 'quick',
  required: false,
  view: object({
    interfaces: array(
      object({
        interface: string('Name of the interface.'),
        address: nullable(string('Static IPv4 address of the interface. `null` if it has none.')),
        prefixLength: nullable(integer('Prefix length of the static address. `null` if the file gives none.', 'bits')),
        routers: array(string('IP address.'), 'Routers that the file names for the interface.'),
        nameServers: array(string('IP address.'), 'Name servers that the file names for the interface.'),
      }),
      'Interfaces with options of their own.',
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
 * Parses /etc/dhcpcd.conf, dhcpcd.conf(5). Options below an `interface` line belong to that interface until the next such line or
 * the start of another block (`profile`, `ssid`, `arping`). The last of a repeated option wins. `domain_name_server` is RaspAP's spelling.
 *
 *     # RaspAP wlan0 configuration
 *     interface wlan0
 *     static ip_address=10.3.141.1/24
 *     static routers=10.3.141.1
 *     static domain_name_server=9.9.9.9 1.1.1.1
 *
 * @returns interfaces in order of first appearance
 * @throws {SourceError} if the text is binary; nothing is quoted, as an authtoken is a secret
 */
export function parseDhcpcd(text: string): StaticInterface[] {
  rejectBinary(text, FILE);
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
