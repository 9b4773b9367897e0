import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMeminfo } from '../../../../src/collectors/system/memory.js';
import { captured, quoted, testParser } from '../../../support/parser-cases.js';

testParser('parseMeminfo', {
  parse: parseMeminfo,
  real: ['rig', 'pi4', 'linux-3.10', 'container'].map((name) => captured('memory', name, 'proc/meminfo')),
  malformed: quoted(
    'meminfo: expected MemTotal and MemFree',
    '',
    'MemTotal: 1 kB\n',
    'MemFree: 1 kB\n',
    'MemTotal: 0 kB\nMemFree: 0 kB\n',
    'MemTotal: -1 kB\nMemFree: 1 kB\n',
    'MemTotal: 1 MB\nMemFree: 1 kB\n',
    'MemTotal: 1 kB MemFree: 1 kB\n',
    `MemTotal: ${'9'.repeat(20)} kB\nMemFree: 1 kB\n`,
  ),
});

test('a name of the prototype in /proc/meminfo changes no prototype', () => {
  const before = Object.getOwnPropertyNames(Object.prototype);
  parseMeminfo('__proto__: 1 kB\nconstructor: 2 kB\nMemTotal: 1 kB\nMemFree: 1 kB\n');
  assert.deepEqual(Object.getOwnPropertyNames(Object.prototype), before);
});
