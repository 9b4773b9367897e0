// Lists of blocked names, with files of any content that are read in pieces of any size.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { SourceError } from '../../../src/errors.js';
import { eachHostname, parseDomains, parseHostnames } from '../../../src/parse/blocklist.js';
import { pageOfList } from '../../../src/parse/blocklist-page.js';

const parsers = { domains: parseDomains, hostnames: parseHostnames };
type Name = keyof typeof parsers;

/** Parses a file in pieces that end at the given places. As with reads from a disk, each piece overwrites the one before. */
function parse(name: Name, content: Buffer, ends: readonly number[] = []): { names: string[]; amount: number } {
  const memory = Buffer.alloc(content.length);
  function* pieces() {
    let start = 0;
    for (const end of [...ends, content.length]) {
      memory.fill('/');
      yield memory.subarray(0, content.copy(memory, 0, start, end));
      start = end;
    }
  }
  const json = Buffer.from(parsers[name](content.length, pieces(), 'list')).toString('utf8');
  const { [name]: names = [], amount } = JSON.parse(json) as Record<Name, string[] | undefined> & { amount: number };
  return { names, amount };
}

const small: Readonly<Record<Name, string>> = {
  domains:
    '# c\n\nlocal=/a.example/\r\n \tserver=/b.example/c.example/ # x\naddress=/d.example/0.0.0.0\naddress=/e/#\nserver=/f/1.2.3.4\nlocal=/last/',
  hostnames: '# c\n\n0.0.0.0 a.example\r\n127.0.0.1\tlocalhost\n::1 b.example c.example # x\n0.0.0.0\n0.0.0.0 d#e\n:: last',
};
const wanted: Readonly<Record<Name, readonly string[]>> = {
  domains: ['a.example', 'b.example', 'c.example', 'd.example', 'e', 'last'],
  hostnames: ['a.example', 'b.example', 'c.example', 'd', 'last'],
};

for (const name of ['domains', 'hostnames'] as const) {
  describe(`${name} in pieces`, () => {
    const content = Buffer.from(small[name]);

    test('a file in one piece gives its names and their number', () => {
      assert.deepEqual(parse(name, content), { names: wanted[name], amount: wanted[name].length });
    });

    test('a file that is split at any place gives the same names', () => {
      for (let end = 0; end <= content.length; end++) assert.deepEqual(parse(name, content, [end]).names, wanted[name], `at ${end}`);
    });

    test('a file that is read byte by byte gives the same names', () => {
      const ends = Array.from(content.keys());
      assert.deepEqual(parse(name, content, ends).names, wanted[name]);
    });

    test('a line of more than 65536 bytes is malformed, wherever the file is split', () => {
      const good = name === 'domains' ? 'local=/x.example/\n' : '0.0.0.0 x.example\n';
      const long = Buffer.from(`${good}${good.trim()}${' '.repeat(70_000)}\n${good}`);
      const just = Buffer.from(`${good}${good.trim()}${' '.repeat(65_000)}\n${good}`);
      for (const end of [0, 1, 100, 30_000, 65_536, 65_600, 69_999, long.length - 1]) {
        assert.throws(() => parse(name, long, [end]), { code: 'malformed', message: 'list: has a line of more than 65536 bytes' });
        assert.equal(parse(name, just, [Math.min(end, just.length)]).amount, 3);
      }
      const unfinished = long.subarray(0, 70_000);
      assert.throws(() => parse(name, unfinished), { code: 'malformed' });
      assert.throws(() => parse(name, unfinished, [40_000]), { code: 'malformed' });
    });

    test('any bytes give printable names, independent of the pieces, or a SourceError', () => {
      const line = fc.constantFrom(
        ...[
          'local=/',
          'server=/',
          'address=/',
          '0.0.0.0 ',
          '::1\t',
          '127.0.0.1 ',
          'a.example',
          '/',
          '#',
          ' ',
          '\n',
          '\r\n',
          '"',
          '\\',
          ',',
          '/#',
          '[',
          ']',
        ],
      );
      const bytes = fc
        .array(
          fc.oneof(
            { weight: 5, arbitrary: line.map((text) => Buffer.from(text)) },
            { weight: 1, arbitrary: fc.uint8Array({ maxLength: 20 }) },
          ),
        )
        .map((parts) => Buffer.concat(parts));
      fc.assert(
        fc.property(bytes, fc.array(fc.nat(200), { maxLength: 5 }), (given, places) => {
          const ends = places.map((place) => Math.min(place, given.length)).sort((a, b) => a - b);
          let outcome: ReturnType<typeof parse>;
          try {
            outcome = parse(name, given, ends);
          } catch (error) {
            assert.ok(error instanceof SourceError);
            return;
          }
          assert.equal(outcome.amount, outcome.names.length);
          for (const one of outcome.names) assert.match(one, /^[!-~]{1,253}$/);
          assert.deepEqual(parse(name, given), outcome);
        }),
        { numRuns: 2_000 },
      );
    });

    test('many short or invalid names in a line fit into the memory for the file', () => {
      const line = name === 'domains' ? `local=${'/a'.repeat(30_000)}/\n` : `0.0.0.0${' a'.repeat(30_000)}\n`;
      assert.equal(parse(name, Buffer.from(line.repeat(5))).amount, 150_000);
      // The parser writes a name before it knows that the name is invalid.
      const bad =
        name === 'domains'
          ? `local=/${'a'.repeat(300)}/${`${'b'.repeat(252)}\\/`.repeat(10)}c/`
          : `:: ${`${'b'.repeat(252)}\\ `.repeat(10)}c`;
      assert.deepEqual(parse(name, Buffer.from(bad)).names, ['c']);
    });
  });
}

describe('pages of a list', () => {
  const names = ['Ads.example', 'b[.example', 'c].example', 'tracker-ADS.example', 'e'];
  const file = Buffer.from(names.map((name) => `0.0.0.0 ${name}\n`).join(''));
  const page = (offset: number, limit: number, contains?: string) =>
    pageOfList(eachHostname, [file], 'list', { offset, limit, ...(contains !== undefined && { contains }) });

  test('a limit above the number of names returns all of them', () => assert.deepEqual(page(0, 100), { names, amount: 5 }));
  test('an offset and a limit return a part, and the number of all names', () =>
    assert.deepEqual(page(1, 2), { names: names.slice(1, 3), amount: 5 }));
  test('an offset after the end returns no names', () => assert.deepEqual(page(9_999_999_999, 2), { names: [], amount: 5 }));
  test('a search text matches within single names only, in upper or lower case', () => {
    for (const text of ['ads', 'ADS', 'aDs']) assert.deepEqual(page(0, 100, text), { names: [names[0], names[3]], amount: 2 });
    assert.deepEqual(page(1, 1, 'ads'), { names: [names[3]], amount: 2 });
    assert.deepEqual(page(0, 100, 'e'), { names, amount: 5 });
    assert.deepEqual(page(0, 100, '.example'), { names: names.slice(0, 4), amount: 4 });
    // The text is not searched across two names, nor in the JSON around them.
    for (const text of ['","', 'amount', 'hostnames', 'examplee', 'eb[']) assert.deepEqual(page(0, 100, text), { names: [], amount: 0 });
    for (const text of ['[', ']', 'b[', 'c]']) assert.equal(page(0, 100, text).amount, 1, text);
  });
  test('an empty list returns no names', () => {
    assert.deepEqual(pageOfList(eachHostname, [], 'list', { offset: 0, limit: 5 }), { names: [], amount: 0 });
  });
});
