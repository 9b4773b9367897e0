import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseCpuList, parsePrettyName, parseRaspapVersion, parseRevision } from '../../../../src/collectors/system/machine-identity.js';
import { captured, quoted, testParser } from '../../../support/parser-cases.js';
import { machineWith, sampleValue } from '../../../support/sample.js';

testParser('parseCpuList', {
  parse: parseCpuList,
  real: ['0\n', '0-3\n', '0-3,8-11\n'],
  malformed: quoted(
    'cpu/possible: expected a list of processors',
    '',
    '\n',
    '0-\n',
    '3-1\n',
    '0,,1\n',
    '0-3,\n',
    '0-3 8\n',
    'all\n',
    `0-${'9'.repeat(7)}\n`,
  ),
});

testParser('parseRevision', {
  parse: parseRevision,
  real: [captured('host', 'pi3', 'proc/cpuinfo'), captured('host', 'rig', 'proc/cpuinfo')],
  malformed: [],
});

testParser('parsePrettyName', { parse: parsePrettyName, real: [captured('host', 'rig', 'etc/os-release')], malformed: [] });

testParser('parseRaspapVersion', {
  parse: parseRaspapVersion,
  real: [
    captured('host', 'raspap', 'var/www/html/includes/defaults.php'),
    captured('host', 'raspap-2.5', 'var/www/html/includes/defaults.php'),
  ],
  malformed: [],
});

test('parseCpuList counts the processors that the kernel lists', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(63), { minLength: 1 }), (numbers) => {
      const sorted = numbers.sort((a, b) => a - b);
      const ranges: [number, number][] = [];
      for (const number of sorted) {
        const last = ranges.at(-1);
        if (last && last[1] === number - 1) last[1] = number;
        else ranges.push([number, number]);
      }
      const text = `${ranges.map(([first, last]) => (first === last ? first : `${first}-${last}`)).join()}\n`;
      assert.equal(parseCpuList(text), numbers.length);
    }),
  );
});

test('parsePrettyName understands the quoting of os-release', () => {
  const names: [string, string | null][] = [
    ['PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n', 'Debian GNU/Linux 12 (bookworm)'],
    ["NAME=x\nPRETTY_NAME='Arch Linux'\n", 'Arch Linux'],
    ['PRETTY_NAME=Alpine\n', 'Alpine'],
    ['PRETTY_NAME="say \\"hi\\" for 5 \\$"\n', 'say "hi" for 5 $'],
    ['PRETTY_NAME=\n', null],
    ['NAME="Debian"\n', null],
  ];
  for (const [text, name] of names) assert.equal(parsePrettyName(text), name, text);
});

test('parseRaspapVersion finds the version of old and new RaspAP', () => {
  const versions: [string, string | null][] = [
    ["  'RASPI_VERSION' => '3.5.1',\n", '3.5.1'],
    ["define('RASPI_VERSION', '2.5');\n", '2.5'],
    ['define( "RASPI_VERSION" , "2.5" );\n', '2.5'],
    ["'RASPI_VERSION' => RASPI_OTHER,\n", null],
    ["'RASPI_VERSION_DATE' => '2015',\n", null],
    ['', null],
  ];
  for (const [text, version] of versions) assert.equal(parseRaspapVersion(text), version, text);
});

test('a blank megabyte of lighttpd.conf takes no time', () => {
  const kernel = { '/proc/sys/kernel/hostname': 'pi\n', '/proc/sys/kernel/osrelease': '6.1\n', '/sys/devices/system/cpu/possible': '0\n' };
  for (const blank of ['\n', ' ', '\r']) {
    const machine = machineWith({ ...kernel, '/etc/lighttpd/lighttpd.conf': blank.repeat(1 << 20) });
    const startedMs = performance.now();
    sampleValue('host', machine);
    assert.ok(performance.now() - startedMs < 2_000);
  }
});
