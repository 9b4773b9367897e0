import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseIwDev, parseStationDump } from '../../../../src/collectors/wifi/iw.js';
import { mac, record } from '../../../support/arbitraries.js';
import { captured, quoted, testParser } from '../../../support/parser-cases.js';

const station = 'Station 02:00:00:00:01:00 (on wlan0)\n';

testParser('parseIwDev', {
  parse: parseIwDev,
  real: ['rig', 'ap-sta', 'multi-link', 'no-access-point'].map((name) => captured('stations', name, 'cmd/iw dev')),
  malformed: quoted('iw dev: expected "phy#" at the start', 'nl80211 not found.\n', '\n', '\tInterface wlan0\n\t\ttype AP\n', ' phy#0\n'),
});

testParser('parseStationDump', {
  parse: parseStationDump,
  real: [
    captured('stations', 'rig', 'cmd/iw dev wlan0 station dump'),
    captured('stations', 'multi-link', 'cmd/iw dev wlan0 station dump'),
    captured('stations', 'brcmfmac', 'cmd/iw dev wlan0 station dump'),
    captured('stations', 'wrong-passphrase', 'cmd/iw dev wlan0 station dump'),
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
});

test('a signal that the driver leaves out or cannot know is null', () => {
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

test('parseStationDump reads back any stations that iw prints', () => {
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

test('more than 256 access points are an error', () => {
  const list = (amount: number) =>
    `phy#0\n${Array.from({ length: amount }, (_, index) => `\tInterface ap${index}\n\t\ttype AP\n`).join('')}`;
  assert.equal(parseIwDev(list(256)).length, 256);
  assert.throws(() => parseIwDev(list(257)), { code: 'too-large', message: 'iw dev: has more than 256 access points' });
});

test('names of the prototype change no prototype', () => {
  const before = Object.getOwnPropertyNames(Object.prototype);
  parseStationDump(`${station}\t__proto__:\t1\n\tconstructor:\t2\n`);
  parseIwDev('phy#0\n\tInterface __proto__\n\t\tssid __proto__\n\t\ttype AP\n');
  assert.deepEqual(Object.getOwnPropertyNames(Object.prototype), before);
});
