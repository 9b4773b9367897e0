import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ago, amount, bitsPerSecond, bytes, celsius, decibelMilliwatts, duration, percent } from '../../../web/format.js';

const cases: [description: string, actual: string, expected: string][] = [
  ['bytes, unknown', bytes(null), '–'],
  ['bytes, zero', bytes(0), '0 B'],
  ['bytes below a prefix', bytes(999), '999 B'],
  ['bytes that round up to the next prefix', bytes(999_600), '1 MB'],
  ['bytes with three digits', bytes(3_977_961_472), '3.98 GB'],
  ['less than one bit per second', bitsPerSecond(0.2), '0'],
  ['megabits per second', bitsPerSecond(12_440_000), '12.4 Mbit/s'],
  ['kilobits per second', bitsPerSecond(118_000), '118 kbit/s'],
  ['percent, zero', percent(0), '0 %'],
  ['percent with a decimal', percent(0.0342), '3.4 %'],
  ['percent without a decimal', percent(0.3842), '38 %'],
  ['percent, all', percent(1), '100 %'],
  ['temperature', celsius(52.58), '52.6 °C'],
  ['signal', decibelMilliwatts(-48), '−48 dBm'],
  ['duration, zero', duration(0), '0 s'],
  ['duration in seconds', duration(59.9), '59 s'],
  ['duration from one minute on has no seconds', duration(61), '1 min'],
  ['duration of one hour', duration(3_600), '1 h'],
  ['duration in two units', duration(11_652), '3 h 14 min'],
  ['duration without an empty second unit', duration(86_400 * 3 + 59), '3 d'],
  ['a moment ago', ago(1), 'just now'],
  ['a minute ago', ago(95), '1 min ago'],
  ['one of something', amount(1, 'source'), '1 source'],
  ['several of something', amount(3, 'source'), '3 sources'],
];

for (const [description, actual, expected] of cases) test(description, () => assert.equal(actual, expected));
