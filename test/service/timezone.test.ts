import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import fc from 'fast-check';
import { formatDate, localTime, parseTzif, type TimeZone, utc } from '../../src/collectors/system/timezone.js';

const zoneinfo = '/usr/share/zoneinfo';
const names = [
  ...['Africa/Abidjan', 'Africa/Cairo', 'Africa/Casablanca', 'Africa/El_Aaiun', 'America/Caracas', 'America/Havana', 'America/New_York'],
  ...[
    'America/Nuuk',
    'America/Sao_Paulo',
    'America/Santiago',
    'America/St_Johns',
    'Antarctica/Troll',
    'Asia/Beirut',
    'Asia/Gaza',
    'Asia/Jerusalem',
  ],
  ...[
    'Asia/Kathmandu',
    'Asia/Kolkata',
    'Asia/Pyongyang',
    'Asia/Tehran',
    'Atlantic/Azores',
    'Australia/Lord_Howe',
    'Etc/UTC',
    'Europe/Dublin',
  ],
  ...[
    'Europe/Istanbul',
    'Europe/London',
    'Europe/Lisbon',
    'Europe/Moscow',
    'Europe/Paris',
    'Pacific/Apia',
    'Pacific/Chatham',
    'Pacific/Kiritimati',
  ],
].filter((name) => existsSync(join(zoneinfo, name)));
const noZones = names.length === 0 && 'no /usr/share/zoneinfo';

const scratch = mkdtempSync(join(tmpdir(), 'apsnap-timezone-'));
after(() => rmSync(scratch, { recursive: true }));

const readZone = (name: string, root = zoneinfo): TimeZone => parseTzif(readFileSync(join(root, name)));

/** 1 January of `year`, UTC. */
const january = (year: number): number => Date.UTC(year, 0, 1) / 1000;

/** Returns an instant every 37 days from 1970 to 2080, and the seconds around each change. */
function instants(zone: TimeZone): number[] {
  const steps = Array.from({ length: 1086 }, (_, index) => index * 37 * 86_400 + index * 61);
  const changes = steps.filter(
    (at) => at > 0 && localTime(zone, at - 37 * 86_400 - 61).offsetSeconds !== localTime(zone, at).offsetSeconds,
  );
  const edges = changes.flatMap((at) => {
    let [low, high] = [at - 37 * 86_400 - 61, at];
    const after = localTime(zone, high).offsetSeconds;
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (localTime(zone, middle).offsetSeconds === after) high = middle;
      else low = middle;
    }
    return [high - 1, high, high + 1];
  });
  const listed = zone.transitions.filter(({ at }) => at >= 0 && at < january(2080)).flatMap(({ at }) => [at - 1, at, at + 1]);
  return [...new Set([...steps, ...edges, ...listed])];
}

/** Returns the dates that coreutils prints. `tz` is a zone's name or path, or a POSIX TZ string. */
function date(tz: string, seconds: readonly number[]): string[] {
  const input = seconds.map((at) => `@${at}\n`).join('');
  const env = { ...process.env, TZ: tz, LC_ALL: 'C' };
  return execFileSync('date', ['-f', '-', '+%a %e %b %H:%M:%S %Z %Y'], { input, env, encoding: 'utf8', maxBuffer: 2 ** 26 })
    .trimEnd()
    .split('\n');
}

/** Like assert.deepEqual, but fails with the instants that differ, not with thousands of lines. */
function assertSame(seconds: readonly number[], actual: readonly unknown[], expected: readonly unknown[]): void {
  assert.equal(actual.length, expected.length);
  const different = seconds.flatMap((at, index) =>
    actual[index] === expected[index] ? [] : [{ at, actual: actual[index], expected: expected[index] }],
  );
  assert.deepEqual(different.slice(0, 5), []);
}

const intlOffset = (format: Intl.DateTimeFormat, at: number): number => {
  const text = format.formatToParts(at * 1000).find(({ type }) => type === 'timeZoneName')?.value ?? '';
  const [, sign, hours, minutes, seconds] = /^GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(text) ?? assert.fail(text);
  return (sign === '-' ? -1 : 1) * (Number(hours ?? 0) * 3600 + Number(minutes ?? 0) * 60 + Number(seconds ?? 0)) + 0;
};

