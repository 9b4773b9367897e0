/** What the parsers make of text that no machine should write, of any text at all, and of this machine's own. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parseDdclient } from '../../../src/collectors/ddns/ddclient.js';
import { readStatements } from '../../../src/collectors/ddns/statements.js';
import { parseDhcpcd } from '../../../src/collectors/dns-dhcp/dhcpcd.js';
import { parseServers, parseStaticLeases } from '../../../src/collectors/dns-dhcp/dnsmasq.js';
import { parseLeases } from '../../../src/collectors/dns-dhcp/leases.js';
import { parseResolv } from '../../../src/collectors/dns-dhcp/resolv.js';
import { parseRules } from '../../../src/collectors/firewall/firewall.js';
import { parseAddr } from '../../../src/collectors/network/addresses.js';
import { parseForwarding, parsePortNumber } from '../../../src/collectors/network/bridges.js';
import { parseIpv6Route, parseRoute } from '../../../src/collectors/network/interfaces.js';
import { isUp, parseDeviceType, parseOperstate, parseSpeed, parseTunFlags } from '../../../src/collectors/network/link.js';
import { parseArp, parseNeigh } from '../../../src/collectors/network/neighbours.js';
import { parseNumber } from '../../../src/collectors/network/traffic.js';
import { parseUptime } from '../../../src/collectors/system/clock.js';
import { parseStat, share } from '../../../src/collectors/system/cpu.js';
import { parseLoadavg } from '../../../src/collectors/system/load.js';
import { parseCpuList, parsePrettyName, parseRaspapVersion, parseRevision } from '../../../src/collectors/system/machine-identity.js';
import { parseMeminfo } from '../../../src/collectors/system/memory.js';
import { parseThrottled } from '../../../src/collectors/system/power.js';
import { parseIni } from '../../../src/collectors/system/raspap.js';
import { chooseZone, parseCelsius } from '../../../src/collectors/system/thermal.js';
import { textLines } from '../../../src/collectors/vpn/config-folder.js';
import { parseHostapdConf } from '../../../src/collectors/wifi/hostapdconf.js';
import { parseIwDev, parseStationDump } from '../../../src/collectors/wifi/iw.js';
import { bitsPerSecond } from '../../../src/collectors/wifi/stations.js';
import { firstAtStart } from '../../../src/documents/first-access-point.js';
import { quote, SourceError } from '../../../src/errors.js';
import { parseDhcpRanges, rangeInterfaces } from '../../../src/parse/dhcp-range.js';
import { optionValues } from '../../../src/parse/dnsmasq-options.js';
import { parseMac } from '../../../src/parse/mac.js';
import { fixture as archive, fixtureBytes, fixtureText } from '../../support/fixture.js';

const fixture = (subject: string, name: string, path: string): string => fixtureText(archive(subject, name), path);
const leaseFile = 'var/lib/misc/dnsmasq.leases';
const station = 'Station 02:00:00:00:01:00 (on wlan0)\n';
const routeHeader = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n';
const arpHeader = 'IP address       HW type     Flags       HW address            Mask     Device\n';

interface Parser {
  parse(text: string): unknown;
  /** What a machine wrote. */
  readonly real: readonly string[];
  /** Text that is refused, and what of it the message quotes. */
  readonly malformed: readonly (readonly [text: string, message: string])[];
}

/** The same malformed text, quoted whole behind `says`. */
const quoted = (says: string, ...texts: string[]) => texts.map((text) => [text, `${says}: ${quote(text)}`] as const);

