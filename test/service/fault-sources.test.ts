// What every collector reads, replaced by what it should not be: a FIFO, a folder, 100 MB, bytes that mean nothing, half of it, a
// program that hangs, floods or is gone. Everything that is made of others has to stay fresh.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, truncateSync } from 'node:fs';
import { describe, test } from 'node:test';
import { type CollectorName, collectors } from '../../src/collectors/index.js';
import { eventually } from '../support/eventually.js';
import { assertAllFresh, type CollectorState, documentsOf, eachSecond, type Patient, replay, withPatient } from '../support/patient.js';

/** As random as it looks, and the same each time; with line feeds and zeros. */
const BINARY = Buffer.from(Array.from({ length: 5_000 }, (_, index) => Math.imul(index + 1, 0x9e3779b1) >>> 24));
const FLOOD_BYTES = 100_000_000;

/** What can be in a file's place. */
const faults = {
  fifo(patient: Patient, path: string) {
    execFileSync('mkfifo', [patient.root.locate(path)]);
  },
  folder(patient: Patient, path: string) {
    mkdirSync(patient.root.locate(path));
  },
  flood(patient: Patient, path: string) {
    patient.root.write(path, BINARY);
    truncateSync(patient.root.locate(path), FLOOD_BYTES);
  },
  binary: (patient: Patient, path: string) => patient.root.write(path, BINARY),
  half(patient: Patient, path: string, good: () => Buffer) {
    const bytes = good();
    patient.root.write(path, bytes.subarray(0, bytes.length / 2));
  },
  empty: (patient: Patient, path: string) => patient.root.write(path, ''),
} as const;
type Fault = keyof typeof faults;

const ALL: readonly Fault[] = ['fifo', 'folder', 'flood', 'binary', 'half', 'empty'];

/** A file, and the faults that cannot be told from a good one, or that are no reason to fail. */
interface FileSource {
  readonly file: string;
  readonly harmless?: readonly Fault[];
}

/** A program, by its arguments. */
interface ProgramSource {
  readonly program: 'iw' | 'ip' | 'vcgencmd';
  readonly args: string;
}

const sources: Readonly<Record<CollectorName, FileSource | ProgramSource>> = {
  clock: { file: '/proc/uptime', harmless: ['half'] },
  load: { file: '/proc/loadavg' },
  cpu: { file: '/proc/stat' },
  memory: { file: '/proc/meminfo', harmless: ['half'] },
  disk: { file: '/proc/1/mountinfo', harmless: ALL },
  thermal: { file: '/sys/class/thermal/thermal_zone0/temp', harmless: ['half'] },
  hwmon: { file: '/sys/class/hwmon/hwmon0/temp1_input', harmless: ALL },
  power: { file: '/sys/class/hwmon/hwmon1/in0_lcrit_alarm', harmless: ['half'] },
  host: { file: '/proc/sys/kernel/hostname', harmless: ['half'] },
  hostapd: { file: '/proc/812/comm', harmless: ALL },
  hostapdconf: { file: '/etc/hostapd/hostapd.conf', harmless: ['half'] },
  raspap: { file: '/etc/raspap/hostapd.ini', harmless: ['half', 'empty'] },
  interfaces: { file: '/proc/net/route', harmless: ['half', 'empty'] },
  addresses: { program: 'ip', args: '-j addr' },
  traffic: { file: '/sys/class/net/eth0/statistics/rx_bytes', harmless: ['half'] },
  bridges: { file: '/sys/class/net/br0/brforward', harmless: ['empty'] },
  dnsmasq: { file: '/etc/dnsmasq.d/090_wlan0.conf', harmless: ['fifo', 'folder', 'half', 'empty'] },
  dhcpcd: { file: '/etc/dhcpcd.conf', harmless: ['half', 'empty'] },
  resolv: { file: '/etc/resolv.conf', harmless: ['half', 'empty'] },
  stations: { program: 'iw', args: 'dev wlan0 station dump' },
  leases: { file: '/var/lib/misc/dnsmasq.leases', harmless: ['half', 'empty'] },
  neighbours: { program: 'ip', args: '-j neigh show' },
  domains: { file: '/etc/raspap/adblock/domains.txt', harmless: ['half', 'empty'] },
  hostnames: { file: '/etc/raspap/adblock/hostnames.txt', harmless: ['half', 'empty'] },
  // What has no line that is finished has none yet.
  dnslog: { file: '/var/log/dnsmasq.log', harmless: ['flood', 'half', 'empty'] },
  ddclient: { file: '/etc/ddclient.conf', harmless: ['half', 'empty'] },
  firewall: { file: '/etc/raspap/networking/firewall/iptables_rules.json' },
  openvpn: { file: '/etc/openvpn/client', harmless: ['folder'] },
  wireguard: { file: '/etc/wireguard', harmless: ['folder'] },
};

