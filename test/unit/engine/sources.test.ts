// What a sample reads and runs is recorded, and doctor shows it in a few words.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { joinSources, recordSources } from '../../../src/engine/sources.js';
import type { Machine } from '../../../src/machine/machine.js';

/** A machine that has nothing: every read returns undefined. */
const machine = new Proxy({} as Machine, {
  get: () => () => undefined,
  ownKeys: () => [],
});

describe('recordSources', () => {
  test('each path and command line is recorded once, in order', () => {
    const { machine: recording, sources } = recordSources(machine);
    recording.readText('/proc/uptime');
    void recording.run('iw', ['dev', 'wlan0', 'station', 'dump']);
    recording.list('/sys/class/net');
    recording.readText('/proc/uptime');
    recording.readLink('/etc/localtime');
    assert.deepEqual([...sources], ['/proc/uptime', 'iw dev wlan0 station dump', '/sys/class/net', '/etc/localtime']);
  });
});

describe('joinSources', () => {
  const processes = (amount: number) => Array.from({ length: amount }, (_, index) => `/proc/${index + 1}/comm`);
  const counters = ['rx_bytes', 'rx_packets', 'rx_errors', 'tx_bytes', 'tx_packets'];
  const statistics = (name: string) => counters.map((counter) => `/sys/class/net/${name}/statistics/${counter}`);
  const cases: Readonly<Record<string, readonly [sources: readonly string[], joined: readonly string[]]>> = {
    nothing: [[], []],
    'a few paths stay': [
      ['/etc/hostapd', '/etc/hostapd/hostapd.conf'],
      ['/etc/hostapd', '/etc/hostapd/hostapd.conf'],
    ],
    'four alike stay': [processes(4), processes(4)],
    'five alike are joined': [
      ['/proc', ...processes(5)],
      ['/proc', '/proc/*/comm'],
    ],
    'files of one folder are joined': [statistics('eth0'), ['/sys/class/net/eth0/statistics/*']],
    'folders are joined after files': [['a', 'b', 'c', 'd', 'e'].flatMap(statistics), ['/sys/class/net/*/statistics/*']],
    'folders of the root stay apart': [
      ['/a', '/b', '/c', '/d', '/e'],
      ['/a', '/b', '/c', '/d', '/e'],
    ],
    'command lines stay': [counters.map((counter) => `iw ${counter}`), counters.map((counter) => `iw ${counter}`)],
  };
  for (const [title, [sources, joined]] of Object.entries(cases)) {
    test(title, () => assert.deepEqual(joinSources(sources), joined));
  }
});
