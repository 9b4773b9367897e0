const units = [
  ['decade', 315_360_000],
  ['year', 31_536_000],
  ['week', 604_800],
  ['day', 86_400],
  ['hour', 3600],
] as const;

/**
 * `up 23 hours, 2 minutes`: what procps-ng 4's `uptime -p` prints.
 *
 * Takes the seconds since boot (the first field of `/proc/uptime`; finite, not negative; a fraction does no harm). Years have 365 days, and 52
 * weeks and a day make no year yet. Zero units are left out, minutes never: `up 1 hour, 0 minutes` (procps-ng 3 printed `up 1 hour`).
 *
 * One difference, on purpose: procps compares with `>`, so in the hundredth of a second in which a unit is exactly full it prints `up 60 minutes`,
 * `up 7 days, 0 minutes` or, at 60 s, nothing behind `up`. Source: library/uptime.c, as in 4.0.2 (Debian 12).
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
