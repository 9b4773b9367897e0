import { Absent, quote, SourceError } from '../../errors.js';
import { collector } from '../../model/collector.js';
import { array, number, object, string } from '../../model/schema.js';

const FOLDER = '/sys/class/net';
/** Maximum size of a forwarding table: 16,384 entries, more than an access point's bridge learns. */
const MAX_BYTES = 256 << 10;

export interface Entry {
  mac: string;
  port: number;
  local: boolean;
  ageSeconds: number;
}

/** MAC addresses that each bridge has seen at its ports. */
export const bridges = collector({
  name: 'bridges',
  summary: 'Forwarding tables of bridges',
  trigger: 'schedule',
  schedule: '*/2 * * * * *',
  lane: 'quick',
  required: true,
  view: object({
    hosts: array(
      object({
        bridge: string('Name of the bridge.'),
        interface: string('Bridge port that saw the MAC address.'),
        mac_address: string('MAC address in lower case.'),
        ageSeconds: number('Time since the bridge last saw the MAC address.', 'seconds'),
      }),
      'MAC addresses seen at bridge ports, without those of the ports themselves.',
    ),
  }),
  absent: { hosts: [] },
  read(machine) {
    const bridges = machine.list(FOLDER).filter((name) => machine.exists(`${FOLDER}/${name}/brforward`));
    if (bridges.length === 0) throw new Absent('no bridge');
    const hosts = bridges.sort().flatMap((bridge) => {
      const ports = new Map(
        machine
          .list(`${FOLDER}/${bridge}/brif`)
          .map((port) => [parsePortNumber(machine.readText(`${FOLDER}/${bridge}/brif/${port}/port_no`)), port] as const),
      );
      const entries = parseForwarding(machine.readBytes(`${FOLDER}/${bridge}/brforward`, MAX_BYTES)).filter((entry) => !entry.local);
      return entries.flatMap(({ mac, port, ageSeconds }) => {
        const name = ports.get(port);
        return name === undefined ? [] : [{ bridge, interface: name, mac_address: mac, ageSeconds }];
      });
    });
    return { value: { hosts } };
  },
});

/** Parses a port's number in its `port_no`: `0x1`. */
export function parsePortNumber(text: string): number {
  if (!/^0x[0-9a-f]{1,4}\n?$/.test(text)) throw new SourceError('malformed', `bridge: port_no is not a number: ${quote(text)}`);
  return Number.parseInt(text, 16);
}

const ENTRY_BYTES = 16;

/**
 * Parses a bridge's `brforward`: records of 16 bytes, `struct __fdb_entry` of linux/if_bridge.h: MAC address (6), low byte of the
 * port's number, whether it is the port's own address, age in hundredths of a second (32 bits, the machine's byte order),
 * high byte of the port's number, padding.
 */
export function parseForwarding(bytes: Buffer): Entry[] {
  if (bytes.length % ENTRY_BYTES !== 0) throw new SourceError('malformed', `brforward: ${bytes.length} bytes are not whole records`);
  const entries: Entry[] = [];
  for (let at = 0; at < bytes.length; at += ENTRY_BYTES) {
    const first = bytes.readUInt8(at);
    // Group addresses and all zeros aren't devices.
    if ((first & 1) === 1 || (first === 0 && bytes.readUIntBE(at, 6) === 0)) continue;
    const hex = bytes.toString('hex', at, at + 6);
    entries.push({
      mac: `${hex.slice(0, 2)}:${hex.slice(2, 4)}:${hex.slice(4, 6)}:${hex.slice(6, 8)}:${hex.slice(8, 10)}:${hex.slice(10)}`,
      port: bytes.readUInt8(at + 6) | (bytes.readUInt8(at + 12) << 8),
      local: bytes.readUInt8(at + 7) !== 0,
      ageSeconds: bytes.readUInt32LE(at + 8) / 100,
    });
  }
  return entries;
}