const parsers: Record<string, Parser> = {
  parseUptime: {
    parse: parseUptime,
    real: [fixture('clock', 'paris', 'proc/uptime'), fixture('clock', 'rig-no-zone', 'proc/uptime')],
    malformed: quoted(
      'uptime: expected seconds',
      '',
      '\n',
      '12345.67',
      'up 3 days\n',
      '-1.00 2.00\n',
      ' 1.00 2.00\n',
      '1e3 5\n',
      `${'9'.repeat(400)} 1\n`,
    ),
  },
  parseLoadavg: {
    parse: parseLoadavg,
    real: [fixture('load', 'rig', 'proc/loadavg')],
    malformed: quoted(
      'loadavg: expected three load averages',
      '',
      '0.14 0.18\n',
      '0.14 0.18 0.11\n',
      '0.14 0.18 -0.11 1/163 4711\n',
      '0,14 0,18 0,11 1/163 4711\n',
      'nan 0.18 0.11 1/163 4711\n',
      `${'9'.repeat(400)}.0 0.18 0.11 1/163 4711\n`,
    ),
  },
  parseStat: {
    parse: parseStat,
    real: [fixture('cpu', 'rig', 'proc/stat'), fixture('cpu', 'core-offline', 'proc/stat')],
    malformed: [
      ...quoted('stat: expected a line of all processors', '', 'intr 0\n', 'cpu0 1 2 3 4\n', ' cpu  1 2 3 4\n', 'cpufreq 1 2 3 4\n'),
      ['cpu  1 2 3\n', 'stat: expected processor times: "cpu  1 2 3"'],
      ['cpu  1 2 x 4\n', 'stat: expected processor times: "cpu  1 2 x 4"'],
      ['cpu  1 2 3 4\ncpu0 a b c d\n', 'stat: expected processor times: "cpu0 a b c d"'],
      ['cpu  1 2 3 Infinity\n', 'stat: expected processor times: "cpu  1 2 3 Infinity"'],
    ],
  },
  parseMeminfo: {
    parse: parseMeminfo,
    real: ['rig', 'pi4', 'linux-3.10', 'container'].map((name) => fixture('memory', name, 'proc/meminfo')),
    malformed: quoted(
      'meminfo: expected MemTotal and MemFree',
      '',
      'MemTotal: 1 kB\n',
      'MemFree: 1 kB\n',
      'MemTotal: 0 kB\nMemFree: 0 kB\n',
      'MemTotal: -1 kB\nMemFree: 1 kB\n',
      'MemTotal: 1 MB\nMemFree: 1 kB\n',
      'MemTotal: 1 kB MemFree: 1 kB\n',
      `MemTotal: ${'9'.repeat(20)} kB\nMemFree: 1 kB\n`,
    ),
  },
  parseCelsius: {
    parse: parseCelsius,
    real: ['47774\n', '-5250\n', '0'],
    malformed: quoted(
      'thermal: temp is not an integer',
      '',
      '\n',
      '47.4\n',
      ' 47\n',
      '47 C\n',
      '0x10\n',
      '1e3\n',
      '1\n2\n',
      '-\n',
      `${'9'.repeat(10)}\n`,
    ),
  },
  parseThrottled: {
    parse: parseThrottled,
    real: ['throttled=0x50005\n', 'throttled=0x0\n', 'throttled=0xF000F'],
    malformed: quoted(
      'vcgencmd get_throttled: expected throttled=0x…',
      '',
      'throttled=\n',
      'throttled=0x\n',
      'throttled=50005\n',
      'throttled=0x123456789\n',
      'throttled=0x5 0x5\n',
      'error=1 error_msg="Command not registered"\n',
    ),
  },
  parseCpuList: {
    parse: parseCpuList,
    real: ['0\n', '0-3\n', '0-3,8-11\n'],
    malformed: quoted(
      'cpu/possible: expected a list of processors',
      '',
      '\n',
      '0-\n',
      '3-1\n',
      '0,,1\n',
      '0-3,\n',
      '0-3 8\n',
      'all\n',
      `0-${'9'.repeat(7)}\n`,
    ),
  },
  parseRoute: {
    parse: parseRoute,
    real: ['rig', 'ap-sta-wireguard', 'blackhole-two-uplinks', 'bridged'].map((name) => fixture('interfaces', name, 'proc/net/route')),
    malformed: [
      'eth0 default 192.168.1.1',
      'eth0\t00000000\t0202000A\t0003',
      'eth0\t0000000\t0202000A\t0003\t0\t0\t100\t00000000\t0\t0\t0',
      'eth0\t0000000g\t0202000A\t0003\t0\t0\t100\t00000000\t0\t0\t0',
      'eth0\t00000000\t0202000A\t0003\t0\t0\tx\t00000000\t0\t0\t0',
    ].map((row) => [`${routeHeader}${row}\n`, `route: expected a route: ${quote(row)}`]),
  },
  parseIpv6Route: {
    parse: parseIpv6Route,
    real: ['rig', 'ap-sta-wireguard', 'blackhole-two-uplinks'].map((name) => fixture('interfaces', name, 'proc/net/ipv6_route')),
    malformed: [
      'default via fe80::1 dev eth0',
      ' ',
      `${'0'.repeat(32)} 00 ${'0'.repeat(32)} 00 ${'0'.repeat(32)} 00000400 00000001 00000000 00000003`,
      `${'0'.repeat(31)}g 00 ${'0'.repeat(32)} 00 ${'0'.repeat(32)} 00000400 00000001 00000000 00000003     eth0`,
    ].map((row) => [`${row}\n`, `ipv6_route: expected a route: ${quote(row)}`]),
  },
  parsePortNumber: {
    parse: parsePortNumber,
    real: ['0x1\n', '0x101\n'],
    malformed: quoted('bridge: port_no is not a number', '', '1\n', '0x\n', '0xg\n', '0x12345\n', ' 0x1\n'),
  },
  parseForwarding: {
    parse: (text) => parseForwarding(Buffer.from(text, 'latin1')),
    real: ['bridge-own', 'bridged'].map((name) =>
      fixtureBytes(archive('bridges', name), 'sys/devices/virtual/net/br0/brforward').toString('latin1'),
    ),
    malformed: [1, 15, 17, 31].map((length) => ['x'.repeat(length), `brforward: ${length} bytes are not whole records`]),
  },
  parseDhcpRanges: {
    parse: (text) => parseDhcpRanges(text, '/etc/dnsmasq.conf'),
    real: [
      fixture('dnsmasq', 'rig', 'etc/dnsmasq.d/ap.conf'),
      fixture('dnsmasq', 'ap-sta', 'etc/dnsmasq.d/090_uap0.conf'),
      fixture('dnsmasq', 'tags', 'etc/dnsmasq.conf'),
    ],
    malformed: [
      '',
      'wlan0',
      'wlan0,10.3.141',
      'a,b,10.3.141.50',
      '10.3.141,10.3.141.9',
      '10.3.141.500',
      ',10.3.141.50',
      'set:a',
      '10.3.141.50-10.3.141.99',
    ].map((value) => [`dhcp-range=${value}\n`, `/etc/dnsmasq.conf: dhcp-range does not start with an address: ${quote(value)}`]),
  },
  parseLeases: {
    parse: parseLeases,
    real: ['rig', 'ipv6', 'unnamed', 'hardware-type', 'no-ethernet', 'dnsmasq-2.92'].map((name) => fixture('leases', name, leaseFile)),
    malformed: [
      '1795500557',
      '1795500557 02:00:00:00:03:00',
      '1795500557 02:00:00:00:03:00 10.3.141.166 tv',
      '-1 02:00:00:00:03:00 10.3.141.166 tv *',
      'soon 02:00:00:00:03:00 10.3.141.166 tv *',
      '1795500557 02:00:00:00:03:zz 10.3.141.166 tv *',
      '1795500557 02-00-00-00-03-00 10.3.141.166 tv *',
      '1795500557 02:00:00:00:03:00 10.3.141.999 tv *',
      '1795500557 02:00:00:00:03:00 fd00::1 tv *',
      '1795500557 T fd00::1 tv *',
      '1795500557 02:00:00:00:03:00 10.3.141.166 t v *',
      'duid',
      'duid none at all',
      'vendorclass 10.3.141.166',
      `1795500557 02:00:00:00:03:00 10.3.141.166 ${'x'.repeat(300)} *`,
    ].map((row) => [`${fixture('leases', 'rig', leaseFile)}${row}\n`, `leases: line 4 is not a lease: ${quote(row)}`]),
  },
  parseNeigh: {
    parse: parseNeigh,
    real: ['rig', 'ipv6', 'states', 'nobody'].map((name) => fixture('neighbours', name, 'cmd/ip -j neigh show')),
    malformed: quoted(
      'ip -j neigh: expected a JSON array',
      '[',
      '[{}',
      '{}',
      'null',
      '"neighbours"',
      '1',
      '[]]',
      '10.3.141.93 dev wlan0 lladdr 02:00:00:00:02:00 REACHABLE \n',
    ),
  },
  parseArp: {
    parse: parseArp,
    real: [fixture('neighbours', 'no-ip', 'proc/net/arp'), fixture('neighbours', 'no-ip-incomplete', 'proc/net/arp')],
    malformed: [
      '10.3.141.93',
      '10.3.141.93      0x1         0x2         02:00:00:00:02:00     *',
      'gateway          0x1         0x2         02:00:00:00:02:00     *        wlan0',
      '10.3.141.93      1           2           02:00:00:00:02:00     *        wlan0',
    ].map((row) => [`${arpHeader}${row}\n`, `arp: expected an entry: ${quote(row)}`]),
  },
  parseStationDump: {
    parse: parseStationDump,
    real: [
      fixture('stations', 'rig', 'cmd/iw dev wlan0 station dump'),
      fixture('stations', 'multi-link', 'cmd/iw dev wlan0 station dump'),
      fixture('stations', 'brcmfmac', 'cmd/iw dev wlan0 station dump'),
      fixture('stations', 'wrong-passphrase', 'cmd/iw dev wlan0 station dump'),
    ],
    malformed: [
      ...quoted(
        'iw station dump: expected "Station" at the start',
        'nl80211 not found.\n',
        `x${station}`,
        `\tinactive time:\t420 ms\n${station}`,
      ),
      [`${station}Station none\n`, 'iw station dump: expected a MAC address after "Station": "none\\n"'],
      ['Station 02:00:00:00:01 (on wlan0)\n', 'iw station dump: expected a MAC address after "Station": "02:00:00:00:01 (on wlan0)\\n"'],
      [
        'Station 03:00:00:00:01:00 (on wlan0)\n',
        'iw station dump: expected a MAC address after "Station": "03:00:00:00:01:00 (on wlan0)\\n"',
      ],
    ],
  },
  parseIwDev: {
    parse: parseIwDev,
    real: ['rig', 'ap-sta', 'multi-link', 'no-access-point'].map((name) => fixture('stations', name, 'cmd/iw dev')),
    malformed: quoted('iw dev: expected "phy#" at the start', 'nl80211 not found.\n', '\n', '\tInterface wlan0\n\t\ttype AP\n', ' phy#0\n'),
  },
  // These find nothing in text they do not understand.
  parseRevision: {
    parse: parseRevision,
    real: [fixture('host', 'pi3', 'proc/cpuinfo'), fixture('host', 'rig', 'proc/cpuinfo')],
    malformed: [],
  },
  parsePrettyName: { parse: parsePrettyName, real: [fixture('host', 'rig', 'etc/os-release')], malformed: [] },
  parseRaspapVersion: {
    parse: parseRaspapVersion,
    real: [
      fixture('host', 'raspap', 'var/www/html/includes/defaults.php'),
      fixture('host', 'raspap-2.5', 'var/www/html/includes/defaults.php'),
    ],
    malformed: [],
  },
  optionValues: {
    parse: (text) => optionValues(text, 'dhcp-range'),
    real: [fixture('dnsmasq', 'tags', 'etc/dnsmasq.conf')],
    malformed: [],
  },
};

