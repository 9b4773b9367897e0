// A short run of `npm run fuzz` with the same inputs each time, and a check that every parser is a target.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { collectors } from '../../src/collectors/index.js';
import { documents } from '../../src/documents/index.js';
import { targets } from '../fuzz/targets.js';

const repository = fileURLToPath(new URL('../../../', import.meta.url));
const CASES = 100;
const SEED = 1;

describe('fuzzing', () => {
  for (const [name, target] of targets) {
    test(`${name} keeps its property for generated input`, async () =>
      await fc.assert((await target()).property(), { numRuns: CASES, seed: SEED }));
  }

  test('every collector and every document is a target', () => {
    for (const { name } of collectors) assert.ok(targets.has(`collector ${name}`), name);
    for (const { name } of documents) assert.ok(targets.has(`document ${name}`), name);
  });

  test('every exported parser is a target', () => {
    const files = ['src', 'web'].flatMap((folder) =>
      readdirSync(`${repository}${folder}`, { recursive: true, encoding: 'utf8' }).map((name) => `${folder}/${name}`),
    );
    const sources = files.filter((name) => name.endsWith('.ts')).map((name) => readFileSync(`${repository}${name}`, 'utf8'));
    const named = sources.flatMap((source) =>
      [...source.matchAll(/^export (?:async )?(?:function|const) (parse\w+|\w+Parser)\b/gm)].map((match) => match[1] ?? ''),
    );
    assert.ok(named.length > 40, `${named.length}`);
    assert.deepEqual(
      named.filter((name) => !targets.has(`parser ${name}`) && !targets.has(name)),
      [],
    );
  });
});
