/**
 * Every folder of test/fixtures/COLLECTOR and test/fixtures/DOCUMENT is a test, described in support/fixture.ts.
 * `UPDATE_FIXTURES=1` writes what comes of them instead of comparing it: read the difference before you commit it.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { type CollectorName, collectorByName, collectors } from '../../../src/collectors/index.js';
import { traffic } from '../../../src/collectors/network/traffic.js';
import { cpu } from '../../../src/collectors/system/cpu.js';
import { parseIwDev } from '../../../src/collectors/wifi/iw.js';
import { stations } from '../../../src/collectors/wifi/stations.js';
import { documents } from '../../../src/documents/index.js';
import { createMachine, type Machine } from '../../../src/machine/machine.js';
import { slug } from '../../../src/model/document.js';
import {
  allFixtures,
  assertExpected,
  composeFixture,
  fixture,
  fixtureText,
  machineBefore,
  machineOf,
  sampleFixture,
} from '../../support/fixture.js';
import { asNobody } from '../../support/nobody.js';
import { assertValid } from '../../support/schema.js';

describe('fixtures', () => {
  const cases = allFixtures();

  for (const one of cases) {
    test(`${one.subject}/${one.name}`, () => {
      const collector = collectorByName(one.subject);
      const document = documents.find((known) => slug(known) === one.subject);
      if (collector) {
        const outcome = sampleFixture(collector, one);
        assertExpected(outcome, one);
        if ('value' in outcome) assertValid(outcome.value, collector.view);
      } else if (document) {
        const outcome = composeFixture(document, one);
        assertExpected(outcome, one);
        if (!('value' in outcome)) return;
        const { document: body, pages = {} } = outcome.value as { document: unknown; pages?: Record<string, unknown> };
        assertValid(body, document.view);
        for (const page of Object.values(pages)) if (document.pages) assertValid(page, document.pages.view);
      } else {
        assert.fail(`no collector and no document ${one.subject}`);
      }
    });
  }

  test('every collector and every document has a case with a value', () => {
    const told = new Set(
      cases.filter((one) => !/"(?:absent|error)"/.test(fixtureText(one, 'expected.json').slice(0, 15))).map((one) => one.subject),
    );
    assert.deepEqual(
      [...collectors, ...documents].map(slug).filter((name) => !told.has(name)),
      [],
    );
  });

  test('what a collector gives where there is nothing is in the form it promises', () => {
    for (const { absent, view } of collectors) assertValid(absent, view);
  });
});

describe('a sample after another', () => {
  const now = { carried: undefined, monotonicMs: 0, nowMs: 0, thorough: false, exposeSecrets: false, maxStationMetrics: 1_000 };

  test('stations/access points are believed for 30 s, if nobody asks', () => {
    const folder = fixture('stations', 'listed-lately');
    const { carry } = stations.read(machineBefore(folder) as Machine, now);
    const listed = (monotonicMs: number, thorough: boolean) =>
      stations.read(machineOf(folder), { ...now, carried: carry, monotonicMs, thorough }).value.accessPoints.length;
    assert.equal(listed(29_999, false), 1);
    assert.equal(listed(30_000, false), 0);
    assert.equal(listed(2_000, true), 0);
  });

  test('stations/rates over less than half a second are those of the sample before', () => {
    const folder = fixture('stations', 'busy');
    const [old, machine] = [machineBefore(folder) as Machine, machineOf(folder)];
    const rates = (sample: ReturnType<typeof stations.read>) => sample.value.stations.map((row) => row.download_bits_per_second);
    const first = stations.read(old, now);
    const second = stations.read(machine, { ...now, carried: first.carry, monotonicMs: 2_000 });
    assert.deepEqual(rates(first), [null, null, null]);
    assert.deepEqual(rates(second), [27_400, 6_714_000, 0]);
    // Later on, the rate is since the sample that had one.
    const third = stations.read(machine, { ...now, carried: second.carry, monotonicMs: 2_499 });
    assert.deepEqual(rates(third), rates(second));
    const fourth = stations.read(machine, { ...now, carried: third.carry, monotonicMs: 2_500 });
    assert.deepEqual(rates(fourth), [0, 0, 0]);
  });

  test('traffic/rates over less than half a second are those of the sample before', () => {
    const folder = fixture('traffic', 'busy');
    const [old, machine] = [machineBefore(folder) as Machine, machineOf(folder)];
    const take = (from: Machine, carried: ReturnType<typeof traffic.read>['carry'], monotonicMs: number) =>
      traffic.read(from, { ...now, carried, monotonicMs });
    const rates = (sample: ReturnType<typeof traffic.read>) =>
      sample.value.interfaces.map((row) => [row.rx_bytes_per_second, row.tx_bytes_per_second]);
    const first = take(old, undefined, 0);
    const second = take(machine, first.carry, 3_000);
    // Counters are those of now all the same.
    const third = take(machine, second.carry, 3_499);
    const fourth = take(machine, third.carry, 3_500);
    assert.deepEqual(rates(first), [
      [null, null],
      [null, null],
    ]);
    assert.deepEqual(rates(second), [
      [500_000, 30_000],
      [16_667, 466_667],
    ]);
    assert.deepEqual([third.value, third.carry], [second.value, second.carry]);
    assert.deepEqual(rates(fourth), [
      [0, 0],
      [0, 0],
    ]);
    // Soon or not, a counter that fell has no rate.
    assert.deepEqual(rates(take(old, second.carry, 3_100)), rates(first));
    const early = take(machine, first.carry, 499);
    assert.deepEqual([rates(early), early.value.interfaces[0]?.rx_bytes], [rates(first), 9_303_000_000]);
  });

  test('cpu/a share of less than 300 ms is that of the sample before', () => {
    const folder = fixture('cpu', 'core-offline');
    const [old, machine] = [machineBefore(folder) as Machine, machineOf(folder)];
    const first = cpu.read(old, now);
    const again = cpu.read(machine, { ...now, carried: first.carry, monotonicMs: 299 });
    assert.deepEqual([again.value, again.carry, again.metrics?.()], [first.value, first.carry, first.metrics?.()]);
    assert.equal(cpu.read(machine, { ...now, carried: first.carry, monotonicMs: 300 }).value.busyRatio, 0.75);
  });
});

/** What cannot be in git: FIFOs, files that may not be read, sensors that fail, the machine that runs the test. */
describe('machines that are no fixture', () => {
  const roots: string[] = [];
  after(() => {
    for (const root of roots) rmSync(root, { recursive: true, force: true });
  });

  /** A machine of these files. */
  function folderOf(files: Readonly<Record<string, string>>): string {
    const root = mkdtempSync(join(tmpdir(), 'apsnap-machine-'));
    roots.push(root);
    chmodSync(root, 0o755);
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    return root;
  }

  function sample(name: CollectorName, machine: Machine, exposeSecrets = false): unknown {
    const sampling = { carried: undefined, monotonicMs: 0, nowMs: 0, thorough: true, exposeSecrets, maxStationMetrics: 0 };
    return collectorByName(name)?.read(machine, sampling).value;
  }

  const hostOf = (rootfs: string): Machine => createMachine({ rootfs, path: '' });
  const zone = '/sys/class/thermal/thermal_zone0';
  const pi = { [`${zone}/type`]: 'cpu-thermal\n' };

  test('thermal/fifo', () => {
    const root = folderOf(pi);
    execFileSync('mkfifo', [join(root, zone, 'temp')]);
    assert.throws(() => sample('thermal', hostOf(root)), {
      code: 'not-a-file',
      message: `${root}${zone}/temp: is not a regular file`,
    });
  });

  test('thermal/fifo of another zone', () => {
    const root = folderOf({ ...pi, [`${zone}/temp`]: '47774\n', '/sys/class/thermal/thermal_zone1/type': 'nvme\n' });
    execFileSync('mkfifo', [join(root, '/sys/class/thermal/thermal_zone1/temp')]);
    assert.deepEqual(sample('thermal', hostOf(root)), {
      celsius: 47.77,
      zones: [
        { zone: 'thermal_zone0', type: 'cpu-thermal', celsius: 47.77 },
        { zone: 'thermal_zone1', type: 'nvme', celsius: null },
      ],
    });
  });

  test('thermal/sensor fails', () => {
    // A sensor that is not connected answers EINVAL; the start of its memory answers EIO to every process.
    const real = createMachine({ rootfs: '/', path: '' });
    const root = hostOf(folderOf({ ...pi, [`${zone}/temp`]: '' }));
    const machine: Machine = {
      ...root,
      readText: (path) => (path === `${zone}/temp` ? real.readText('/proc/self/mem') : root.readText(path)),
    };
    assert.deepEqual(sample('thermal', machine), {
      celsius: null,
      zones: [{ zone: 'thermal_zone0', type: 'cpu-thermal', celsius: null }],
    });
  });

  test('thermal/permission', () => {
    const root = folderOf({ ...pi, [`${zone}/temp`]: '47774\n' });
    chmodSync(join(root, zone, 'temp'), 0);
    assert.throws(() => asNobody(() => sample('thermal', hostOf(root))), {
      code: 'permission',
      message: `${root}${zone}/temp: permission denied`,
    });
  });

  test('leases/unreadable', () => {
    const root = folderOf({ '/var/lib/misc/dnsmasq.leases': '' });
    chmodSync(join(root, 'var/lib/misc/dnsmasq.leases'), 0);
    assert.throws(() => asNobody(() => sample('leases', hostOf(root))), {
      code: 'permission',
      message: `${root}/var/lib/misc/dnsmasq.leases: permission denied`,
    });
  });

  test('leases/too large', () => {
    const root = folderOf({ '/var/lib/misc/dnsmasq.leases': ' '.repeat((16 << 20) + 1) });
    assert.throws(() => sample('leases', hostOf(root)), { code: 'too-large', message: /dnsmasq\.leases: has more than 16777216 bytes$/ });
  });

  test('leases/unreadable file of dnsmasq', () => {
    const lease = '1795500557 02:00:00:00:03:00 10.3.141.166 tv *\n';
    const root = folderOf({ '/etc/dnsmasq.d/vpn.conf': 'dhcp-leasefile=/nowhere\n', '/var/lib/misc/dnsmasq.leases': lease });
    chmodSync(join(root, 'etc/dnsmasq.d/vpn.conf'), 0);
    const amount = () => (sample('leases', hostOf(root)) as { leases: unknown[] }).leases.length;
    assert.equal(asNobody(amount), 1);
    chmodSync(join(root, 'etc/dnsmasq.d'), 0);
    assert.equal(asNobody(amount), 1);
    chmodSync(join(root, 'etc/dnsmasq.d'), 0o700);
  });

  test('resolv/unreadable file of dnsmasq', () => {
    const root = folderOf({ '/etc/dnsmasq.d/vpn.conf': 'resolv-file=/nowhere\n', '/etc/resolv.conf': 'nameserver 9.9.9.9\n' });
    chmodSync(join(root, 'etc/dnsmasq.d/vpn.conf'), 0);
    assert.deepEqual(
      asNobody(() => sample('resolv', hostOf(root))),
      { files: [{ file: '/etc/resolv.conf', nameServers: ['9.9.9.9'] }] },
    );
  });

  test('hostapdconf/unreadable', () => {
    const root = folderOf({ '/etc/hostapd/wlan0.conf': 'interface=wlan0\n' });
    for (const path of ['/etc/hostapd/wlan0.conf', '/etc/hostapd']) {
      chmodSync(join(root, path), 0);
      assert.throws(() => asNobody(() => sample('hostapdconf', hostOf(root))), {
        code: 'permission',
        message: `${root}${path}: permission denied`,
      });
    }
    chmodSync(join(root, 'etc/hostapd'), 0o700);
  });

  test('raspap, dhcpcd and resolv/unreadable', () => {
    const files = { raspap: '/etc/raspap/hostapd.ini', dhcpcd: '/etc/dhcpcd.conf', resolv: '/run/dnsmasq/resolv.conf' } as const;
    for (const [name, path] of Object.entries(files)) {
      const root = folderOf({ [path]: '' });
      chmodSync(join(root, path), 0);
      assert.throws(() => asNobody(() => sample(name as CollectorName, hostOf(root))), {
        code: 'permission',
        message: `${root}${path}: permission denied`,
      });
    }
  });

  test('dnsmasq/unreadable', () => {
    const root = folderOf({ '/etc/dnsmasq.d/090_wlan0.conf': 'dhcp-range=10.3.141.50,10.3.141.255,12h\n' });
    chmodSync(join(root, 'etc/dnsmasq.d'), 0);
    assert.throws(() => asNobody(() => sample('dnsmasq', hostOf(root))), {
      code: 'permission',
      message: `${root}/etc/dnsmasq.d: permission denied`,
    });
    chmodSync(join(root, 'etc/dnsmasq.d'), 0o700);
  });

  test('dnsmasq/a list of blocked names among the files', () => {
    const list = Array.from({ length: 200_000 }, (_, index) => `local=/ads${index}.tracker.example/\n`).join('');
    const root = folderOf({
      '/etc/dnsmasq.d/list.conf': `${list}server=9.9.9.9\n`,
      '/etc/dnsmasq.d/range.conf': 'dhcp-range=10.3.141.50,12h\n',
    });
    const { ranges, servers } = sample('dnsmasq', hostOf(root)) as { ranges: unknown[]; servers: string[] };
    assert.deepEqual([ranges.length, servers], [1, ['9.9.9.9']]);
    const long = folderOf({ '/etc/dnsmasq.d/hosts.conf': 'dhcp-host=x\n'.repeat(25_000) });
    assert.throws(() => sample('dnsmasq', hostOf(long)), {
      code: 'too-large',
      message: /hosts\.conf: has more than 262144 characters besides/,
    });
  });

  test('dnsmasq/a name that would forge a line', () => {
    const root = folderOf({ '/etc/dnsmasq.d/a\nkey  ok\u001b[2J': 'dhcp-range=here\n' });
    assert.throws(() => sample('dnsmasq', hostOf(root)), {
      message: '/etc/dnsmasq.d/a\\u000akey  ok\\u001b[2J: dhcp-range does not start with an address: "here"',
    });
  });

  test('dnsmasq/more files than anybody has', () => {
    const files = Array.from({ length: 1_001 }, (_, index) => [`/etc/dnsmasq.d/${index}.conf`, 'dhcp-leasefile=/nowhere\n'] as const);
    const root = folderOf({ ...Object.fromEntries(files), '/var/lib/misc/dnsmasq.leases': '0 02:00:00:00:01:00 10.3.141.10 alice *\n' });
    assert.throws(() => sample('dnsmasq', hostOf(root)), { code: 'too-large', message: /dnsmasq\.d: has more than 1000 files$/ });
    assert.equal((sample('leases', hostOf(root)) as { leases: unknown[] }).leases.length, 1);
  });

  test('host/a configuration of lighttpd that is blank', () => {
    const kernel = {
      '/proc/sys/kernel/hostname': 'pi\n',
      '/proc/sys/kernel/osrelease': '6.1\n',
      '/sys/devices/system/cpu/possible': '0\n',
    };
    for (const blank of ['\n', ' ', '\r']) {
      const root = folderOf({ ...kernel, '/etc/lighttpd/lighttpd.conf': blank.repeat(1 << 20) });
      const startedMs = performance.now();
      sample('host', hostOf(root));
      assert.ok(performance.now() - startedMs < 2_000);
    }
  });

  test('dnsmasq/fifo beside the files', () => {
    const root = folderOf({ '/etc/dnsmasq.d/090_wlan0.conf': 'dhcp-range=10.3.141.50,10.3.141.255,12h\n' });
    execFileSync('mkfifo', [join(root, 'etc/dnsmasq.d/pipe')]);
    assert.equal((sample('dnsmasq', hostOf(root)) as { ranges: unknown[] }).ranges.length, 1);
  });

  test('ddclient/unreadable', () => {
    const root = folderOf({ '/etc/ddclient.conf': 'password=secret\n' });
    chmodSync(join(root, 'etc/ddclient.conf'), 0);
    assert.throws(() => asNobody(() => sample('ddclient', hostOf(root))), {
      code: 'permission',
      message: `${root}/etc/ddclient.conf: permission denied`,
    });
  });

  test('ddclient/too large', () => {
    const root = folderOf({ '/etc/ddclient.conf': '#'.repeat((64 << 10) + 1) });
    assert.throws(() => sample('ddclient', hostOf(root)), { code: 'too-large' });
  });

  for (const name of ['openvpn', 'wireguard'] as const) {
    const folder = { openvpn: '/etc/openvpn/client', wireguard: '/etc/wireguard' }[name];
    const active = { openvpn: 'client.conf', wireguard: 'wg0.conf' }[name];

    test(`${name}/unreadable`, () => {
      const root = folderOf({ [`${folder}/office_client.conf`]: '' });
      chmodSync(join(root, folder), 0);
      assert.throws(() => asNobody(() => sample(name, hostOf(root))), {
        code: 'permission',
        message: `${root}${folder}: permission denied`,
      });
      chmodSync(join(root, folder), 0o700);
    });

    test(`${name}/below a folder that is unreadable`, () => {
      const root = folderOf({ [`${folder}/office_client.conf`]: '' });
      const above = dirname(join(root, folder));
      chmodSync(above, 0);
      assert.throws(() => asNobody(() => sample(name, hostOf(root))), {
        code: 'permission',
        message: `${root}${folder}: permission denied`,
      });
      chmodSync(above, 0o755);
    });

    test(`${name}/may be listed, not entered`, () => {
      const root = folderOf({ [`${folder}/office_client.conf`]: '' });
      chmodSync(join(root, folder), 0o444);
      const { client_config_names } = asNobody(() => sample(name, hostOf(root))) as { client_config_names: unknown };
      assert.deepEqual(client_config_names, [{ config: 'office_client.conf' }]);
      chmodSync(join(root, folder), 0o755);
      symlinkSync('office_client.conf', join(root, folder, active));
      chmodSync(join(root, folder), 0o444);
      assert.throws(() => asNobody(() => sample(name, hostOf(root))), {
        code: 'permission',
        message: /: cannot read the target of the link$/,
      });
      chmodSync(join(root, folder), 0o755);
    });

    test(`${name}/files of root's, a link to one, a fifo, a folder that is closed`, () => {
      const root = folderOf({ [`${folder}/office_client.conf`]: 'x', [`${folder}/keys/a.key`]: 'x', [`${folder}/closed/b.key`]: 'x' });
      const at = join(root, folder);
      chmodSync(join(at, 'office_client.conf'), 0);
      chmodSync(join(at, 'closed'), 0);
      symlinkSync('office_client.conf', join(at, 'copy_client.conf'));
      symlinkSync(`${folder}/office_client.conf`, join(at, active));
      execFileSync('mkfifo', [join(at, 'pipe_client.conf')]);
      symlinkSync('pipe_client.conf', join(at, 'way_to_pipe_client.conf'));
      const value = asNobody(() => sample(name, hostOf(root))) as Record<string, unknown>;
      assert.deepEqual(value.client_config_names, [{ config: 'copy_client.conf' }, { config: 'office_client.conf' }]);
      assert.deepEqual([value.client_configs, value.client_config_active], ['2', 'office_client.conf']);
      chmodSync(join(at, 'closed'), 0o755);
    });

    test(`${name}/empty folder`, () => {
      const root = folderOf({});
      mkdirSync(join(root, folder), { recursive: true });
      assert.deepEqual(sample(name, hostOf(root)), collectorByName(name)?.absent);
    });
  }

  test('openvpn/files that are unreadable or too large hide no others', () => {
    const folder = '/etc/openvpn/client';
    const root = folderOf({
      [`${folder}/a_client`]: 'a\n',
      [`${folder}/b_client`]: 'b\n',
      [`${folder}/c_client`]: 'c'.repeat((256 << 10) + 1),
      [`${folder}/d_client`]: 'd\n',
    });
    chmodSync(join(root, folder, 'b_client'), 0);
    const { contents } = asNobody(() => sample('openvpn', hostOf(root), true)) as { contents: unknown };
    assert.deepEqual(contents, [
      { config: 'a_client', lines: ['a'], problem: null },
      { config: 'b_client', lines: null, problem: `${root}${folder}/b_client: permission denied` },
      { config: 'c_client', lines: null, problem: `${root}${folder}/c_client: has more than 262144 bytes` },
      { config: 'd_client', lines: ['d'], problem: null },
    ]);
  });

  test('openvpn/more than can be held at once', () => {
    const names = Array.from({ length: 33 }, (_, index) => `${10 + index}_client`);
    const files = Object.fromEntries(names.map((name) => [`/etc/openvpn/client/${name}`, 'a'.repeat(256 << 10)]));
    const { contents } = sample('openvpn', hostOf(folderOf(files)), true) as { contents: { lines: unknown; problem: string | null }[] };
    assert.deepEqual(
      contents.map(({ lines }) => lines === null),
      [...Array(32).fill(false), true],
    );
    assert.match(contents[32]?.problem ?? '', /42_client: the configurations have more than 8388608 bytes together$/);
  });

  test('openvpn/more than can be told of', () => {
    const files = (amount: number, name: string) =>
      Object.fromEntries(Array.from({ length: amount }, (_, index) => [`/etc/openvpn/client/${index}${name}`, '']));
    const root = (amount: number, name: string) => hostOf(folderOf(files(amount, name)));
    const told = sample('openvpn', root(1_000, '_client')) as { client_configs: string; contents: unknown[] };
    assert.deepEqual([told.client_configs, told.contents.length], ['1000', 1_000]);
    assert.throws(() => sample('openvpn', root(1_001, '_client')), {
      code: 'too-large',
      message: /client: has more than 1000 configurations$/,
    });
    assert.throws(() => sample('openvpn', root(5_001, '/of/a')), { code: 'too-large', message: /client: has more than 10000 entries$/ });
  });

  test('openvpn/texts are read only where secrets are shown', () => {
    const folder = fixture('openvpn', 'raspap');
    const read: string[] = [];
    const root = machineOf(folder);
    const machine: Machine = {
      ...root,
      readBytes(path, limit) {
        read.push(path);
        return root.readBytes(path, limit);
      },
    };
    sample('openvpn', machine);
    assert.deepEqual(read, []);
    sample('openvpn', machine, true);
    assert.deepEqual(read, ['/etc/openvpn/client/Travel_client.conf', '/etc/openvpn/client/office_client.conf']);
  });

  test('firewall/unreadable', () => {
    const file = '/etc/raspap/networking/firewall/iptables_rules.json';
    const root = folderOf({ [file]: '{}', '/etc/raspap/networking/iptables_rules.json': '{"older":true}' });
    chmodSync(join(root, file), 0);
    assert.throws(() => asNobody(() => sample('firewall', hostOf(root))), {
      code: 'permission',
      message: `${root}${file}: permission denied`,
    });
  });

  test('stations/more access points than can be asked', () => {
    const list = (amount: number) =>
      `phy#0\n${Array.from({ length: amount }, (_, index) => `\tInterface ap${index}\n\t\ttype AP\n`).join('')}`;
    assert.equal(parseIwDev(list(256)).length, 256);
    assert.throws(() => parseIwDev(list(257)), { code: 'too-large', message: 'iw dev: has more than 256 access points' });
  });

  test('bridges/too large', () => {
    const entry = Buffer.from('02000000010001000a00000000000000', 'hex').toString('latin1');
    const root = folderOf({ '/sys/class/net/br0/brforward': entry.repeat(16_385) });
    assert.throws(() => sample('bridges', hostOf(root)), { code: 'too-large', message: /br0\/brforward: has more than 262144 bytes$/ });
  });

  test('firewall/too large', () => {
    const root = folderOf({ '/etc/raspap/networking/firewall/iptables_rules.json': `"${' '.repeat(256 << 10)}"` });
    assert.throws(() => sample('firewall', hostOf(root)), {
      code: 'too-large',
      message: /iptables_rules\.json: has more than 262144 bytes$/,
    });
  });

  test('hostapd/process that ended between the listing and the reading', () => {
    const root = hostOf(folderOf({ '/proc/350/comm': 'hostapd\n' }));
    const machine: Machine = { ...root, list: (path) => ['349', ...root.list(path)] };
    assert.deepEqual(sample('hostapd', machine), { running: true });
  });

  /** A host whose kernel refuses to say what lies at some paths. */
  function refusing(machine: Machine, refused: (path: string) => boolean): Machine {
    const real = createMachine({ rootfs: '/', path: '' });
    return {
      ...machine,
      readTextIfThere: (path) => (refused(path) ? real.readTextIfThere('/proc/self/mem') : machine.readTextIfThere(path)),
    };
  }

  test('interfaces/values that the kernel refuses', () => {
    // EINVAL, of the speed of what is down. All is refused while an interface goes.
    const machine = machineOf(fixture('interfaces', 'pi4-vpn'));
    const rows = (from: Machine) => (sample('interfaces', from) as { interfaces: Record<string, unknown>[] }).interfaces;
    const [eth0, ...others] = rows(machine);
    const refused = rows(refusing(machine, (path) => /\/eth0\/(?:speed|duplex)$/.test(path)));
    assert.deepEqual(refused, [{ ...eth0, speed_mbps: null, duplex: null }, ...others]);
    assert.deepEqual(rows(refusing(machine, (path) => path.includes('/wg0/')))[3], {
      interface: 'wg0',
      wireless: false,
      ethernet: false,
      bridge: null,
      kind: null,
      mac_address: null,
      admin_up: null,
      operational_state: null,
      carrier: null,
      speed_mbps: null,
      duplex: null,
      mtu: null,
      uplink: false,
      vpn: false,
    });
  });

  test('interfaces/reads no more than it needs', () => {
    const read: string[] = [];
    const machine = machineOf(fixture('interfaces', 'pi4-vpn'));
    const counting: Machine = {
      ...machine,
      readTextIfThere(path) {
        read.push(path.replace('/sys/class/net/', ''));
        return machine.readTextIfThere(path);
      },
    };
    sample('interfaces', counting);
    const of = (name: string) => read.flatMap((path) => (path.startsWith(`${name}/`) ? path.slice(name.length + 1) : [])).sort();
    assert.deepEqual(of('wlan0'), ['address', 'flags', 'mtu', 'operstate']);
    assert.deepEqual(of('eth0'), ['address', 'duplex', 'flags', 'mtu', 'operstate', 'speed', 'type', 'uevent']);
    assert.deepEqual(of('wg0'), ['address', 'carrier', 'flags', 'mtu', 'operstate', 'type', 'uevent']);
    assert.deepEqual(of('tun0'), ['address', 'flags', 'mtu', 'operstate', 'tun_flags', 'type']);
  });

  test('interfaces/permission', () => {
    const root = folderOf({ '/sys/class/net/eth0/ifindex': '2\n', '/sys/class/net/eth0/flags': '0x1003\n' });
    chmodSync(join(root, 'sys/class/net/eth0/flags'), 0);
    assert.throws(() => asNobody(() => sample('interfaces', hostOf(root))), {
      code: 'permission',
      message: `${root}/sys/class/net/eth0/flags: permission denied`,
    });
  });

  test('traffic/interface that goes while it is read', () => {
    const machine = machineOf(fixture('traffic', 'busy'));
    const names = (from: Machine) =>
      (sample('traffic', from) as { interfaces: { interface: string }[] }).interfaces.map((row) => row.interface);
    assert.deepEqual(names(machine), ['eth0', 'wlan0']);
    for (const file of ['ifindex', 'statistics/rx_bytes', 'statistics/tx_dropped']) {
      assert.deepEqual(names(refusing(machine, (path) => path.endsWith(`/eth0/${file}`))), ['wlan0']);
    }
  });
});
