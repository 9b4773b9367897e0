import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { bitsPerSecond, stations } from '../../../../src/collectors/wifi/stations.js';
import type { Machine } from '../../../../src/machine/machine.js';
import { record } from '../../../support/arbitraries.js';
import { fixture, machineBefore, machineOf } from '../../../support/fixture.js';
import { firstSample, machineWith } from '../../../support/sample.js';

test('throughput is bits per second between two counters, or null', () => {
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

test('the list of access points is kept for 30 s unless a client requests a sample', async () => {
  const archive = fixture('stations', 'listed-recently');
  const { carry } = await stations.read(machineBefore(archive) as Machine, firstSample);
  const listed = async (monotonicMs: number, thorough: boolean) =>
    (await stations.read(machineOf(archive), { ...firstSample, carried: carry, monotonicMs, thorough })).value.accessPoints.length;
  assert.equal(await listed(29_999, false), 1);
  assert.equal(await listed(30_000, false), 0);
  assert.equal(await listed(2_000, true), 0);
});

test('a sample within half a second of the previous one repeats its rates', async () => {
  const archive = fixture('stations', 'busy');
  const [old, machine] = [machineBefore(archive) as Machine, machineOf(archive)];
  const rates = (sample: Awaited<ReturnType<typeof stations.read>>) => sample.value.stations.map((row) => row.download_bits_per_second);
  const first = await stations.read(old, firstSample);
  const second = await stations.read(machine, { ...firstSample, carried: first.carry, monotonicMs: 2_000 });
  assert.deepEqual(rates(first), [null, null, null]);
  assert.deepEqual(rates(second), [27_400, 6_714_000, 0]);
  // Later on, the rate is since the sample that had one.
  const third = await stations.read(machine, { ...firstSample, carried: second.carry, monotonicMs: 2_499 });
  assert.deepEqual(rates(third), rates(second));
  const fourth = await stations.read(machine, { ...firstSample, carried: third.carry, monotonicMs: 2_500 });
  assert.deepEqual(rates(fourth), [0, 0, 0]);
});

describe('a sequence of samples', () => {
  interface Listed {
    readonly device: 'wlan0' | 'wlan1';
    readonly mac: string;
    readonly seconds: number;
    readonly received: number;
    readonly sent: number;
  }
  type Row = Awaited<ReturnType<typeof stations.read>>['value']['stations'][number];

  /** Two access points with these stations. */
  function machineListing(listed: readonly Listed[]): Machine {
    const dumpOf = (name: string) =>
      listed
        .filter(({ device }) => device === name)
        .map(
          ({ device, mac, seconds, received, sent }) =>
            `Station ${mac} (on ${device})\n\trx bytes:\t${received}\n\ttx bytes:\t${sent}\n\tconnected time:\t${seconds} seconds\n`,
        )
        .join('');
    return machineWith({
      'sys/class/ieee80211/phy0/index': '0\n',
      'cmd/iw dev': 'phy#0\n\tInterface wlan0\n\t\ttype AP\n\tInterface wlan1\n\t\ttype AP\n',
      'cmd/iw dev wlan0 station dump': dumpOf('wlan0'),
      'cmd/iw dev wlan1 station dump': dumpOf('wlan1'),
    });
  }

  /** Takes one sample of each list, 2 s apart. */
  async function sampleAll(lists: readonly (readonly Listed[])[]): Promise<Row[][]> {
    const taken: Row[][] = [];
    let carried: Awaited<ReturnType<typeof stations.read>>['carry'];
    for (const [index, listed] of lists.entries()) {
      const { value, carry } = await stations.read(machineListing(listed), { ...firstSample, carried, monotonicMs: index * 2_000 });
      taken.push(value.stations);
      carried = carry;
    }
    return taken;
  }

  const rates = (rows: readonly Row[] | undefined) =>
    rows?.map((row) => [row.mac_address, row.interface, row.download_bits_per_second, row.upload_bits_per_second]);
  const alice = { device: 'wlan0', mac: '02:00:00:00:01:00', seconds: 10, received: 1_000, sent: 5_000 } as const;
  const bob = { device: 'wlan0', mac: '02:00:00:00:02:00', seconds: 20, received: 2_000, sent: 6_000 } as const;

  test('a station that transfers nothing has rates of 0, and null before there are two samples', async () => {
    const [first, second, third, fourth] = await sampleAll([[alice], [{ ...alice, sent: 6_000 }], [{ ...alice, sent: 6_000 }, bob], [bob]]);
    assert.deepEqual(rates(first), [[alice.mac, 'wlan0', null, null]]);
    assert.deepEqual(rates(second), [[alice.mac, 'wlan0', 4_000, 0]]);
    assert.deepEqual(rates(third), [
      [alice.mac, 'wlan0', 0, 0],
      [bob.mac, 'wlan0', null, null],
    ]);
    assert.deepEqual(rates(fourth), [[bob.mac, 'wlan0', 0, 0]]);
  });

  test('a station that comes back, associates again or moves to another access point starts again', async () => {
    const [, , back, again, moved] = await sampleAll([
      [alice, bob],
      [bob],
      [{ ...alice, seconds: 20 }, bob],
      [{ ...alice, seconds: 1, received: 9_000 }, bob],
      [bob, { ...alice, device: 'wlan1', seconds: 3, received: 9_000 }],
    ]);
    assert.deepEqual(rates(back)?.[0], [alice.mac, 'wlan0', null, null]);
    assert.deepEqual(rates(again)?.[0], [alice.mac, 'wlan0', null, null]);
    assert.deepEqual(rates(moved), [
      [bob.mac, 'wlan0', 0, 0],
      [alice.mac, 'wlan1', null, null],
    ]);
  });

  test('the row of a station that has not changed is the same object', async () => {
    const [, second, third, fourth] = await sampleAll([
      [alice, bob],
      [bob, alice],
      [alice, bob],
      [alice, { ...bob, sent: 7_000 }],
    ]);
    assert.equal(third?.[0], second?.[1]);
    assert.equal(third?.[1], second?.[0]);
    assert.equal(fourth?.[0], third?.[0]);
    assert.equal(fourth?.[1]?.download_bytes, 7_000);
  });

  test('gives each station what it has and its rates since the previous sample', async () => {
    const listed = record({
      device: fc.constantFrom('wlan0' as const, 'wlan1' as const),
      mac: fc.nat(5).map((number) => `02:00:00:00:00:0${number}`),
      seconds: fc.nat(3),
      received: fc.nat(3).map((count) => count * 1_000),
      sent: fc.nat(3).map((count) => count * 1_000),
    });
    const list = fc.uniqueArray(listed, { selector: ({ device, mac }) => `${device} ${mac}`, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(fc.array(list, { minLength: 1, maxLength: 6 }), async (lists) => {
        for (const [index, rows] of (await sampleAll(lists)).entries()) {
          const now = [...(lists[index] ?? [])].sort((a, b) => (a.device < b.device ? -1 : a.device > b.device ? 1 : 0));
          const before = lists[index - 1] ?? [];
          assert.equal(rows.length, now.length);
          for (const [place, { device, mac, seconds, received, sent }] of now.entries()) {
            const old = before.find((row) => row.device === device && row.mac === mac && row.seconds <= seconds);
            assert.deepEqual(rates([rows[place] as Row]), [
              [mac, device, old ? bitsPerSecond(sent, old.sent, 2) : null, old ? bitsPerSecond(received, old.received, 2) : null],
            ]);
            assert.deepEqual(
              [rows[place]?.download_bytes, rows[place]?.upload_bytes, rows[place]?.connected_seconds],
              [sent, received, seconds],
            );
          }
        }
      }),
    );
  });
});
