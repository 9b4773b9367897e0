import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseStationDump } from '../../../../src/collectors/wifi/station-dump.js';
import { mac, record } from '../../../support/arbitraries.js';
import { captured, quoted, testParser } from '../../../support/parser-cases.js';

const station = 'Station 02:00:00:00:01:00 (on wlan0)\n';

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

test('names of the prototype change no prototype', () => {
  const before = Object.getOwnPropertyNames(Object.prototype);
  parseStationDump(`${station}\t__proto__:\t1\n\tconstructor:\t2\n`);
  assert.deepEqual(Object.getOwnPropertyNames(Object.prototype), before);
});

test('each line of a station is read wherever it is, the first one of a name', () => {
  const lines = [
    '\tinactive time:\t420 ms\n',
    '\trx bytes:\t3061\n',
    '\ttx bytes:\t7\n',
    '\ttx retries:\t1\n',
    '\ttx failed:\t0\n',
    '\tsignal:  \t-20 [-22, -24] dBm\n',
    '\ttx bitrate:\t117.0 MBit/s MCS 14\n',
    '\trx bitrate:\t6.5 MBit/s\n',
    '\tauthorized:\tno\n',
    '\tconnected time:\t61 seconds\n',
  ];
  const others = [
    '\n',
    '\tbeacon signal avg:\t-1 dBm\n',
    '\tairtime weight: 256\n',
    '\tcurrent time:\t1795457361919 ms\n',
    'rx bytes:\t9\n',
  ];
  const expected = parseStationDump(station + lines.join(''));
  assert.deepEqual(expected, [
    {
      mac: '02:00:00:00:01:00',
      authorized: false,
      signalDbm: -20,
      receivedBytes: 3061,
      sentBytes: 7,
      receiveMbps: 6.5,
      sendMbps: 117,
      connectedSeconds: 61,
      inactiveMs: 420,
      sendRetries: 1,
      sendFailures: 0,
    },
  ]);
  const later = lines.map((line) => line.replace(/\d+/, '8'));
  fc.assert(
    fc.property(fc.shuffledSubarray([...lines, ...others], { minLength: lines.length + others.length }), (shuffled) => {
      assert.deepEqual(parseStationDump(station + shuffled.join('')), expected);
      assert.deepEqual(parseStationDump(station + shuffled.join('') + later.join('')), expected);
      assert.deepEqual(parseStationDump(`${station}${shuffled.join('')}\tLink 1:\n${later.join('')}${station}`).length, 2);
    }),
  );
});

test('a number is what Number() makes of it', () => {
  const fraction = fc.tuple(fc.boolean(), fc.nat(999_999), fc.stringMatching(/^\d{1,20}$/));
  fc.assert(
    fc.property(fraction, ([isNegative, whole, decimals]) => {
      const text = `${isNegative ? '-' : ''}${whole}.${decimals}`;
      assert.equal(parseStationDump(`${station}\tinactive time:\t${text} ms\n`)[0]?.inactiveMs, Number(text));
    }),
  );
  for (const text of ['', '-', '.5', '1.', '1.2.3', '1..2', '1.2.', 'x1', '1234567890123456', '- 1', '(unknown)']) {
    assert.equal(parseStationDump(`${station}\tinactive time:\t${text}\n`)[0]?.inactiveMs, null, text);
  }
});

test('stations are the same whichever ones are expected', () => {
  const macs = Array.from({ length: 8 }, (_, number) => `02:00:00:00:00:a${number}`);
  const some = fc.shuffledSubarray(macs);
  fc.assert(
    fc.property(some, some, (listed, expected) => {
      const text = listed.map((one) => `Station ${one.toUpperCase()} (on wlan0)\n`).join('');
      const lower = listed.map((one) => `Station ${one} (on wlan0)\n\trx bytes:\t${one.at(-1)}\n`).join('');
      for (const dump of [text, lower]) assert.deepEqual(parseStationDump(dump, expected), parseStationDump(dump));
      assert.deepEqual(
        parseStationDump(lower, expected).map((row) => row.mac),
        listed,
      );
    }),
  );
});
