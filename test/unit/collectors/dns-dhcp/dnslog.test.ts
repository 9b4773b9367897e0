// dnsmasq's log. The collector reads only its end and remembers nothing of it, so rotation, truncation and growth need no handling.
import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import fc from 'fast-check';
import { newestEntries, parseLog } from '../../../../src/collectors/dns-dhcp/dnslog.js';
import { Absent, SourceError } from '../../../../src/errors.js';
import { createMachine, type Machine } from '../../../../src/machine/machine.js';

const LOG = '/var/log/dnsmasq.log';
const scratch = mkdtempSync(join(tmpdir(), 'apsnap-log-'));
after(() => rmSync(scratch, { recursive: true, force: true }));
let folders = 0;

const line = (n: number, client = '10.3.141.22') => `Feb  3 10:00:00 dnsmasq[123]: query[A] host-${n}.example from ${client}\n`;
const lines = (amount: number, client?: string) => Array.from({ length: amount }, (_, n) => line(n, client)).join('');

/** Creates a machine with a log, and a counter of the bytes that are read from the log. */
function machine(content: string) {
  const rootfs = join(scratch, String(++folders));
  const file = join(rootfs, LOG);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  const real = createMachine({ rootfs, path: '' });
  const counter = { bytes: 0 };
  const host: Machine = {
    ...real,
    readTail(path, bytes) {
      const tail = real.readTail(path, bytes);
      counter.bytes += tail.bytes.length;
      return tail;
    },
    readBytes: () => assert.fail('the log is not read as a whole'),
  };
  return { file, host, counter };
}

describe('the end of the log', () => {
  test('only the end of a log of two gigabytes is read', () => {
    const { file, host, counter } = machine('');
    truncateSync(file, 2 ** 31);
    appendFileSync(file, `\n${lines(5_000)}`);
    const entries = newestEntries(host, 1_000);
    assert.deepEqual([entries.length, entries.at(-1)?.message], [1_000, 'query[A] host-4999.example from 10.3.141.22']);
    assert.ok(counter.bytes <= 128 << 10, `${counter.bytes} bytes`);
    // For a client that is not at the end, the search goes further back, but not through the whole log.
    counter.bytes = 0;
    assert.deepEqual(newestEntries(host, 1_000, '10.9.9.9'), []);
    assert.ok(counter.bytes < 18 << 20, `${counter.bytes} bytes`);
  });

  test('a log of two gigabytes without a line has no entries, and is not read as a whole', () => {
    const { file, host, counter } = machine('');
    truncateSync(file, 2 ** 31);
    assert.deepEqual(newestEntries(host, 1_000), []);
    assert.ok(counter.bytes < 18 << 20, `${counter.bytes} bytes`);
  });

  test('the newest entries are returned, oldest first, up to the limit', () => {
    const { host } = machine(lines(30_000));
    for (const most of [1, 2, 999, 10_000]) {
      const entries = newestEntries(host, most);
      assert.deepEqual([entries.length, entries[0]?.message], [most, `query[A] host-${30_000 - most}.example from 10.3.141.22`]);
    }
    assert.equal(newestEntries(machine(lines(20)).host, 1_000).length, 20);
  });

  test('a line that starts before the part that is read never makes a cut-off entry', () => {
    // With each length, the part that is read starts at a different place in a line.
    for (let length = 1; length < 120; length++) {
      const row = `Feb  3 10:00:00 dnsmasq[123]: ${'x'.repeat(length)}\n`;
      const { host } = machine(row.repeat(6_000));
      const messages = new Set(newestEntries(host, 5_000).map(({ message }) => message));
      assert.deepEqual([...messages], ['x'.repeat(length)]);
    }
  });

  for (const [client, wanted] of [
    ['10.3.141.2', 1],
    ['10.3.141.22', 4],
    ['0.3.141.22', 0],
    ['02:00:00:00:01:0A', 2],
    ['02:00:00:00:01:0a', 2],
    ['2:00:00:00:01:0a', 0],
    ['fe80::1', 1],
    ['FE80::12', 1],
    ['::1', 0],
    ['10.3.141.1', 0],
  ] as const) {
    test(`a filter for ${client} matches only whole addresses`, () => {
      const text = [
        'query[A] a.example from 10.3.141.2',
        'query[A] a.example from 10.3.141.22',
        '7 10.3.141.22/53124 query[A] b.example from 10.3.141.22',
        'DHCPACK(wlan0) 10.3.141.22 02:00:00:00:01:0a alices-iphone',
        'DHCPDISCOVER(wlan0) 02:00:00:00:01:0A',
        'query[AAAA] a.example from fe80::1',
        'query[AAAA] a.example from fe80::12',
        'reply a.example is 110.3.141.22',
        'reply b.example is 10.3.141.220',
        'reply c.example is 10.3.141.22.5',
        'DHCPACK(wlan0) 10.3.141.22',
      ];
      const { host } = machine(text.map((message) => `Feb 13 10:00:00 dnsmasq[1]: ${message}\n`).join(''));
      assert.equal(newestEntries(host, 1_000, client).length, wanted);
    });
  }

  test('any bytes give well-formed entries up to the limit, or a SourceError', () => {
    const some = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.constantFrom(line(1), '\n', '\r\n', 'Feb  3', ' 10:00:00 ', 'dnsmasq[1]: ', '__proto__', '\0').map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(fc.array(some), fc.boolean(), fc.integer({ min: 1, max: 20 }), (parts, cut, most) => {
        try {
          const entries = parseLog(Buffer.concat(parts), cut, most, () => true, 'log');
          assert.ok(entries.length <= most);
          for (const { timestamp, process } of entries) assert.match(`${timestamp} ${process}`, /^\w{3} [ \d]\d [\d:]{8} [^\s:]{1,64}$/);
        } catch (error) {
          assert.ok(error instanceof SourceError && !(error instanceof Absent), String(error));
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test('malformed lines of megabytes are skipped', () => {
    const { host } = machine(`${line(1)}Feb  3 10:00:00 ${'dnsmasq '.repeat(300_000)}\n${' '.repeat(2_000_000)}x\n${line(2)}`);
    assert.deepEqual(
      newestEntries(host, 10).map(({ message }) => message),
      ['query[A] host-1.example from 10.3.141.22', 'query[A] host-2.example from 10.3.141.22'],
    );
  });
});