/** Text with a few pieces taken out, put in, doubled or changed. */
function mutations(texts: readonly string[]): fc.Arbitrary<string> {
  const piece = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 6 }),
    fc.constantFrom(
      '\n',
      '\t',
      ' ',
      '-',
      ',',
      '0',
      '9'.repeat(30),
      'e9',
      '.',
      ':',
      '=',
      '\0',
      '__proto__',
      'constructor',
      '"',
      '[',
      '{',
      '\\',
      '\r\n',
    ),
  );
  const edit = fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), cut: fc.nat(20), put: piece, double: fc.boolean() });
  return fc.tuple(fc.constantFrom(...texts), fc.array(edit, { minLength: 1, maxLength: 4 })).map(([text, edits]) =>
    edits.reduce((old, { at, cut, put, double }) => {
      const start = Math.floor(at * old.length);
      const taken = old.slice(start, start + cut);
      return old.slice(0, start) + (double ? taken + taken : put) + old.slice(start + cut);
    }, text),
  );
}

/** Asserts that a value can be sent: only plain objects, lists, text, finite numbers. */
function assertPlain(value: unknown): void {
  if (typeof value === 'number') assert.ok(Number.isFinite(value), `${value} is no JSON`);
  if (typeof value !== 'object' || value === null) return;
  assert.ok(Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype, 'no plain object');
  for (const part of Object.values(value)) assertPlain(part);
}

for (const [name, { parse, real, malformed }] of Object.entries(parsers)) {
  describe(name, () => {
    test('what machines wrote', () => {
      for (const text of real) assertPlain(parse(text));
    });

    for (const [text, message] of malformed) {
      test(`refuses ${quote(text.slice(-60))}`, () => {
        assert.throws(
          () => parse(text),
          (error) => {
            assert.ok(error instanceof SourceError, String(error));
            assert.deepEqual([error.code, error.message], ['malformed', message]);
            return true;
          },
        );
      });
    }

    test('any text gives a value or a SourceError', () => {
      const any = fc.oneof(fc.string({ unit: 'binary', maxLength: 200 }), fc.json(), mutations(real));
      let refused = 0;
      fc.assert(
        fc.property(any, (text) => {
          try {
            assertPlain(parse(text));
          } catch (error) {
            if (!(error instanceof SourceError)) throw error;
            assert.equal(error.code, 'malformed');
            assert.ok(error.message.length < 700 && !error.message.includes('\n'), error.message);
            refused++;
          }
        }),
        { numRuns: 1000 },
      );
      if (malformed.length === 0) assert.equal(refused, 0);
    });
  });
}

test('a parser changes no prototype', () => {
  const before = Object.getOwnPropertyNames(Object.prototype);
  const proto = '{"__proto__":{"lladdr":"02:00:00:00:02:00"},"dst":"10.3.141.93","dev":"wlan0","state":["REACHABLE"]}';
  assert.deepEqual(parseNeigh(`[${proto}]`), []);
  parseMeminfo('__proto__: 1 kB\nconstructor: 2 kB\nMemTotal: 1 kB\nMemFree: 1 kB\n');
  parseStat('cpu  1 2 3 4\ncpu__proto__ 1 2 3 4\n');
  parseStationDump(`${station}\t__proto__:\t1\n\tconstructor:\t2\n`);
  parseIwDev('phy#0\n\tInterface __proto__\n\t\tssid __proto__\n\t\ttype AP\n');
  parseDhcpRanges('dhcp-range=interface:__proto__,10.0.0.1,10.0.0.9\n', '');
  assert.deepEqual(Object.getOwnPropertyNames(Object.prototype), before);
  assert.equal(({} as { lladdr?: string }).lladdr, undefined);
});

test('text from a source is quoted on one line and cut', () => {
  assert.equal(quote('a\n\0"'), '"a\\n\\u0000\\""');
  assert.equal(quote('\u202e\u2028\u009b2J\ufffd'), '"\\u202e\\u2028\\u009b2J\ufffd"');
  assert.equal(quote('x'.repeat(100)), `"${'x'.repeat(80)}…"`);
});

