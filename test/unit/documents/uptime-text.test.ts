import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { uptimeText } from '../../../src/documents/uptime-text.js';

// What uptime -p of procps-ng 4.0.2 (Debian 12) printed for these first fields of /proc/uptime.
const printed: [number, string][] = [
  [0, 'up 0 minutes'],
  [59, 'up 0 minutes'],
  [59.99, 'up 0 minutes'],
  [60.01, 'up 1 minute'],
  [119.99, 'up 1 minute'],
  [120, 'up 2 minutes'],
  [3599, 'up 59 minutes'],
  [3600.01, 'up 1 hour, 0 minutes'],
  [3660.01, 'up 1 hour, 1 minute'],
  [7200, 'up 2 hours, 0 minutes'],
  [82_920.5, 'up 23 hours, 2 minutes'],
  [86_399.99, 'up 23 hours, 59 minutes'],
  [86_400.01, 'up 1 day, 0 minutes'],
  [604_800.01, 'up 1 week, 0 minutes'],
  [31_535_999.99, 'up 52 weeks, 23 hours, 59 minutes'],
  [31_536_000.01, 'up 1 year, 0 minutes'],
  [315_360_000.01, 'up 1 decade, 0 minutes'],
];

for (const [seconds, expected] of printed) test(`uptime -p/${seconds}`, () => assert.equal(uptimeText(seconds), expected));

// procps prints `up `, `up 60 minutes`, `up 24 hours, 0 minutes`, `up 7 days, 0 minutes` and so on in this one hundredth of a second.
const exactlyFull: [number, string][] = [
  [60, 'up 1 minute'],
  [3600, 'up 1 hour, 0 minutes'],
  [3660, 'up 1 hour, 1 minute'],
  [86_400, 'up 1 day, 0 minutes'],
  [604_800, 'up 1 week, 0 minutes'],
  [31_536_000, 'up 1 year, 0 minutes'],
  [315_360_000, 'up 1 decade, 0 minutes'],
  [724_208_460, 'up 2 decades, 2 years, 50 weeks, 2 days, 1 hour, 1 minute'],
];

for (const [seconds, expected] of exactlyFull) test(`exactly full/${seconds}`, () => assert.equal(uptimeText(seconds), expected));

/** The arithmetic of procps-ng 4.0.2: each unit is compared with `>` and taken off a double. */
function procpsText(uptime: number): string {
  let left = uptime;
  const counts = [315_360_000, 31_536_000, 604_800, 86_400, 3600, 60].map((length) => {
    if (!(left > length)) return 0;
    const count = Math.floor(Math.trunc(left) / length);
    left -= count * length;
    return count;
  });
  const parts = ['decade', 'year', 'week', 'day', 'hour', 'minute'].flatMap((unit, index) => {
    const count = counts[index] ?? 0;
    return count > 0 || (unit === 'minute' && left < 60) ? [`${count} ${unit}${count === 1 ? '' : 's'}`] : [];
  });
  return `up ${parts.join(', ')}`;
}

test('any uptime of 68 years with a fraction reads as procps writes it', () => {
  fc.assert(
    fc.property(fc.nat(2 ** 31 - 1), fc.integer({ min: 1, max: 99 }), (seconds, hundredths) => {
      const uptime = seconds + hundredths / 100;
      assert.equal(uptimeText(uptime), procpsText(uptime));
    }),
    { numRuns: 5000 },
  );
});