/** A version 2 file of no transitions and the one type UTC, like the machine's own slim files, with `footer`. */
const withFooter = (footer: string): Uint8Array => {
  const header = Buffer.alloc(44);
  header.write('TZif2');
  header.writeUInt32BE(1, 36);
  header.writeUInt32BE(4, 40);
  const data = Buffer.from('\0\0\0\0\0\0UTC\0', 'latin1');
  return Buffer.concat([header, data, header, data, Buffer.from(`\n${footer}\n`, 'latin1')]);
};

describe('the zones of this machine', { skip: noZones }, () => {
  for (const name of names) {
    test(`dates in ${name} are those that coreutils prints`, () => {
      const zone = readZone(name);
      const seconds = instants(zone);
      assertSame(
        seconds,
        seconds.map((at) => formatDate(zone, at)),
        date(name, seconds),
      );
    });
    test(`offsets in ${name} are those of Intl.DateTimeFormat`, () => {
      const zone = readZone(name);
      // ICU has no list of the Ramadans after 2037.
      const seconds = instants(zone).filter((at) => !/Casablanca|El_Aaiun|Gaza/.test(name) || at < january(2037));
      const format = new Intl.DateTimeFormat('en', { timeZone: name, timeZoneName: 'longOffset' });
      assertSame(
        seconds,
        seconds.map((at) => localTime(zone, at).offsetSeconds),
        seconds.map((at) => intlOffset(format, at)),
      );
    });
  }

  test('a file that has only version 1 data gives the right dates until 2037', () => {
    for (const name of names) {
      const bytes = readFileSync(join(zoneinfo, name));
      const size = bytes.indexOf('TZif', 4);
      const old = Buffer.from(bytes.subarray(0, size));
      old.writeUInt8(0, 4);
      // A slim file has an empty version 1.
      if (old.readUInt32BE(32) === 0) continue;
      const seconds = instants(readZone(name)).filter((at) => at < january(2037));
      const zone = parseTzif(old);
      assertSame(
        seconds,
        seconds.map((at) => formatDate(zone, at)),
        date(name, seconds),
      );
    }
  });

  test('every other version number from 2 on reads like version 2', () => {
    for (const version of ['2', '3', '4', '5']) {
      const bytes = Buffer.from(readFileSync(join(zoneinfo, names[0] ?? '')));
      bytes.write(version, 4);
      bytes.write(version, bytes.indexOf('TZif', 4) + 4);
      assert.deepEqual(parseTzif(bytes), readZone(names[0] ?? ''));
    }
  });

  test('a right zone is rejected, because its clock counts leap seconds', {
    skip: !existsSync(join(zoneinfo, 'right/Europe/Paris')),
  }, () => {
    assert.throws(() => readZone('right/Europe/Paris'), { message: 'tzif: leap seconds (a right/ zone) are not supported' });
  });

  test('a view into a larger buffer parses like a whole buffer', () => {
    const bytes = readFileSync(join(zoneinfo, names[0] ?? ''));
    const larger = new Uint8Array(bytes.length + 7).fill(255);
    larger.set(bytes, 3);
    assert.deepEqual(parseTzif(larger.subarray(3, 3 + bytes.length)), parseTzif(bytes));
  });
});

const hasZic = ['/usr/sbin/zic', '/usr/bin/zic'].some(existsSync) && existsSync(join(zoneinfo, 'tzdata.zi'));

test('slim files that zic writes give the dates that coreutils prints', { skip: noZones || (!hasZic && 'no zic') }, () => {
  const path = `${process.env.PATH}:/usr/sbin`;
  execFileSync('zic', ['-b', 'slim', '-d', scratch, join(zoneinfo, 'tzdata.zi')], { env: { ...process.env, PATH: path }, stdio: 'ignore' });
  for (const name of names) {
    const zone = readZone(name, scratch);
    const seconds = instants(zone);
    assertSame(
      seconds,
      seconds.map((at) => formatDate(zone, at)),
      date(join(scratch, name), seconds),
    );
  }
});

// zic -b slim, tzdata 2025b. The last is a made-up zone with the European Union's rules from 1996 on.
const slim = {
  'Etc/GMT+3':
    'VFppZjIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAQAAAAEAAAAAAAAAVFppZjIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAQAAAAT//9XQAAAtMDMACjwtMDM+Mwo=',
  'Asia/Dubai':
    'VFppZjIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAQAAAAEAAAAAAAAAVFppZjIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABAAAAAgAAAAj/////ofKZqAEAADPYAAAAADhAAARMTVQAKzA0AAo8KzA0Pi00Cg==',
  'Test/Euro':
    'VFppZjIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAQAAAAEAAAAAAAAAVFppZjIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABAAAAAQAAAAUAAAAAMV3ZEAAAABwgAQBDRVNUAApDRVQtMUNFU1QsTTMuNS4wLE0xMC41LjAvMwo=',
};

