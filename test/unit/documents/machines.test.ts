/**
 * Every folder of test/machines is a whole machine: its files as in test/fixtures, and in `expected` what each document says of it.
 * `UPDATE_FIXTURES=1` writes what comes of them instead of comparing it: read the difference before you commit it.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { type AnyDocument, documents } from '../../../src/documents/index.js';
import { slug } from '../../../src/model/document.js';
import { apsnap } from '../../support/cli.js';
import { asNobody, assertValid, composeCase, machineFolder, machineSource, machines, replayBin } from '../../support/fixture.js';

const update = process.env.UPDATE_FIXTURES === '1';

/**
 * What `/system` says of the moment and of the disk is that of the machine that runs the test, and the program takes no second sample,
 * which rates are made of.
 */
const OF_THE_MOMENT = /^(?:systime|time|usedDisk|disk|uptime|busyRatio|.*_per_second)$/;

describe('machines', () => {
  for (const name of machines()) {
    const folder = machineFolder(name);
    const expectedFile = (document: AnyDocument) => join(machineSource(name), 'expected', `${slug(document)}.json`);

    for (const document of documents) {
      test(`${name}/${slug(document)}`, () => {
        const outcome = asNobody(() => composeCase(document, folder));
        const got = `${JSON.stringify('value' in outcome ? outcome.value : outcome, null, 2)}\n`;
        const file = expectedFile(document);
        if (update) {
          mkdirSync(dirname(file), { recursive: true });
          if (!existsSync(file) || readFileSync(file, 'utf8') !== got) writeFileSync(file, got);
        }
        assert.deepEqual(JSON.parse(got), readExpected(file));
        if (!('value' in outcome)) return;
        const { document: body, pages = {} } = outcome.value as { document: unknown; pages?: Record<string, unknown> };
        assertValid(body, document.view);
        for (const page of Object.values(pages)) if (document.pages) assertValid(page, document.pages.view);
      });
    }

    test(`${name}/the program says the same`, async () => {
      const secrets = existsSync(join(folder, 'expose-secrets')) ? ['--expose-secrets'] : [];
      const args = ['snapshot', '--path.rootfs', folder, '--dotenv', join(folder, 'no-such-file'), ...secrets];
      const { stdout, stderr } = await apsnap(args, {
        env: { PATH: replayBin(folder) },
        uid: process.geteuid?.() === 0 ? 65534 : undefined,
      });
      assert.equal(stderr, '');
      const said = (JSON.parse(stdout) as { documents: Record<string, { data: unknown; error: { code: string } | null }> }).documents;
      assert.deepEqual(
        Object.keys(said),
        documents.map((document) => document.name),
      );
      for (const document of documents) {
        const expected = readExpected(expectedFile(document));
        const { data, error } = said[document.name] as { data: unknown; error: { code: string } | null };
        if ('error' in expected) {
          assert.deepEqual([data, error?.code], [null, expected.error?.code], document.name);
        } else {
          assert.deepEqual(lasting(data), lasting(expected.document), document.name);
        }
      }
    });
  }
});

function readExpected(file: string): { document?: unknown; error?: { code: string } } {
  return JSON.parse(readFileSync(file, 'utf8')) as { document?: unknown; error?: { code: string } };
}

/** A document without what is of the moment. */
function lasting(document: unknown): unknown {
  return JSON.parse(JSON.stringify(document), (name, value) => (OF_THE_MOMENT.test(name) ? undefined : value));
}

test('machines/no document is forgotten', () => {
  for (const name of machines()) {
    const told = readdirSync(join(machineSource(name), 'expected')).sort();
    assert.deepEqual(told, documents.map((document) => `${slug(document)}.json`).sort(), name);
  }
});
