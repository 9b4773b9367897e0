import { parseUptime } from '../../../../src/collectors/system/clock.js';
import { captured, quoted, testParser } from '../../../support/parser-cases.js';

testParser('parseUptime', {
  parse: parseUptime,
  real: [captured('clock', 'paris', 'proc/uptime'), captured('clock', 'rig-no-zone', 'proc/uptime')],
  malformed: quoted(
    'uptime: expected seconds',
    '',
    '\n',
    '12345.67',
    'up 3 days\n',
    '-1.00 2.00\n',
    ' 1.00 2.00\n',
    '1e3 5\n',
    `${'9'.repeat(400)} 1\n`,
  ),
});
