import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseThrottled } from '../../../../src/collectors/system/power.js';
import { quoted, testParser } from '../../../support/parser-cases.js';

testParser('parseThrottled', {
  parse: parseThrottled,
  real: ['throttled=0x50005\n', 'throttled=0x0\n', 'throttled=0xF000F'],
  malformed: quoted(
    'vcgencmd get_throttled: expected throttled=0x…',
    '',
    'throttled=\n',
    'throttled=0x\n',
    'throttled=50005\n',
    'throttled=0x123456789\n',
    'throttled=0x5 0x5\n',
    'error=1 error_msg="Command not registered"\n',
  ),
});

test('each bit of get_throttled has its own field', () => {
  const names = ['underVoltage', 'frequencyCapped', 'throttled', 'softTemperatureLimit'] as const;
  for (const [bit, name] of names.entries()) {
    const { now } = parseThrottled(`throttled=0x${(1 << bit).toString(16)}`);
    const { sinceBoot } = parseThrottled(`throttled=0x${(1 << (16 + bit)).toString(16)}`);
    for (const other of names) assert.deepEqual([now[other], sinceBoot[other]], [other === name, other === name]);
  }
});