describe('values', () => {
  test('neighbours whose fields are of another type are passed over', () => {
    const odd = [
      null,
      1,
      'x',
      [],
      {},
      { lladdr: { toString: 1 } },
      { lladdr: ['02:00:00:00:02:00'] },
      { state: 'REACHABLE' },
      { state: {} },
    ];
    const right = { dst: '10.3.141.93', dev: 'wlan0', lladdr: '02:00:00:00:02:00', state: ['REACHABLE'] };
    const all = [
      ...odd,
      ...odd.map((row) => ({ ...right, ...Object(row) })).filter((row) => JSON.stringify(row) !== JSON.stringify(right)),
    ];
    assert.deepEqual(parseNeigh(JSON.stringify([...all.filter((row) => typeof row !== 'string'), right])).at(-1), {
      interface: 'wlan0',
      mac_address: '02:00:00:00:02:00',
      ip_address: '10.3.141.93',
      state: 'REACHABLE',
    });
    for (const part of [
      { dst: 1 },
      { dst: 'x' },
      { dev: null },
      { lladdr: null },
      { lladdr: { toString: 1 } },
      { state: ['NOARP'] },
      { state: null },
    ]) {
      assert.deepEqual(parseNeigh(JSON.stringify([{ ...right, ...part }])), [], JSON.stringify(part));
    }
  });

  test('share of time', () => {
    assert.equal(share({ busy: 30, total: 200 }, { busy: 5, total: 100 }), 0.25);
    assert.equal(share({ busy: 30, total: 200 }, undefined), null);
    assert.equal(share({ busy: 30, total: 200 }, { busy: 30, total: 200 }), null);
    assert.equal(share({ busy: 1, total: 2 }, { busy: 100, total: 200 }), null);
    assert.equal(share({ busy: 150, total: 201 }, { busy: 30, total: 100 }), 1);
    assert.equal(share({ busy: 29, total: 200 }, { busy: 30, total: 100 }), 0);
  });

  test('throughput', () => {
    assert.equal(bitsPerSecond(3000, 1000, 2), 8000);
    assert.equal(bitsPerSecond(1000, 1000, 2), 0);
    for (const [now, before, seconds] of [
      [999, 1000, 2],
      [null, 1000, 2],
      [1000, null, 2],
      [2000, 1000, 0],
      [2000, 1000, -1],
    ] as const) {
      assert.equal(bitsPerSecond(now, before, seconds), null);
    }
  });

  test('zone of the processor', () => {
    const chosen: [string[], number][] = [
      [[], -1],
      [['nvme', 'iwlwifi_1'], -1],
      [['rp1_adc', 'cpu-thermal'], 1],
      [['acpitz', 'x86_pkg_temp'], 1],
      [['x86_pkg_temp', 'cpu_thermal', 'cpu-thermal'], 2],
      [['gpu', 'bcm2835_thermal'], 1],
      [['cpu0-thermal', 'cpu1-thermal'], 0],
    ];
    for (const [types, index] of chosen) assert.equal(chooseZone(types), index, types.join());
  });

  test('MAC addresses', () => {
    assert.equal(parseMac('02:00:00:AB:cd:00'), '02:00:00:ab:cd:00');
    for (const text of [
      '',
      '02:00:00:00:01',
      '02:00:00:00:01:00:00',
      '02-00-00-00-01-00',
      '020000000100',
      ' 02:00:00:00:01:00',
      '02:00:00:00:01:00\n',
      '00:00:00:00:00:00',
      'ff:ff:ff:ff:ff:ff',
      '01:00:5e:00:00:fb',
      '33:33:00:00:00:01',
    ]) {
      assert.equal(parseMac(text), undefined, text);
    }
  });

  test('os-release quoting', () => {
    const names: [string, string | null][] = [
      ['PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n', 'Debian GNU/Linux 12 (bookworm)'],
      ["NAME=x\nPRETTY_NAME='Arch Linux'\n", 'Arch Linux'],
      ['PRETTY_NAME=Alpine\n', 'Alpine'],
      ['PRETTY_NAME="say \\"hi\\" for 5 \\$"\n', 'say "hi" for 5 $'],
      ['PRETTY_NAME=\n', null],
      ['NAME="Debian"\n', null],
    ];
    for (const [text, name] of names) assert.equal(parsePrettyName(text), name, text);
  });

  test("RaspAP's version", () => {
    const versions: [string, string | null][] = [
      ["  'RASPI_VERSION' => '3.5.1',\n", '3.5.1'],
      ["define('RASPI_VERSION', '2.5');\n", '2.5'],
      ['define( "RASPI_VERSION" , "2.5" );\n', '2.5'],
      ["'RASPI_VERSION' => RASPI_OTHER,\n", null],
      ["'RASPI_VERSION_DATE' => '2015',\n", null],
      ['', null],
    ];
    for (const [text, version] of versions) assert.equal(parseRaspapVersion(text), version, text);
  });

  test('dnsmasq options', () => {
    const text = 'port=1\n port = 2 # two\n#port=3\nport=a#b\nport-limit=4\nport\nport=\n';
    assert.deepEqual(optionValues(text, 'port'), ['1', '2', 'a#b', '']);
  });

  test('signal: what drivers leave out or cannot know', () => {
    const told: [string, number | null][] = [
      ['\tsignal:  \t-20 dBm\n', -20],
      ['\tsignal:  \t-57 [-62, -59] dBm\n\tsignal avg:\t-66 dBm\n', -57],
      ['\tsignal:  \t0 dBm\n\tsignal avg:\t-66 dBm\n', -66],
      ['\tsignal:  \t0 dBm\n\tsignal avg:\t0 dBm\n', null],
      ['', null],
    ];
    for (const [lines, dbm] of told) assert.equal(parseStationDump(station + lines)[0]?.signalDbm, dbm, lines);
  });

  test('a counter of more digits than a number can hold is left out', () => {
    assert.equal(parseStationDump(`${station}\trx bytes:\t999999999999999\n`)[0]?.receivedBytes, 999999999999999);
    assert.equal(parseStationDump(`${station}\trx bytes:\t18446744073709551615\n`)[0]?.receivedBytes, null);
  });
});

