import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { chooseZone, parseCelsius } from '../../../../src/collectors/system/thermal.js';
import { quoted, testParser } from '../../../support/parser-cases.js';
import { failing, fifo, machineWith, sampleValue, unreadable } from '../../../support/sample.js';

testParser('parseCelsius', {
  parse: parseCelsius,
  real: ['47774\n', '-5250\n', '0'],
  malformed: quoted(
    'thermal: temp is not an integer',
    '',
    '\n',
    '47.4\n',
    ' 47\n',
    '47 C\n',
    '0x10\n',
    '1e3\n',
    '1\n2\n',
    '-\n',
    `${'9'.repeat(10)}\n`,
  ),
});

test('chooseZone prefers the zone of the processor', () => {
  const chosen: [string[], number][] = [
    [[], -1],
    [['nvme', 'iwlwifi_1'], -1],
    [['rp1_adc', 'cpu-thermal'], 1],
    [['acpitz', 'x86_pkg_temp'], 1],
    [['x86_pkg_temp', 'cpu_thermal', 'cpu-thermal'], 2],
    [['gpu', 'bcm2835_thermal'], 1],
    [['cpu0-thermal', 'cpu1-thermal'], 0],
  ];
  for (const [types, index] of chosen) assert.equal(chooseZone(types), index, types.join());
});

describe('thermal', () => {
  const zone = '/sys/class/thermal/thermal_zone0';
  const pi = { [`${zone}/type`]: 'cpu-thermal\n' };

  test('a FIFO in place of the sensor is an error', () => {
    const machine = machineWith({ ...pi, [`${zone}/temp`]: fifo });
    assert.throws(() => sampleValue('thermal', machine), { code: 'not-a-file', message: `${zone}/temp: is not a regular file` });
  });

  test('a FIFO in place of another sensor costs only that one', () => {
    const other = '/sys/class/thermal/thermal_zone1';
    const machine = machineWith({ ...pi, [`${zone}/temp`]: '47774\n', [`${other}/type`]: 'nvme\n', [`${other}/temp`]: fifo });
    assert.deepEqual(sampleValue('thermal', machine), {
      celsius: 47.77,
      zones: [
        { zone: 'thermal_zone0', type: 'cpu-thermal', celsius: 47.77 },
        { zone: 'thermal_zone1', type: 'nvme', celsius: null },
      ],
    });
  });

  test('a sensor that is not connected has no temperature', () => {
    const machine = machineWith({ ...pi, [`${zone}/temp`]: failing('EINVAL') });
    assert.deepEqual(sampleValue('thermal', machine), {
      celsius: null,
      zones: [{ zone: 'thermal_zone0', type: 'cpu-thermal', celsius: null }],
    });
  });

  test('an unreadable sensor is an error', () => {
    const machine = machineWith({ ...pi, [`${zone}/temp`]: unreadable('47774\n') });
    assert.throws(() => sampleValue('thermal', machine), { code: 'permission', message: `${zone}/temp: permission denied` });
  });
});