const slimCases: [keyof typeof slim, number, string][] = [
  ['Etc/GMT+3', 0, 'Wed 31 Dec 21:00:00 -03 1969'],
  ['Etc/GMT+3', 1_710_065_471, 'Sun 10 Mar 07:11:11 -03 2024'],
  ['Asia/Dubai', -1_577_936_472, 'Thu  1 Jan 00:18:48 +04 1920'],
  ['Asia/Dubai', -1_577_936_473, 'Wed 31 Dec 23:59:59 LMT 1919'],
  ['Test/Euro', 1_710_065_471, 'Sun 10 Mar 11:11:11 CET 2024'],
  ['Test/Euro', 1_711_846_799, 'Sun 31 Mar 01:59:59 CET 2024'],
  ['Test/Euro', 1_711_846_800, 'Sun 31 Mar 03:00:00 CEST 2024'],
  ['Test/Euro', 1_729_990_799, 'Sun 27 Oct 02:59:59 CEST 2024'],
  ['Test/Euro', 1_729_990_800, 'Sun 27 Oct 02:00:00 CET 2024'],
  ['Test/Euro', 4_102_444_799, 'Fri  1 Jan 00:59:59 CET 2100'],
];

for (const [name, at, expected] of slimCases) {
  test(`the slim file of ${name} gives the right date at ${at}`, () =>
    assert.equal(formatDate(parseTzif(Buffer.from(slim[name], 'base64')), at), expected));
}

test('formatDate drops a fraction of a second, before 1970 too', () => {
  assert.equal(formatDate(utc, 1_710_065_471.999), 'Sun 10 Mar 10:11:11 UTC 2024');
  assert.equal(formatDate(utc, -0.5), 'Wed 31 Dec 23:59:59 UTC 1969');
});

test('localTime uses the first type before the first transition', () => {
  const zone = { ...utc, first: { offsetSeconds: 5692, abbreviation: 'LMT' }, transitions: [{ at: -100, to: utc.rest }] };
  assert.deepEqual(localTime(zone, -101), zone.first);
  assert.deepEqual(localTime(zone, -100), utc.rest);
});

const footers = [
  'UTC0',
  '<-03>3',
  '<+0545>-5:45',
  'CET-1CEST,M3.5.0,M10.5.0/3',
  'EST5EDT,M3.2.0,M11.1.0',
  'AEST-10AEDT,M10.1.0,M4.1.0/3',
  '<+1030>-10:30<+11>-11,M10.1.0,M4.1.0',
  '<+1245>-12:45<+1345>,M9.5.0/2:45,M4.1.0/3:45',
  '<+00>0<+02>-2,M3.5.0/1,M10.5.0/3',
  '<-02>2<-01>,M3.5.0/-1,M10.5.0/0',
  '<-04>4<-03>,M9.1.6/24,M4.1.6/24',
  'IST-1GMT0,M10.5.0,M3.5.0/1',
  'IST-2IDT,M3.4.4/26,M10.5.0',
  'EET-2EEST,M3.4.4/50,M10.4.4/50',
  'AAA3BBB,J60,J300',
  'AAA3BBB,J59/23:30:15,J364/23',
  'AAA-3:30:15BBB-5,59,300/-12',
  'AAA11BBB,0/0,364/5',
  'AAA-11BBB,M1.1.0/3,M12.5.6/1',
];

for (const footer of footers) {
  test(`dates with the footer ${footer} are those that coreutils prints`, () => {
    const zone = parseTzif(withFooter(footer));
    const seconds = instants(zone);
    assertSame(
      seconds,
      seconds.map((at) => formatDate(zone, at)),
      date(footer, seconds),
    );
  });
}

test('a footer can set daylight saving time all year', () => {
  for (const footer of ['XXX3EDT4,0/0,J365/23', 'EST5EDT,0/0,J365/25']) {
    const zone = parseTzif(withFooter(footer));
    for (const at of instants(zone)) assert.equal(localTime(zone, at).abbreviation, 'EDT');
    for (const year of [1970, 2023, 2024, 2025]) {
      for (let hour = -30; hour < 30; hour++) assert.equal(localTime(zone, january(year) + hour * 3600).abbreviation, 'EDT');
    }
  }
});