describe('round trips', () => {
  const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>;
  const byte = fc.integer({ min: 0, max: 255 });
  const hex = (value: number, digits = 2) => value.toString(16).padStart(digits, '0');
  /** An address of a station: not of a group, not zero. */
  const mac = fc
    .tuple(byte, byte, byte, byte, byte, fc.integer({ min: 1, max: 255 }))
    .map(([first, ...rest]) => [first & 0xfe, ...rest].map((part) => hex(part)).join(':'));
  const ipv4 = fc.ipV4();
  const word = fc.string({ unit: fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz0123456789-'), minLength: 2, maxLength: 40 });

  test('leases, as dnsmasq writes them', () => {
    const expiry = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 4e9 }));
    const identifier = fc.option(
      fc.uint8Array({ minLength: 1, maxLength: 60 }).map((bytes) => [...bytes].map((part) => hex(part)).join(':')),
    );
    const v4 = record({ expiry, mac_address: mac, ip_address: ipv4, hostname: fc.option(word), client_id: identifier });
    const v6 = record({ expiry, mac_address: fc.constant(null), ip_address: fc.ipV6(), hostname: fc.option(word), client_id: identifier });
    fc.assert(
      fc.property(fc.array(v4), fc.array(v6), fc.boolean(), (old, modern, temporary) => {
        const row = (second: string, { expiry, ip_address, hostname, client_id }: (typeof old | typeof modern)[number]) =>
          `${expiry} ${second} ${ip_address} ${hostname ?? '*'} ${client_id ?? '*'}\n`;
        const lines = [
          ...old.map((one) => row(one.mac_address, one)),
          'duid 00:01:00:01:32:97:5b:8c:52:54:00:12:34:56\n',
          ...modern.map((one, index) => row(`${temporary ? 'T' : ''}${index}`, one)),
        ];
        assert.deepEqual(parseLeases(lines.join('')), [...old, ...modern]);
      }),
    );
  });

  test('forwarding table, as the kernel writes it', () => {
    const entry = record({
      mac,
      port: fc.integer({ min: 1, max: 1023 }),
      local: fc.boolean(),
      ageSeconds: fc.integer({ min: 0, max: 0xffff_ffff }).map((ticks) => ticks / 100),
    });
    fc.assert(
      fc.property(fc.array(entry), (entries) => {
        const bytes = Buffer.alloc(entries.length * 16);
        for (const [index, { mac: of, port, local, ageSeconds }] of entries.entries()) {
          bytes.write(of.replaceAll(':', ''), index * 16, 'hex');
          bytes.writeUInt8(port & 255, index * 16 + 6);
          bytes.writeUInt8(Number(local), index * 16 + 7);
          bytes.writeUInt32LE(Math.round(ageSeconds * 100), index * 16 + 8);
          bytes.writeUInt8(port >> 8, index * 16 + 12);
        }
        assert.deepEqual(parseForwarding(bytes), entries);
      }),
    );
  });

  test('routes, as the kernel writes them', () => {
    const route = record({
      network: ipv4,
      prefixLength: fc.integer({ min: 0, max: 32 }),
      metric: fc.nat(0xffff_ffff),
      gateway: fc.boolean(),
    });
    const littleEndian = (octets: number[]) =>
      octets
        .map((octet) => hex(octet))
        .reverse()
        .join('')
        .toUpperCase();
    fc.assert(
      fc.property(fc.array(route), (routes) => {
        const rows = routes.map(({ network, prefixLength, metric, gateway }) => {
          const mask = [24, 16, 8, 0].map((shift) => ((2 ** 32 - 2 ** (32 - prefixLength)) / 2 ** shift) & 255);
          const flags = gateway ? '0003' : '0001';
          return `eth0\t${littleEndian(network.split('.').map(Number))}\t00000000\t${flags}\t0\t0\t${metric}\t${littleEndian(mask)}\t0\t0\t0   \n`;
        });
        assert.deepEqual(
          parseRoute(routeHeader + rows.join('')),
          routes.map((one) => ({ interface: 'eth0', ...one })),
        );
      }),
    );
  });

  test('/proc/net/arp, as the kernel writes it', () => {
    const entry = record({ interface: word, mac_address: mac, ip_address: ipv4 });
    fc.assert(
      fc.property(fc.array(entry), (entries) => {
        const rows = entries.map(
          (one) => `${one.ip_address.padEnd(16)} 0x1         0x2         ${one.mac_address}     *        ${one.interface}\n`,
        );
        assert.deepEqual(
          parseArp(arpHeader + rows.join('')),
          entries.map((one) => ({ ...one, state: null })),
        );
      }),
    );
  });

  test('stations, as iw prints them', () => {
    const whole = fc.option(fc.nat(2 ** 31));
    const dump = record({
      mac,
      authorized: fc.boolean(),
      signalDbm: fc.option(fc.integer({ min: -127, max: -1 })),
      receivedBytes: whole,
      sentBytes: whole,
      receiveMbps: fc.option(fc.integer({ min: 1, max: 99_999 }).map((tenths) => tenths / 10)),
      sendMbps: fc.option(fc.integer({ min: 1, max: 99_999 }).map((tenths) => tenths / 10)),
      connectedSeconds: whole,
      inactiveMs: whole,
      sendRetries: whole,
      sendFailures: whole,
    });
    fc.assert(
      fc.property(fc.array(dump), (dumps) => {
        const text = dumps.map((one) => {
          const field = (name: string, value: number | null, unit: string) => (value === null ? '' : `\t${name}:\t${value}${unit}\n`);
          return [
            `Station ${one.mac} (on wlan0)\n`,
            field('inactive time', one.inactiveMs, ' ms'),
            field('rx bytes', one.receivedBytes, ''),
            field('tx bytes', one.sentBytes, ''),
            field('tx retries', one.sendRetries, ''),
            field('tx failed', one.sendFailures, ''),
            field('signal', one.signalDbm, ' dBm'),
            one.sendMbps === null ? '\ttx bitrate:\t(unknown)\n' : `\ttx bitrate:\t${one.sendMbps.toFixed(1)} MBit/s MCS 14\n`,
            one.receiveMbps === null ? '' : `\trx bitrate:\t${one.receiveMbps.toFixed(1)} MBit/s\n`,
            `\tauthorized:\t${one.authorized ? 'yes' : 'no'}\n`,
            field('connected time', one.connectedSeconds, ' seconds'),
          ].join('');
        });
        assert.deepEqual(parseStationDump(text.join('')), dumps);
      }),
    );
  });

  test('processors, as the kernel lists them', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(63), { minLength: 1 }), (numbers) => {
        const sorted = numbers.sort((a, b) => a - b);
        const ranges: [number, number][] = [];
        for (const number of sorted) {
          const last = ranges.at(-1);
          if (last && last[1] === number - 1) last[1] = number;
          else ranges.push([number, number]);
        }
        const text = `${ranges.map(([first, last]) => (first === last ? first : `${first}-${last}`)).join()}\n`;
        assert.equal(parseCpuList(text), numbers.length);
      }),
    );
  });

  test('each bit of get_throttled', () => {
    const names = ['underVoltage', 'frequencyCapped', 'throttled', 'softTemperatureLimit'] as const;
    for (const [bit, name] of names.entries()) {
      const { now } = parseThrottled(`throttled=0x${(1 << bit).toString(16)}`);
      const { sinceBoot } = parseThrottled(`throttled=0x${(1 << (16 + bit)).toString(16)}`);
      for (const other of names) assert.deepEqual([now[other], sinceBoot[other]], [other === name, other === name]);
    }
  });
});

describe('addresses', () => {
  const real = { ifname: 'wlan0', addr_info: [{ family: 'inet', local: '10.3.141.1', prefixlen: 24, scope: 'global' }] };
  const parsed = { interface: 'wlan0', family: 'inet', address: '10.3.141.1', prefixLength: 24, scope: 'global' };

  test('what is no JSON array is refused', () => {
    for (const text of ['[', '{}', 'null', '1', '[]]', '1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536\n']) {
      assert.throws(() => parseAddr(text), { code: 'malformed', message: `ip -j addr: expected a JSON array: ${quote(text)}` });
    }
    assert.deepEqual(parseAddr(''), []);
  });

  test('entries whose fields are of another type are passed over', () => {
    const [address] = real.addr_info;
    const odd = [
      null,
      1,
      'x',
      [],
      {},
      { ...real, ifname: 1 },
      { ...real, addr_info: {} },
      { ...real, addr_info: [null, 1, 'x', [], {}] },
      ...[
        { family: 'link' },
        { family: 'inet6' },
        { local: '10.3.141' },
        { local: { toString: 1 } },
        { prefixlen: 33 },
        { prefixlen: -1 },
        { prefixlen: 1.5 },
        { prefixlen: '24' },
      ].map((part) => ({ ...real, addr_info: [{ ...address, ...part }] })),
    ];
    assert.deepEqual(parseAddr(JSON.stringify([...odd, real])), [parsed]);
  });

  test('a scope without a name is global to us', () => {
    assert.deepEqual(parseAddr(JSON.stringify([{ ...real, addr_info: [{ ...real.addr_info[0], scope: 200 }] }])), [parsed]);
  });

  test('any text gives a value or a SourceError', () => {
    const any = fc.oneof(fc.string({ unit: 'binary', maxLength: 200 }), fc.json(), mutations([JSON.stringify([real])]));
    fc.assert(
      fc.property(any, (text) => holds(() => parseAddr(text))),
      { numRuns: 500 },
    );
  });
});

/** Whether a parser gives a value or refuses the text, and does nothing else. */
function holds(parse: () => unknown): void {
  try {
    parse();
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    assert.equal(error.code, 'malformed');
  }
}

