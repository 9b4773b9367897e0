import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearest } from '../../../src/config/nearest.js';

const FLAGS = ['--host', '--port', '--dotenv', '--threads', '--cors-origin', '--schedule.cpu'];

const cases: readonly [word: string, expected: string | undefined][] = [
  ['--prot', '--port'],
  ['--Port', '--port'],
  ['--thread', '--threads'],
  ['--corsorigin', '--cors-origin'],
  ['--schedule.cpus', '--schedule.cpu'],
  ['--xyzzy', undefined],
  ['-p', undefined],
  ['', undefined],
  [`--${'host'.repeat(1_000)}`, undefined],
];
for (const [word, expected] of cases) {
  test(`${word.slice(0, 20)} is taken for ${expected ?? 'nothing'}`, () => assert.equal(nearest(word, FLAGS), expected));
}