/** What comes of a sample that is taken now; undefined for a collector that no document is made of, as that waits for its schedule. */
async function sampled(patient: Patient, name: string): Promise<CollectorState | undefined> {
  const documents = documentsOf(name);
  if (documents.length === 0) return undefined;
  await patient.refresh(documents);
  return patient.collector(name);
}

/** Whatever is made of a collector is stale for the reason that it tells, and says the same in `/snapshot`. */
async function assertFailing(patient: Patient, name: string, what: string): Promise<void> {
  await eventually(async () => {
    // Shares of the processors are of a third of a second at least.
    const row = await sampled(patient, name);
    assert.equal(row?.state, 'failing', what);
    const documents = await patient.documents();
    for (const document of documentsOf(name)) {
      const { state, error, data } = documents[document] as (typeof documents)[string];
      assert.equal(state, 'stale', `${what}: ${document}`);
      assert.equal(error?.message, row.reason);
      assert.ok(error?.advice && data, `${what}: ${document}`);
      // For people and for logs: on one line, and not the file.
      assert.match(error.message, /^[^\p{Cc}]{1,400}$/u, what);
    }
  });
}

describe('sources', { concurrency: 3 }, () => {
  test('sources/each collector is tried', () => {
    assert.deepEqual(Object.keys(sources).sort(), collectors.map(({ name }) => name).sort());
  });

  test('sources/files', () =>
    withPatient({}, async (patient) => {
      const { root } = patient;
      for (const [name, source] of Object.entries(sources)) {
        if ('program' in source) continue;
        const { file, harmless = [] } = source;
        patient.suspect(name);
        for (const [fault, put] of Object.entries(faults) as [Fault, (typeof faults)[Fault]][]) {
          const what = `${fault} in place of ${file}`;
          renameSync(root.locate(file), root.locate('/kept'));
          put(patient, file, () => (lstatSync(root.locate('/kept')).isDirectory() ? BINARY : root.read('/kept')));
          if (!harmless.includes(fault)) await assertFailing(patient, name, what);
          else assert.notEqual((await sampled(patient, name))?.state, 'failing', what);
          root.erase(file);
          renameSync(root.locate('/kept'), root.locate(file));
        }
        await sampled(patient, name);
        await eventually(() => assertAllFresh(patient));
      }

      // All at once: nothing is fresh, and it goes on to say why.
      const broken = Object.entries(sources).flatMap(([name, source]) =>
        'program' in source || source.harmless?.includes('flood') ? [] : [{ name, file: source.file }],
      );
      patient.suspect(...broken.map(({ name }) => name));
      for (const { file } of broken) {
        root.erase(file);
        faults.flood(patient, file);
      }
      await patient.refresh();
      const { status, rows } = await patient.doctor();
      assert.equal(status, 1);
      for (const { name } of broken) {
        const { reason, advice } = await patient.collector(name);
        const row = rows.get(name) ?? '';
        assert.match(row, /^\w+ +failing /);
        assert.ok(row.includes(`why: ${reason?.slice(name.length + 2)}`) && row.endsWith(`do:  ${advice}`), `${row}: ${reason}`);
      }
      for (const name of ['stations', 'neighbours', 'disk', 'key', 'events']) assert.match(rows.get(name) ?? '', /^\w+ +ok /);
    }));

  const programFaults: Readonly<Record<string, string>> = {
    'never ends': 'exec sleep "$NAP"',
    'ignores SIGTERM': `trap '' TERM INT HUP; while :; do sleep "$NAP"; done`,
    'leaves children': 'sleep "$NAP" & sleep "$NAP"; exit',
    floods: 'exec head -c 100000000 /dev/zero',
    binary: `exec head -c 5000 "$0.binary"`,
    'half of it': `cat "$ROOT/cmd/\${0##*/} $*" | head -c 3; exit`,
    'wrong shape': `echo '{"of": "something else"}'; exit`,
  };
  const places: Readonly<Record<string, (patient: Patient, program: string) => void>> = {
    'a folder': ({ root }, program) => mkdirSync(root.locate(`/bin/${program}`)),
    'not executable': ({ root }, program) => {
      root.program(program, '#!/bin/sh\n');
      chmodSync(root.locate(`/bin/${program}`), 0o644);
    },
    'a FIFO': ({ root }, program) => void execFileSync('mkfifo', ['-m', '755', root.locate(`/bin/${program}`)]),
  };
  const programs: readonly (ProgramSource & { readonly name: CollectorName })[] = [
    { name: 'stations', program: 'iw', args: 'dev' },
    { name: 'power', program: 'vcgencmd', args: 'get_throttled' },
    ...Object.entries(sources).flatMap(([name, source]) => ('program' in source ? [{ name: name as CollectorName, ...source }] : [])),
  ];

  for (const [index, { name, program, args }] of programs.entries()) {
    /** Nobody else sleeps so long. */
    const nap = `${4_000_000 + 8 * process.pid + index}`;
    test(`sources/${program} ${args}`, () =>
      withPatient({ args: eachSecond([name]) }, async (patient) => {
        const { root } = patient;
        root.write(`/bin/${program}.binary`, BINARY);
        root.erase('/sys/class/hwmon/hwmon1/in0_lcrit_alarm'); // it says the same as vcgencmd
        await patient.refresh();
        const users = Object.entries(sources).flatMap(([one, source]) => ('program' in source && source.program === program ? [one] : []));
        for (const [fault, script] of Object.entries(programFaults)) {
          patient.suspect(name);
          root.program(program, replay(root, program, { [args]: `ROOT='${root.folder}'; NAP=${nap}; ${script}` }));
          await assertFailing(patient, name, `${program} ${args} ${fault}`);
          root.program(program, replay(root, program));
          await patient.until(name, 'ok');
          await eventually(() => assertAllFresh(patient));
          assert.deepEqual(sleepers(nap), [], `${fault}: what it had started is gone`);
        }
        patient.suspect(name, ...users);
        for (const [what, put] of Object.entries(places)) {
          root.erase(`/bin/${program}`);
          put(patient, program);
          await assertFailing(patient, name, what);
          root.erase(`/bin/${program}`);
          root.program(program, replay(root, program));
          await eventually(async () => {
            await patient.refresh();
            await assertAllFresh(patient);
          });
        }
        // Not installed: the machine has no such thing, which is told and is no failure.
        patient.suspect();
        root.erase(`/bin/${program}`);
        const row = await sampled(patient, name);
        const { rows } = await patient.doctor();
        if (name === 'neighbours') assert.equal(row?.state, 'ok', '/proc/net/arp knows some of it');
        else {
          assert.equal(row?.state, 'absent');
          assert.match(row?.reason ?? '', new RegExp(`${program}: no such program on PATH`));
          assert.match(rows.get(name) ?? '', new RegExp(`^${name} +absent .*\n +why: .*${program}: no such program on PATH`));
        }
        await assertAllFresh(patient);
      }));
  }
});

/** Command lines of processes that sleep so long. */
function sleepers(seconds: string): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    try {
      const line = /^\d+$/.test(pid) ? readFileSync(`/proc/${pid}/cmdline`, 'latin1') : '';
      return line.split('\0').includes(seconds) ? [line] : [];
    } catch {
      return []; // it has ended
    }
  });
}