describe('values of an interface', () => {
  const refused: Record<string, { parse(text: string): unknown; readonly says: string; readonly texts: readonly string[] }> = {
    flags: { parse: isUp, says: 'flags is not a number', texts: ['', '1003', '0x', '0xg', '0x1003 ', '0x123456789', '-0x1'] },
    tun_flags: { parse: parseTunFlags, says: 'tun_flags is not a number', texts: ['', '1', 'tun', '0x1\n0x2'] },
    operstate: { parse: parseOperstate, says: 'operstate is not a word', texts: ['', 'UP', 'up\n', 'up down', 'x'.repeat(33), '\0'] },
    speed: { parse: parseSpeed, says: 'speed is not a number', texts: ['', '1e3', '1000 Mb/s', '--1', '9'.repeat(11), '0x10'] },
  };
  for (const [attribute, { parse, says, texts }] of Object.entries(refused)) {
    test(`${attribute} that is none`, () => {
      for (const text of texts) {
        assert.throws(() => parse(text), { code: 'malformed', message: `interfaces: ${says}: ${quote(text)}` });
      }
    });
  }

  test('counters that are none', () => {
    for (const text of ['', '-1', '1.5', ' 1', '1 2', '0x1', '1e3', '9'.repeat(21), 'x'.repeat(1 << 20)]) {
      assert.throws(() => parseNumber(text, 'rx_bytes'), {
        code: 'malformed',
        message: `traffic: rx_bytes is not a number: ${quote(text)}`,
      });
    }
  });

  test('a counter of more than a number can hold is left out', () => {
    assert.equal(parseNumber('9007199254740991', 'rx_bytes'), 9007199254740991);
    assert.equal(parseNumber('9007199254740993', 'rx_bytes'), null);
    assert.equal(parseNumber('18446744073709551615', 'rx_bytes'), null);
  });

  test('flags', () => {
    assert.deepEqual(['0x1003', '0x9', '0x91', '0x1002', '0x0'].map(isUp), [true, true, true, false, false]);
    assert.deepEqual(['0x1801', '0x1002', '0x1000'].map(parseTunFlags), ['tun', 'tap', null]);
  });

  test('a speed that is unknown', () => {
    const told: [string, number | null][] = [
      ['1000', 1000],
      ['2147483646', 2147483646],
      ['0', null],
      ['-1', null],
      ['4294967295', null],
    ];
    for (const [text, speed] of told) assert.equal(parseSpeed(text), speed, text);
  });

  test('DEVTYPE', () => {
    const told: [string, string | null][] = [
      ['DEVTYPE=wireguard\nINTERFACE=wg0\nIFINDEX=4', 'wireguard'],
      ['INTERFACE=x\nDEVTYPE=ovpn-dco', 'ovpn-dco'],
      ['INTERFACE=DEVTYPE=tun\nIFINDEX=4', null],
      ['DEVTYPE=', null],
      ['DEVTYPE=a b', null],
      [`DEVTYPE=${'x'.repeat(33)}`, null],
      ['', null],
    ];
    for (const [text, kind] of told) assert.equal(parseDeviceType(text), kind, text);
  });

  test('any text gives a value or a SourceError', () => {
    const any = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }),
      mutations(['0x1003', 'up', '1000', 'DEVTYPE=wlan\nINTERFACE=wlan0']),
    );
    for (const parse of [
      isUp,
      parseTunFlags,
      parseOperstate,
      parseSpeed,
      parseDeviceType,
      (text: string) => parseNumber(text, 'rx_bytes'),
    ]) {
      fc.assert(
        fc.property(any, (text) => holds(() => parse(text))),
        { numRuns: 200 },
      );
    }
  });
});

