const units = [
  ['decade', 315_360_000],
  ['year', 31_536_000],
  ['week', 604_800],
  ['day', 86_400],
  ['hour', 3600],
] as const;

/**
 * Formats an uptime as procps-ng 4's `uptime -p` prints it: `up 23 hours, 2 minutes`.
 *
 * A year has 365 days. Zero units are left out, except minutes: `up 1 hour, 0 minutes` (procps-ng 3 printed `up 1 hour`).
 *
 * One intended difference: procps compares with `>`, so in the hundredth of a second in which a unit is exactly full it prints
 * `up 60 minutes`, `up 7 days, 0 minutes` or, at 60 s, nothing after `up`. Source: library/uptime.c, as in 4.0.2 (Debian 12).
 *
 * @param seconds seconds since boot, not negative
 */
export function uptimeText(seconds: number): string {
  const parts: string[] = [];
  let left = Math.floor(seconds);
  for (const [unit, length] of units) {
    const count = Math.floor(left / length);
    left -= count * length;
    if (count > 0) parts.push(`${count} ${unit}${count === 1 ? '' : 's'}`);
  }
  const minutes = Math.floor(left / 60);
  parts.push(`${minutes} minute${minutes === 1 ? '' : 's'}`);
  return `up ${parts.join(', ')}`;
}
