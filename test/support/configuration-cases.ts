/** Tests that every parser of a configuration file shares. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { anyText, FEW_RUNS, isValueOrMalformed } from './parser-cases.js';

/** CPU time for a line of 200 KB, or for 100,000 lines. Parsing takes milliseconds, and many seconds if it isn't linear. */
const MAX_CPU_MS = 2_000;

/** Defines the tests of a parser of a configuration file. */
export function testConfigurationParser(name: string, parse: (text: string) => unknown, real: string): void {
  describe(name, () => {
    test('gives a value or a SourceError for any text', () => {
      fc.assert(
        fc.property(anyText([real]), (text) => void isValueOrMalformed(() => parse(text))),
        FEW_RUNS,
      );
    });

    test('takes linear time for long lines and for many lines', () => {
      const options = [
        ...['ssid=', 'interface ', 'interface=', 'static routers=', 'static ip_address=', 'nameserver ', 'dhcp-host=', 'server='],
        ...['', 'dhcp-option=6,', 'dhcp-range=10.0.0.1,', 'WifiInterface = '],
      ];
      const fillers = [' ', ' #', ' ;', ',', '=', '"', "'", '\u2028', '\r', '/', '1.', ':', '['];
      for (const option of options) {
        for (const filler of fillers) assertFast(() => parse(`${option}${filler.repeat(200_000)}x\u2028\n`), `${option}${filler}`);
      }
      for (const line of ['bss=\n', 'interface x\n', 'dhcp-range=10.0.0.1,set:a\n', 'dhcp-option=tag:a,3,10.0.0.1\n', 'a=b\n', '\n']) {
        assertFast(() => parse(line.repeat(100_000)), line);
      }
    });

    test('treats names of a prototype like other names', () => {
      const before = Object.getOwnPropertyNames(Object.prototype);
      const text = ['__proto__', 'constructor', 'toString'].map(
        (key) => `${key}=1\ninterface ${key}\nstatic routers=10.0.0.1\nbss=${key}\n`,
      );
      isValueOrMalformed(() => parse(text.join('')));
      assert.deepEqual(Object.getOwnPropertyNames(Object.prototype), before);
    });
  });
}

function assertFast(parse: () => unknown, what: string): void {
  const before = process.cpuUsage();
  isValueOrMalformed(parse);
  assert.ok(process.cpuUsage(before).user < MAX_CPU_MS * 1_000, what);
}
