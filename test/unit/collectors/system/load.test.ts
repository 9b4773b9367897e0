import { parseLoadavg } from '../../../../src/collectors/system/load.js';
import { captured, quoted, testParser } from '../../../support/parser-cases.js';

testParser('parseLoadavg', {
  parse: parseLoadavg,
  real: [captured('load', 'rig', 'proc/loadavg')],
  malformed: quoted(
    'loadavg: expected three load averages',
    '',
    '0.14 0.18\n',
    '0.14 0.18 0.11\n',
    '0.14 0.18 -0.11 1/163 4711\n',
    '0,14 0,18 0,11 1/163 4711\n',
    'nan 0.18 0.11 1/163 4711\n',
    `${'9'.repeat(400)}.0 0.18 0.11 1/163 4711\n`,
  ),
});
