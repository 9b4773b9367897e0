/** `apsnap snapshot` on each whole machine of test/fixtures/machines, unpacked into a folder. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { documents } from '../../src/documents/index.js';
import { slug } from '../../src/model/document.js';
import { apsnap } from '../support/cli.js';
import { exposesSecrets, type Fixture, fixtureText, wholeMachines } from '../support/fixture.js';
import { replayBin, unpackFixture } from '../support/unpack.js';

/** Fields that depend on the moment or on the disk of the machine that runs the test, and rates, which need a second sample. */
const OF_THE_MOMENT = /^(?:systime|time|usedDisk|disk|uptime|busyRatio|.*_per_second)$/;

describe('apsnap snapshot', { concurrency: 2 }, () => {
  for (const machine of wholeMachines()) {
    test(`on ${machine.name} prints what the machine's archive expects`, async () => {
      const folder = unpackFixture(machine);
      const secrets = exposesSecrets(machine) ? ['--expose-secrets'] : [];
      const args = [
        'snapshot',
        ...documents.map(({ name }) => name),
        '--path.rootfs',
        folder,
        '--dotenv',
        join(folder, 'no-such-file'),
        ...secrets,
      ];
      const { stdout, stderr } = await apsnap(args, {
        env: { PATH: replayBin(folder) },
        uid: process.geteuid?.() === 0 ? 65534 : undefined,
      });
      assert.equal(stderr, '');
      const printed = (JSON.parse(stdout) as { documents: Record<string, { data: unknown; error: { code: string } | null }> }).documents;
      assert.deepEqual(
        Object.keys(printed),
        documents.map((document) => document.name),
      );
      for (const document of documents) {
        const expected = expectedOf(machine, slug(document));
        const { data, error } = printed[document.name] as { data: unknown; error: { code: string } | null };
        if ('error' in expected) {
          assert.deepEqual([data, error?.code], [null, expected.error?.code], document.name);
        } else {
          assert.deepEqual(lasting(data), lasting(expected.document), document.name);
        }
      }
    });
  }
});

function expectedOf(machine: Fixture, document: string): { document?: unknown; error?: { code: string } } {
  return JSON.parse(fixtureText(machine, `expected/${document}.json`)) as { document?: unknown; error?: { code: string } };
}

/** Returns a document without the fields that depend on the moment. */
function lasting(document: unknown): unknown {
  return JSON.parse(JSON.stringify(document), (name, value) => (OF_THE_MOMENT.test(name) ? undefined : value));
}