test('a footer can end daylight saving time shortly before the local year ends', () => {
  // Not compared with date, because glibc applies the rules of the current year in UTC.
  const zone = parseTzif(withFooter('AAA3BBB,J59,J365/23'));
  assert.equal(formatDate(zone, january(2024) + 3599), 'Sun 31 Dec 22:59:59 BBB 2023');
  assert.equal(formatDate(zone, january(2024) + 3600), 'Sun 31 Dec 22:00:00 AAA 2023');
});

test('the day numbers of a footer count 29 February, except in the J form', () => {
  const change = (footer: string, year: number) => {
    const zone = parseTzif(withFooter(footer));
    const day = Array.from({ length: 366 }, (_, index) => january(year) + index * 86_400).find(
      (at) => localTime(zone, at).abbreviation === 'BBB',
    );
    return formatDate(utc, day ?? Number.NaN).slice(4, 10);
  };
  assert.equal(change('AAA0BBB,J59/0,J300', 2024), '28 Feb');
  assert.equal(change('AAA0BBB,J60/0,J300', 2024), ' 1 Mar');
  assert.equal(change('AAA0BBB,J60/0,J300', 2023), ' 1 Mar');
  assert.equal(change('AAA0BBB,59/0,300', 2024), '29 Feb');
  assert.equal(change('AAA0BBB,59/0,300', 2023), ' 1 Mar');
  assert.equal(change('AAA0BBB,M2.5.4/0,300', 2024), '29 Feb');
  assert.equal(change('AAA0BBB,M2.5.4/0,300', 2023), '23 Feb');
});

const edited = (edit: (bytes: Buffer) => Buffer | undefined): Uint8Array => {
  const bytes = Buffer.from(slim['Test/Euro'], 'base64');
  return edit(bytes) ?? bytes;
};
const noEdit = (edit: (bytes: Buffer) => unknown) => edited((bytes) => void edit(bytes));

// The 64-bit block of Test/Euro: its header at 51, one time at 95, its index at 103, a type at 104, the name at 110, the footer at 115.
const malformed: [string, Uint8Array, string][] = [
  ['empty', new Uint8Array(), 'tzif: cut off at 0 bytes, in a header'],
  ['no magic', Buffer.alloc(44), 'tzif: no TZif at byte 0'],
  ['text', Buffer.from('Europe/Paris\n'.repeat(9)), 'tzif: no TZif at byte 0'],
  ['cut in the 64-bit header', edited((bytes) => bytes.subarray(0, 60)), 'tzif: cut off at 60 bytes, in a header'],
  ['cut in the data', edited((bytes) => bytes.subarray(0, 100)), 'tzif: cut off at 100 bytes, the header promises 115'],
  [
    'a huge count',
    noEdit((bytes) => bytes.writeUInt32BE(0xffff_ffff, 51 + 32)),
    'tzif: cut off at 143 bytes, the header promises 38654705761',
  ],
  ['no types', noEdit((bytes) => [bytes.writeUInt32BE(0, 87), bytes.writeUInt32BE(11, 91)]), 'tzif: no local time types'],
  ['no such type', noEdit((bytes) => bytes.writeUInt8(1, 103)), 'tzif: there are 1 local time types, and no number 1'],
  ['an offset of weeks', noEdit((bytes) => bytes.writeInt32BE(1_000_000, 104)), 'tzif: 1000000 seconds is not an offset from UTC'],
  ['a name outside', noEdit((bytes) => bytes.writeUInt8(9, 109)), 'tzif: the abbreviation at 9 does not end'],
  ['a name without end', noEdit((bytes) => bytes.writeUInt8(65, 114)), 'tzif: the abbreviation at 0 does not end'],
  ['no footer', edited((bytes) => bytes.subarray(0, 115)), 'tzif: the footer is not one line between two line feeds'],
  ['a footer cut off', edited((bytes) => bytes.subarray(0, 130)), 'tzif: the footer is not one line between two line feeds'],
  ...[
    ...[
      'CET',
      'CE-1',
      'CET-1CEST',
      'CET-1,M3.5.0,M10.5.0',
      'CET-25',
      'CET-1:60',
      'CET-1CEST,M3.5.0',
      'CET-1CEST,M13.5.0,M10.5.0',
      'CET-1CEST,M0.5.0,M10.5.0',
    ],
    ...[
      'CET-1CEST,M3.6.0,M10.5.0',
      'CET-1CEST,M3.5.7,M10.5.0',
      'CET-1CEST,J0,J9',
      'CET-1CEST,J366,J9',
      'CET-1CEST,366,9',
      'CET-1CEST,J1/168,J9',
    ],
    ...['<CET-1', '<C!T>1', 'CET-1CEST,M3.5.0,M10.5.0/3 ', ':Europe/Paris'],
  ].map((footer): [string, Uint8Array, string] => [
    footer,
    withFooter(footer),
    `tzif: the footer is not a TZ string: ${JSON.stringify(footer)}`,
  ]),
];

