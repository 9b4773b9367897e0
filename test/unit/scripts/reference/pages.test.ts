import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { generatedPages, REPOSITORY } from '../../../../scripts/reference/pages.js';

describe('documentation', () => {
  for (const [file, text] of generatedPages())
    test(`${file} describes this version of the program`, () =>
      assert.equal(readFileSync(join(REPOSITORY, file), 'utf8'), text, `${file} is out of date: run npm run docs`));
});