describe('files that may hold secrets', () => {
  const RULES = '/etc/raspap/networking/firewall/iptables_rules.json';
  const parseFirewall = (text: string) => parseRules(text, RULES);
  const configurations = ['raspap', 'debian', 'comments', 'several', 'router', 'quotes', 'usev4-disabled'].map((name) =>
    fixture('ddclient', name, 'etc/ddclient.conf'),
  );
  const rules = ['raspap', 'prototype'].map((name) => fixture('firewall', name, RULES.slice(1)));

  const refused: [parse: (text: string) => unknown, text: string, message: string][] = [
    [parseDdclient, 'password:geheim\n', '/etc/ddclient.conf: line 1 is neither options nor host names'],
    [parseDdclient, 'use=web\nPassword geheim\nhome.example.org\n', '/etc/ddclient.conf: line 2 is neither options nor host names'],
    [parseDdclient, 'use=web\rpassword=geheim\rhome.example.org\r', '/etc/ddclient.conf: line 1 contains a carriage return'],
    [parseDdclient, 'login = me\n', '/etc/ddclient.conf: line 1 has blanks around ='],
    [parseDdclient, '# a\nuse=web \\\n\\\nhome.example.org;geheim\n', '/etc/ddclient.conf: line 2 is neither options nor host names'],
    [parseDdclient, 'host=a/b\n', '/etc/ddclient.conf: line 1 is neither options nor host names'],
    [parseDdclient, '\0\n', '/etc/ddclient.conf: line 1 is neither options nor host names'],
    [parseDdclient, `\nlogin=${'x'.repeat(1_025)}\n`, '/etc/ddclient.conf: line 2: login has more than 1024 characters'],
    [parseDdclient, 'a\n'.repeat(1_001), '/etc/ddclient.conf: line 1001 is the definition of hosts after the 1000th'],
    ...['', '{\n"geheim": [1,\n', '{\n"a":\n geheim }', '{}\n\ngeheim'].map((text): (typeof refused)[number] => [
      parseFirewall,
      text,
      `${RULES}: is not valid JSON; check it with: jq . ${RULES}`,
    ]),
    [parseFirewall, '["geheim"]', `${RULES}: is JSON, expected an object`],
    [parseFirewall, 'null', `${RULES}: is JSON, expected an object`],
    [parseFirewall, `{"a":${'['.repeat(64)}${']'.repeat(64)}}`, `${RULES}: nests deeper than 64`],
    [parseFirewall, `{"a":${'['.repeat(400_000)}${']'.repeat(400_000)}}`, `${RULES}: nests deeper than 64`],
  ];

  for (const [parse, text, message] of refused) {
    test(`${parse.name} refuses ${quote(text.slice(-60))}, and does not quote it`, () => {
      assert.throws(
        () => parse(text),
        (error) => {
          assert.ok(error instanceof SourceError, String(error));
          assert.deepEqual([error.code, error.message], ['malformed', message]);
          return true;
        },
      );
    });
  }

  for (const { parse, real } of [
    { parse: parseDdclient, real: configurations },
    { parse: parseFirewall, real: rules },
    { parse: textLines, real: [fixture('openvpn', 'links', 'home/me/elsewhere.ovpn')] },
  ]) {
    test(`${parse.name}: any text gives a value or a SourceError`, () => {
      const any = fc.oneof(fc.string({ unit: 'binary', maxLength: 200 }), fc.json(), mutations(real));
      fc.assert(
        fc.property(any, (text) => {
          try {
            assertPlain(parse(text));
          } catch (error) {
            if (!(error instanceof SourceError)) throw error;
            assert.equal(error.code, 'malformed');
            assert.match(error.message, /^\/etc\/[\w/.]+: [\w ,=:;./]+$/);
          }
        }),
        { numRuns: 1_000 },
      );
    });
  }

  test('long lines take no longer than short ones', () => {
    const size = 256 << 10;
    const pieces = [
      'password',
      'password ',
      "password='",
      ',password',
      '"',
      "'",
      '\\ ',
      'a\\\n',
      ',',
      'a=',
      'a=b,',
      '#',
      ' ',
      '-',
      '.',
      'ü ',
    ];
    const startMs = performance.now();
    for (const piece of pieces) {
      for (const text of [piece.repeat(size / piece.length), `x ${piece.repeat(size / piece.length)}=`]) {
        try {
          parseDdclient(text);
        } catch (error) {
          assert.ok(error instanceof SourceError, String(error));
        }
      }
    }
    assert.ok(performance.now() - startMs < 10_000, 'half a second, on a slow machine some');
  });

  test('no password shows in another field or in an error', () => {
    const password = fc.string({ unit: fc.constantFrom(...'abcXYZ019#=,"\\$%&/()[]{}<>|;:!?*+~^`@'), minLength: 3, maxLength: 30 });
    const before = fc.constantFrom('', '  ', 'login=me ', 'login=me, ', 'login=me,', 'use=web web=x\\ y,', "login='me' ", 'fw-login=me\t');
    const after = fc.constantFrom('', ' ', ' home.example.org', ' \\\nhome.example.org', ' # comment', '\n= = =\n', '\nhome.example.org;');
    const line = fc.tuple(before, fc.constantFrom('password', 'fw-password', 'password ', 'x-password'), password, fc.boolean(), after);
    fc.assert(
      fc.property(line, ([head, name, middle, quoted, tail]) => {
        const secret = `geheim${middle}geheim`;
        let shown: string;
        try {
          const { password: _own, hosts, ...fields } = parseDdclient(`${head}${name}=${quoted ? `'${secret}'` : secret}${tail}\n`);
          shown = JSON.stringify([fields, hosts.map(({ password: _hidden, ...rest }) => rest)]);
        } catch (error) {
          assert.ok(error instanceof SourceError, String(error));
          shown = error.message;
        }
        assert.ok(!shown.includes('geheim'), shown);
      }),
      { numRuns: 2_000 },
    );
  });

  test('a password in double quotes may hold blanks', () => {
    const { password, domain, login } = parseDdclient('password="one two", login=me home.example.org\n');
    assert.deepEqual([password, login, domain], ['"one two",', 'me', 'home.example.org']);
  });

  test('a password may hold blanks behind backslashes', () => {
    const { password, domain, login } = parseDdclient('password=one\\ two\\\tthree login=me home.example.org\n');
    assert.deepEqual([password, login, domain], ['one\\ two\\\tthree', 'me', 'home.example.org']);
    assert.equal(parseDdclient('password=one\\\nhome.example.org\n').domain, 'home.example.org', 'nor is it continued');
  });

  test('a password may stand on the next line', () => {
    for (const end of ['\n', ' \n', '\r\n']) {
      const { password, domain } = parseDdclient(`login=me, password=\\${end}one${end}home.example.org\n`);
      assert.deepEqual([password, domain], ['one', 'home.example.org'], JSON.stringify(end));
    }
  });

  test('ddclient.conf: what ddclient 3.10 reads', () => {
    const read: [text: string, options: Record<string, string>, words: string[]][] = [
      ['a=1,b=2 c=3 , d=4', { a: '1', b: '2', c: '3', d: '4' }, []],
      ["a='1, 2' b=\"it's\" c=3\\ 4 d=x'y z'", { a: '1, 2', b: "it's", c: '3 4', d: 'xy z' }, []],
      ['a=1,a=2', { a: '2' }, []],
      ['a=', { a: '' }, []],
      ["a='1 2", { a: '1 2' }, []],
      ['a=1\\', { a: '1' }, []],
      ['a=b=c#d', { a: 'b=c' }, []],
      ['a=1 one , two,three me pw', { a: '1' }, ['one,two,three', 'me', 'pw']],
      ['one a=1', {}, ['one', 'a=1']],
      ['password=a,b', { password: 'a,b' }, []],
      ["password='a'b'#c' one", { password: "a'b'#c" }, ['one']],
      ["password = 'a\\b'", { password: 'a\\b' }, []],
      ["fw-password='a b' password=c", { 'fw-password': 'a b', password: 'c' }, []],
      ['a=1,password=x#y one', { a: '1', password: 'x#y' }, ['one']],
      ['__proto__=1 constructor=2', {}, ['__proto__=1', 'constructor=2']],
      ['constructor=2', { constructor: '2' } as Record<string, string>, []],
    ];
    for (const [text, options, words] of read) {
      const [statement] = readStatements(`\n${text.endsWith('\\') ? `${text}\n` : text}\n`);
      assert.deepEqual(statement && { line: statement.line, options: Object.fromEntries(statement.options), words: statement.words }, {
        line: 2,
        options,
        words,
      });
    }
    assert.deepEqual(readStatements('a=1 \\\n# nothing\nb=2\n').length, 2);
    assert.deepEqual(readStatements('a=1 \\  # and so on\n\tone\n')[0]?.words, ['one']);
    assert.deepEqual(readStatements('one \\\n'), [], 'ddclient passes over what is not continued');
  });

  test('ddclient.conf: where the address is found', () => {
    const found: [text: string, use: string, method: string][] = [
      ['use=web', 'web', ''],
      ['use=web, web=dyndns', 'web', 'dyndns'],
      ['web=dyndns', '', ''],
      ['use=IF, if=eth0', 'IF', 'eth0'],
      ['use=ip ip=192.0.2.1', 'ip', '192.0.2.1'],
      ['use=cmd cmd="a b"', 'cmd', 'a b'],
      ['use=fw, fw=192.0.2.1/status, if=eth0', 'fw', '192.0.2.1/status'],
      ['use=cisco, if=eth0, fw=192.0.2.1', 'cisco', '192.0.2.1'],
      ['use=no, web=dyndns, fw=192.0.2.1', 'no', ''],
      ['usev4=webv4 webv4=ipify use=if if=eth0', 'webv4', 'ipify'],
      ['usev4=cisco fwv4=192.0.2.1 fw=192.0.2.2', 'cisco', '192.0.2.1'],
      ['usev4=disabled usev6=if if=eth0', 'if', 'eth0'],
      ['usev4=disabled usev6=disabled use=disabled', 'disabled', ''],
      ['use=constructor', 'constructor', ''],
    ];
    for (const [text, use, method] of found) {
      const read = parseDdclient(text);
      assert.deepEqual([read.use, read.method], [use, method], text);
    }
  });

  test('ddclient.conf, as RaspAP writes it', () => {
    const word = fc.string({ unit: fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz0123456789.-_@:/=?&%'), minLength: 1, maxLength: 40 });
    const machine = fc.string({ unit: fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz0123456789-.'), minLength: 1, maxLength: 40 });
    // It writes them between single quotes; one that ends or starts with such a quote cannot be told from it.
    const password = fc.string({ unit: fc.constantFrom(...'abc"#=, \\$ü%'), maxLength: 20 }).map((text) => `a${text}a`);
    const model = {
      protocol: word,
      method: word,
      server: word,
      login: word,
      password,
      hosts: fc.array(machine, { minLength: 1, maxLength: 3 }),
    };
    fc.assert(
      fc.property(fc.record(model), fc.constantFrom('\n', ' \\\n'), ({ hosts, ...fields }, end) => {
        const { protocol, method, server, login, password } = fields;
        const options = [
          `protocol=${protocol}`,
          'use=web',
          `web=${method}`,
          `server=${server}`,
          `login=${login}`,
          `password='${password}'`,
        ];
        const text = `daemon=300\nsyslog=yes\n${options.join(end)}${end}${hosts.join(', ')}\n`;
        const expected = { use: 'web', ...fields, domain: hosts.join(',') };
        assert.deepEqual(parseDdclient(text), { ...expected, hosts: [expected] });
      }),
    );
  });

  test('any rules stay as they are', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 5 })), (value) => {
        const text = JSON.stringify(value, (key, held) => (key === '__proto__' ? undefined : held));
        assert.equal(JSON.stringify(parseFirewall(text)), text);
      }),
    );
    assert.equal(
      JSON.stringify(parseFirewall('{"b":[{"__proto__":{"x":1}}],"__proto__":1,"a":"__proto__"}')),
      '{"b":[{}],"a":"__proto__"}',
    );
    assert.equal(({} as { x?: number }).x, undefined);
  });
});

