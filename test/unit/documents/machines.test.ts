/** Every archive of test/fixtures/machines is a whole machine, and in its `expected` is the body of each document. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { documents } from '../../../src/documents/index.js';
import { slug } from '../../../src/model/document.js';
import { assertExpected, composeFixture, wholeMachines } from '../../support/fixture.js';
import { assertValid } from '../../support/schema.js';

for (const machine of wholeMachines()) {
  describe(machine.name, () => {
    for (const document of documents) {
      test(`${document.name} of ${machine.name} is as expected`, async () => {
        const outcome = await composeFixture(document, machine);
        assertExpected(outcome, machine, `expected/${slug(document)}.json`);
        if (!('value' in outcome)) return;
        const { document: body, pages = {} } = outcome.value as { document: unknown; pages?: Record<string, unknown> };
        assertValid(body, document.view);
        for (const page of Object.values(pages)) if (document.pages) assertValid(page, document.pages.view);
      });
    }

    test(`${machine.name} expects nothing of a document that doesn't exist`, () => {
      const expected = [...machine.archive.entries.keys()].filter((path) => path.startsWith('expected/'));
      assert.deepEqual(expected.sort(), documents.map((document) => `expected/${slug(document)}.json`).sort());
    });
  });
}