for (const [title, bytes, message] of malformed) {
  test(`a malformed file is rejected: ${title}`, () => assert.throws(() => parseTzif(bytes), { name: 'Error', message }));
}

test('a file with transitions out of order is rejected', { skip: noZones }, () => {
  const bytes = Buffer.from(readFileSync(join(zoneinfo, 'Europe/Paris')));
  const times = bytes.indexOf('TZif', 4) + 44;
  bytes.copy(bytes, times + 8, times, times + 8);
  assert.throws(() => parseTzif(bytes), { name: 'Error', message: 'tzif: transition 1 is not later than the one before' });
});

/** Checks that the bytes parse to a zone that can format any time, or that the parser throws a `tzif:` error. */
function assertParsesOrRefuses(bytes: Uint8Array): void {
  let zone: TimeZone;
  try {
    zone = parseTzif(bytes);
  } catch (error) {
    assert.ok(error instanceof Error && error.constructor === Error, String(error));
    assert.match(error.message, /^tzif: /);
    return;
  }
  for (const at of [-8e12, -1e10, -1, 0, 1_710_065_471, 1e10, 8e12]) {
    assert.ok(Math.abs(localTime(zone, at).offsetSeconds) <= 93_599);
    assert.match(formatDate(zone, at), /^[A-Z][a-z]{2} [ 1-3]\d [A-Z][a-z]{2} \d\d:\d\d:\d\d [\s\S]* -?\d+$/);
  }
}

describe('any bytes', () => {
  test('random bytes parse or are rejected', () =>
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), assertParsesOrRefuses), { numRuns: 2000 }));

  test('random blocks after a valid magic number parse or are rejected', () => {
    const header = Buffer.concat([Buffer.from('TZif'), Buffer.alloc(16)]);
    const small = fc.uint8Array({ minLength: 6, maxLength: 6, max: 5 }).map((counts) => [...counts].flatMap((count) => [0, 0, 0, count]));
    const block = fc.tuple(small, fc.uint8Array({ maxLength: 80 })).map(([counts, data]) => [...header, ...counts, ...data]);
    fc.assert(
      fc.property(fc.array(block, { maxLength: 2 }), (blocks) => assertParsesOrRefuses(Uint8Array.from(blocks.flat()))),
      { numRuns: 2000 },
    );
  });

  test('real files with changed bytes, or cut off, parse or are rejected', () => {
    const files = [
      ...Object.values(slim).map((text) => Buffer.from(text, 'base64')),
      ...names.slice(0, 8).map((name) => readFileSync(join(zoneinfo, name))),
    ];
    const changes = fc.array(fc.tuple(fc.nat(4000), fc.nat(255)), { maxLength: 8 });
    const cut = fc.option(fc.nat(4000), { nil: 4000 });
    fc.assert(
      fc.property(fc.constantFrom(...files), changes, cut, (file, edits, length) => {
        const bytes = Uint8Array.from(file.subarray(0, length));
        for (const [at, value] of edits) bytes[at % Math.max(bytes.length, 1)] = value;
        assertParsesOrRefuses(bytes);
      }),
      { numRuns: 3000 },
    );
  });

  test('any footer, however long, parses or is rejected', () => {
    const piece = fc.constantFrom(
      'CET',
      '<-03>',
      '-',
      '+',
      '1',
      '24',
      '167',
      ',',
      'M3.5.0',
      'M10.5.0',
      'J60',
      '0',
      '/',
      ':30',
      ':',
      '\n',
      '\0',
      '<',
      '>',
      'é',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 14 }), (pieces) => assertParsesOrRefuses(withFooter(pieces.join('')))),
      { numRuns: 3000 },
    );
    assertParsesOrRefuses(withFooter(`${'A'.repeat(1_000_000)}`));
    assertParsesOrRefuses(withFooter(`<${'A'.repeat(1_000_000)}`));
  });
});
