/** Proves again that the expressions are linear whose proofs are too slow for the unit tests. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findExpressions } from '../support/regexps/find.js';
import { problemOf } from '../support/regexps/prove.js';
import { provedBefore } from '../support/regexps/proved.js';

test('every expression that the unit tests take as proved is linear', () => {
  for (const one of findExpressions()) {
    const shown = `/${one.pattern}/${one.flags}`;
    if (provedBefore.includes(shown)) assert.equal(problemOf(one), undefined, shown);
  }
});
