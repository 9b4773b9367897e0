import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isUp, parseDeviceType, parseOperstate, parseSpeed, parseTunFlags } from '../../../../src/collectors/network/link.js';
import { quote } from '../../../../src/errors.js';
import { anyText, FEW_RUNS, isValueOrMalformed } from '../../../support/parser-cases.js';

const refused: Record<string, { parse(text: string): unknown; readonly says: string; readonly texts: readonly string[] }> = {
  flags: { parse: isUp, says: 'flags is not a number', texts: ['', '1003', '0x', '0xg', '0x1003 ', '0x123456789', '-0x1'] },
  tun_flags: { parse: parseTunFlags, says: 'tun_flags is not a number', texts: ['', '1', 'tun', '0x1\n0x2'] },
  operstate: { parse: parseOperstate, says: 'operstate is not a word', texts: ['', 'UP', 'up\n', 'up down', 'x'.repeat(33), '\0'] },
  speed: { parse: parseSpeed, says: 'speed is not a number', texts: ['', '1e3', '1000 Mb/s', '--1', '9'.repeat(11), '0x10'] },
};
for (const [attribute, { parse, says, texts }] of Object.entries(refused)) {
  test(`${attribute} is rejected if it is malformed`, () => {
    for (const text of texts) {
      assert.throws(() => parse(text), { code: 'malformed', message: `interfaces: ${says}: ${quote(text)}` });
    }
  });
}

test('flags tell whether an interface is up, and which kind of tunnel it is', () => {
  assert.deepEqual(['0x1003', '0x9', '0x91', '0x1002', '0x0'].map(isUp), [true, true, true, false, false]);
  assert.deepEqual(['0x1801', '0x1002', '0x1000'].map(parseTunFlags), ['tun', 'tap', null]);
});

test('a speed that the kernel does not know is null', () => {
  const told: [string, number | null][] = [
    ['1000', 1000],
    ['2147483646', 2147483646],
    ['0', null],
    ['-1', null],
    ['4294967295', null],
  ];
  for (const [text, speed] of told) assert.equal(parseSpeed(text), speed, text);
});

test('parseDeviceType reads DEVTYPE', () => {
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

test('attributes give a value or a SourceError for any text', () => {
  const texts = anyText(['0x1003', 'up', '1000', 'DEVTYPE=wlan\nINTERFACE=wlan0']);
  for (const parse of [isUp, parseTunFlags, parseOperstate, parseSpeed, parseDeviceType]) {
    fc.assert(
      fc.property(texts, (text) => void isValueOrMalformed(() => parse(text))),
      FEW_RUNS,
    );
  }
});
