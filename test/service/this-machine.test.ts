/** Collectors on the machine that runs the tests, compared with what its own programs print. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { collectorByName } from '../../src/collectors/index.js';
import { createMachine } from '../../src/machine/machine.js';
import { firstSample, sampleValue } from '../support/sample.js';
import { assertValid } from '../support/schema.js';

describe('this machine', () => {
  const machine = createMachine({ rootfs: '/', path: process.env.PATH ?? '' });
  const say = (program: string, ...args: string[]) =>
    execFileSync(program, args, { encoding: 'utf8', env: { PATH: process.env.PATH, LC_ALL: 'C' } }).trim();

  for (const name of ['clock', 'load', 'cpu', 'memory', 'disk', 'host', 'hostapd', 'interfaces']) {
    test(`${name} can be read`, async () => {
      const collector = collectorByName(name);
      assert.ok(collector);
      const { value, carry } = await collector.read(machine, { ...firstSample, nowMs: Date.now(), thorough: true });
      assertValid(value, collector.view);
      const again = await collector.read(machine, { ...firstSample, carried: carry as never, monotonicMs: 1_000, nowMs: Date.now() });
      assertValid(again.value, collector.view);
    });
  }

  test('/system says what uname, hostname, nproc, uptime, date, free and df say', () => {
    const folder = mkdtempSync(join(tmpdir(), 'apsnap-'));
    const free = () =>
      say('free', '-b')
        .match(/^Mem: +(\d+) .* (\d+)$/m)
        ?.slice(1)
        .map(Number) ?? [];
    const percent = () => Number.parseInt(say('df', '--output=pcent', '/').split('\n')[1] ?? '', 10);
    try {
      const before = { uptime: say('uptime', '-p'), free: free(), disk: percent() };
      const main = fileURLToPath(new URL('../../src/main.js', import.meta.url));
      const { documents } = JSON.parse(say(process.execPath, main, '--dotenv', join(folder, '.env'), 'snapshot', 'system'));
      const after = { uptime: say('uptime', '-p'), free: free(), disk: percent() };
      const { state, data } = documents.system;
      assert.equal(state, 'fresh');
      assert.equal(data.hostname, say('hostname'));
      assert.equal(data.kernelVersion, say('uname', '-r'));
      assert.equal(data.processorCount, Number(say('nproc', '--all')));
      assert.equal(data.systime, say('date', '-d', `@${data.time.unixSeconds}`, '+%a %e %b %H:%M:%S %Z %Y'));
      assert.ok([before.uptime, after.uptime].includes(data.uptime), `${before.uptime}, ${data.uptime}, ${after.uptime}`);
      assert.equal(data.memory.totalBytes, before.free[0]);
      assert.equal(data.systemLoadPercentage, Math.round((10_000 * data.LoadAvg1Min) / data.processorCount) / 100);
      // Others use memory and disk meanwhile.
      const used = [before, after].map(({ free: [total = 0, available = 0] }) => (100 * (total - available)) / total);
      assert.ok(
        Math.abs(data.usedMemory - Number(used[0])) < 5 || Math.abs(data.usedMemory - Number(used[1])) < 5,
        `${data.usedMemory}, ${used}`,
      );
      assert.ok(data.usedDisk >= before.disk - 1 && data.usedDisk <= after.disk + 1, `${before.disk}, ${data.usedDisk}, ${after.disk}`);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('counters and sizes of this machine', () => {
  test('interfaces and traffic are those of /proc/net/dev', () => {
    const real = createMachine({ rootfs: '/', path: '' });
    const before = readNetDev();
    const rows = (sampleValue('traffic', real) as { interfaces: ({ interface: string } & Record<string, number | null>)[] }).interfaces;
    const names = (sampleValue('interfaces', real) as { interfaces: { interface: string }[] }).interfaces.map((row) => row.interface);
    const after = readNetDev();
    // Others may make interfaces meanwhile, and they send and receive.
    const stay = [...before.keys()].filter((name) => after.has(name));
    const known = new Set([...before.keys(), ...after.keys()]);
    for (const sampled of [rows.map((row) => row.interface), names]) {
      assert.deepEqual([stay.filter((name) => !sampled.includes(name)), sampled.filter((name) => !known.has(name))], [[], []]);
    }
    for (const row of rows) {
      const [least, most] = [before.get(row.interface), after.get(row.interface)];
      if (!least || !most) continue;
      for (const [counter, value] of Object.entries(least)) {
        const ours = Number(row[counter]);
        assert.ok(ours >= value && ours <= Number(most[counter]), `${row.interface} ${counter}: ${value}, ${ours}, ${most[counter]}`);
      }
    }
  });

  /** Counters in /proc/net/dev, by interface. Its drops of what was received are more than `rx_dropped`. */
  function readNetDev(): Map<string, Record<string, number>> {
    const lines = readFileSync('/proc/net/dev', 'utf8').split('\n').slice(2, -1);
    return new Map(
      lines.map((line) => {
        const colon = line.indexOf(':');
        const [rx_bytes, rx_packets, rx_errors, , , , , , tx_bytes, tx_packets, tx_errors, tx_dropped] = line
          .slice(colon + 1)
          .trim()
          .split(/ +/)
          .map(Number);
        return [
          line.slice(0, colon).trim(),
          { rx_bytes, rx_packets, rx_errors, tx_bytes, tx_packets, tx_errors, tx_dropped } as Record<string, number>,
        ];
      }),
    );
  }

  test('disk has the sizes that df prints', () => {
    const { sizeBytes, usedBytes, availableBytes } = sampleValue('disk', createMachine({ rootfs: '/', path: '' })) as Record<
      string,
      number
    >;
    const printed = execFileSync('df', ['-B1', '--output=size,used,avail', '/'], { encoding: 'utf8' });
    const [size, used, available] = printed.match(/\d+/g)?.slice(1).map(Number) ?? [];
    assert.equal(sizeBytes, size);
    // Others write to the disk meanwhile.
    for (const [ours, theirs] of [
      [usedBytes, used],
      [availableBytes, available],
    ]) {
      assert.ok(Math.abs(Number(ours) - Number(theirs)) < Number(size) / 100, `${ours} and ${theirs}`);
    }
  });
});
