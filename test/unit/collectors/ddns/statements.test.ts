import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readStatements } from '../../../../src/collectors/ddns/statements.js';

test('readStatements reads what ddclient 3.10 reads', () => {
  const read: [text: string, options: Record<string, string>, words: string[]][] = [
    ['a=1,b=2 c=3 , d=4', { a: '1', b: '2', c: '3', d: '4' }, []],
    ["a='1, 2' b=\"it's\" c=3\\ 4 d=x'y z'", { a: '1, 2', b: "it's", c: '3 4', d: 'xy z' }, []],
    ['a=1,a=2', { a: '2' }, []],
    ['a=', { a: '' }, []],
    ["a='1 2", { a: '1 2' }, []],
    ['a=1\\', { a: '1' }, []],
    ['a=b=c#d', { a: 'b=c' }, []],
    ['a=1 one , two,three me pw', { a: '1' }, ['one,two,three', 'me', 'pw']],
    ['one a=1', {}, ['one', 'a=1']],
    ['password=a,b', { password: 'a,b' }, []],
    ["password='a'b'#c' one", { password: "a'b'#c" }, ['one']],
    ["password = 'a\\b'", { password: 'a\\b' }, []],
    ["fw-password='a b' password=c", { 'fw-password': 'a b', password: 'c' }, []],
    ['a=1,password=x#y one', { a: '1', password: 'x#y' }, ['one']],
    ['__proto__=1 constructor=2', {}, ['__proto__=1', 'constructor=2']],
    ['constructor=2', { constructor: '2' } as Record<string, string>, []],
  ];
  for (const [text, options, words] of read) {
    const [statement] = readStatements(`\n${text.endsWith('\\') ? `${text}\n` : text}\n`);
    assert.deepEqual(statement && { line: statement.line, options: Object.fromEntries(statement.options), words: statement.words }, {
      line: 2,
      options,
      words,
    });
  }
  assert.deepEqual(readStatements('a=1 \\\n# nothing\nb=2\n').length, 2);
  assert.deepEqual(readStatements('a=1 \\  # and so on\n\tone\n')[0]?.words, ['one']);
  assert.deepEqual(readStatements('one \\\n'), [], 'ddclient passes over what is not continued');
});
