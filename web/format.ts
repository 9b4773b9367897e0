/** Formats numbers, times and durations. An unknown value becomes a dash. */

export const UNKNOWN = '–';

const PREFIXES = ['', 'k', 'M', 'G', 'T'];

/** Rounds to three digits and adds the prefix: `12.4 M`. */
function scaled(value: number, unit: string): string {
  let rest = value;
  let prefix = 0;
  // 999.5 would round to 1000
  while (Math.abs(rest) >= 999.5 && prefix < PREFIXES.length - 1) {
    rest /= 1000;
    prefix++;
  }
  const decimals = prefix === 0 || rest >= 99.95 ? 0 : rest >= 9.995 ? 1 : 2;
  return `${Number(rest.toFixed(decimals))} ${PREFIXES[prefix]}${unit}`;
}

export function bytes(value: number | null | undefined): string {
  return value === null || value === undefined ? UNKNOWN : scaled(value, 'B');
}

export function bitsPerSecond(value: number | null | undefined): string {
  if (value === null || value === undefined) return UNKNOWN;
  return value < 1 ? '0' : scaled(value, 'bit/s');
}

/** @param ratio from 0 to 1 */
export function percent(ratio: number | null | undefined): string {
  if (ratio === null || ratio === undefined) return UNKNOWN;
  const value = ratio * 100;
  return `${value < 9.95 ? Number(value.toFixed(1)) : Math.round(value)} %`;
}

export function celsius(value: number | null | undefined): string {
  return value === null || value === undefined ? UNKNOWN : `${value.toFixed(1)} °C`;
}

export function decibelMilliwatts(value: number | null): string {
  return value === null ? UNKNOWN : `${String(value).replace('-', '−')} dBm`;
}

const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
] as const;

/** Returns the two largest units: `3 d 4 h`, `12 min`, `45 s`. Leaves out the seconds from one minute on. */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) return UNKNOWN;
  let rest = Math.max(0, Math.floor(seconds));
  const first = UNITS.findIndex(([, length]) => rest >= length);
  if (first === -1) return '0 s';
  const parts: string[] = [];
  for (const [unit, length] of UNITS.slice(first, first + 2)) {
    const amount = Math.floor(rest / length);
    rest -= amount * length;
    if (amount > 0 && (unit !== 's' || parts.length === 0)) parts.push(`${amount} ${unit}`);
  }
  return parts.join(' ');
}

export function ago(seconds: number): string {
  return seconds < 2 ? 'just now' : `${duration(seconds)} ago`;
}

/** Returns `1 client` or `3 clients`. */
export function amount(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

const formats = {
  clock: new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' }),
  seconds: new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' }),
  day: new Intl.DateTimeFormat('en-GB', { weekday: 'short', day: 'numeric' }),
  dayAndClock: new Intl.DateTimeFormat('en-GB', { weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' }),
};

/** Formats a time in the time zone of the browser. */
export function moment(ms: number, format: keyof typeof formats): string {
  return formats[format].format(ms);
}

/** Formats a time, with the day unless it is today. */
export function since(ms: number, nowMs: number): string {
  return moment(ms, new Date(ms).toDateString() === new Date(nowMs).toDateString() ? 'clock' : 'dayAndClock');
}