describe('configuration files', () => {
  const hostapd = (text: string) => parseHostapdConf(text, 'hostapd.conf');
  const files: Record<string, readonly [parse: (text: string) => unknown, real: string]> = {
    parseHostapdConf: [hostapd, fixture('hostapdconf', 'several-networks-of-a-radio', 'etc/hostapd/hostapd.conf')],
    parseIni: [parseIni, fixture('raspap', 'odd', 'etc/raspap/hostapd.ini')],
    parseDhcpcd: [parseDhcpcd, fixture('dhcpcd', 'other-blocks', 'etc/dhcpcd.conf')],
    parseResolv: [(text) => parseResolv(text, 'resolv.conf'), fixture('resolv', 'system-only', 'etc/resolv.conf')],
    parseDhcpRanges: [(text) => parseDhcpRanges(text, '/etc/dnsmasq.d/090_wlan0.conf'), fixture('dnsmasq', 'options', 'etc/dnsmasq.conf')],
    parseStaticLeases: [parseStaticLeases, fixture('dnsmasq', 'fixed-leases', 'etc/dnsmasq.conf')],
    parseServers: [parseServers, fixture('dnsmasq', 'servers', 'etc/dnsmasq.conf')],
  };

  for (const [name, [parse, real]] of Object.entries(files)) {
    test(`${name}: any text gives a value or a SourceError`, () => {
      const any = fc.oneof(fc.string({ unit: 'binary', maxLength: 200 }), mutations([real]));
      fc.assert(
        fc.property(any, (text) => holds(() => parse(text))),
        { numRuns: 500 },
      );
    });

    test(`${name}: long lines, and many, take no time`, () => {
      const options = [
        'ssid=',
        'interface ',
        'interface=',
        'static routers=',
        'static ip_address=',
        'nameserver ',
        'dhcp-host=',
        'server=',
      ];
      const fillers = [' ', ' #', ' ;', ',', '=', '"', "'", '\u2028', '\r', '/', '1.', ':', '['];
      for (const option of ['', ...options, 'dhcp-option=6,', 'dhcp-range=10.0.0.1,', 'WifiInterface = ']) {
        for (const filler of fillers) {
          const startMs = performance.now();
          holds(() => parse(`${option}${filler.repeat(200_000)}x\u2028\n`));
          assert.ok(performance.now() - startMs < 2_000, `${option}${filler}`);
        }
      }
      for (const line of ['bss=\n', 'interface x\n', 'dhcp-range=10.0.0.1,set:a\n', 'dhcp-option=tag:a,3,10.0.0.1\n', 'a=b\n', '\n']) {
        const startMs = performance.now();
        holds(() => parse(line.repeat(100_000)));
        assert.ok(performance.now() - startMs < 3_000, line);
      }
    });

    test(`${name}: names of a prototype are names like others`, () => {
      const before = Object.getOwnPropertyNames(Object.prototype);
      const text = ['__proto__', 'constructor', 'toString'].map(
        (key) => `${key}=1\ninterface ${key}\nstatic routers=10.0.0.1\nbss=${key}\n`,
      );
      holds(() => parse(text.join('')));
      assert.deepEqual(Object.getOwnPropertyNames(Object.prototype), before);
    });
  }

  test('hostapd: what is no configuration is refused, and none of it is in the message', () => {
    const refused: [string, string][] = [
      ['', 'hostapd.conf: is empty, expected key=value lines'],
      ['wpa_passphrase=Secret\0', 'hostapd.conf: has NUL bytes, expected a configuration file'],
      ['wpa_passphrase Secret\n', 'hostapd.conf: has no line key=value'],
      ['#wpa_passphrase=Secret\n', 'hostapd.conf: has no line key=value'],
      ['\n\n', 'hostapd.conf: has no line key=value'],
      ['interface=wlan0\r\nssid=a\rwpa_passphrase=Secret\r', 'hostapd.conf: line 2: contains a carriage return'],
      [`wpa_passphrase=Secret\n${'bss=Secret\n'.repeat(100)}`, 'hostapd.conf: line 65: more than 64 networks'],
    ];
    for (const [text, message] of refused) assert.throws(() => hostapd(text), { code: 'malformed', message });
  });

  test('hostapd: blanks belong to keys and values', () => {
    const [first] = hostapd(' channel=1\nchannel =2\nssid= a \nhw_mode=\n');
    assert.deepEqual([first?.channel, first?.ssid, first?.hw_mode], ['', ' a ', '']);
  });

  test('what holds NUL bytes is refused without being quoted', () => {
    for (const parse of [parseIni, parseDhcpcd, (text: string) => parseResolv(text, '/etc/resolv.conf')]) {
      assert.throws(() => parse('authtoken Secret\0'), {
        code: 'malformed',
        message: /^\/etc\/\S+: has NUL bytes, expected a configuration file$/,
      });
    }
  });

  test('the first access point', () => {
    const known = (file: string, name: string) => ({ file: `/etc/hostapd/${file}`, interface: name });
    const [plain, first, second] = [
      known('hostapd.conf', 'wlan0'),
      known('hostapd-wlan0.conf', 'wlan0'),
      known('hostapd-wlan1.conf', 'wlan1'),
    ];
    const choice = (wifiInterface: string | null, dualApEnable = false) => ({ wifiInterface, dualApEnable });
    const all = [plain, first, second];
    assert.deepEqual(firstAtStart(all, undefined), [plain, first, second]);
    assert.deepEqual(firstAtStart(all, choice(null)), [plain, first, second]);
    assert.deepEqual(firstAtStart(all, choice('wlan0')), [plain, first, second]);
    assert.deepEqual(firstAtStart(all, choice('wlan1')), [second, plain, first]);
    assert.deepEqual(firstAtStart(all, choice('wlan0', true)), [first, plain, second]);
    assert.deepEqual(firstAtStart(all, choice('wlan1', true)), [second, first, plain]);
    assert.deepEqual(firstAtStart(all, choice('wlan7', true)), [first, second, plain]);
    assert.deepEqual(firstAtStart([known('hostapd.conf', '')], choice('')), [known('hostapd.conf', '')]);
  });

  test('which interface a range is for', () => {
    const network = (name: string, address: string, prefixLength: number) => ({ interface: name, network: address, prefixLength });
    const range = (inLine: string | null, inFile: string[]) => ({ start: '10.3.141.50', interface: inLine, interfaces: inFile });
    const wlan0 = network('wlan0', '10.3.141.0', 24);
    const cases: [ReturnType<typeof range>, ReturnType<typeof network>[], string[]][] = [
      [range('eth9', ['wlan1']), [wlan0], ['eth9']],
      [range(null, ['wlan1']), [wlan0], ['wlan0']],
      [range(null, ['wlan1']), [network('eth0', '10.0.0.0', 8), wlan0], ['wlan0']],
      [range(null, ['wlan1']), [network('tun0', '0.0.0.0', 1)], ['wlan1']],
      [range(null, ['wlan1', 'wlan2']), [], ['wlan1', 'wlan2']],
      [range(null, []), [], []],
      [range(null, ['wlan1']), [wlan0, network('wlan1', '10.3.141.0', 24)], ['wlan1']],
      [range(null, []), [wlan0, network('wlan1', '10.3.141.0', 24)], ['wlan0', 'wlan1']],
    ];
    for (const [given, networks, names] of cases) assert.deepEqual(rangeInterfaces(given, networks), names);
  });
});
