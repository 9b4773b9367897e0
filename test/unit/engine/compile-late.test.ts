import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileLate } from '../../../src/engine/compile-late.js';

const flagsFor = (version: string) => {
  const flags: string[] = [];
  compileLate(version, (flag) => flags.push(flag));
  return flags;
};

test('V8 optimizes later where it counts bytecodes', () => {
  assert.deepEqual(flagsFor('18.20.4'), ['--interrupt-budget=270336']);
  assert.deepEqual(flagsFor('20.20.2'), ['--interrupt-budget=270336']);
});

test('a newer V8, which would complain about the flag, gets none', () => {
  assert.deepEqual(flagsFor('22.23.3'), []);
  assert.deepEqual(flagsFor('24.21.0'), []);
});
