// Faults that take long or need root: every collector hung in the kernel, one after the other, and a full disk.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { collectors } from '../../src/collectors/index.js';
import { apsnap } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { assertAllFresh, eachSecond, withPatient } from '../support/patient.js';
import { startServer } from '../support/server.js';

/** Splits a list into groups, one for each service that the tests break at the same time. */
function inGroups(list: readonly string[], amount: number): string[][] {
  return Array.from({ length: amount }, (_, group) => list.filter((_name, index) => index % amount === group));
}

describe('a collector that hangs in the kernel', { concurrency: true }, () => {
  const named = (heavy: boolean) => collectors.filter((one) => (one.lane === 'heavy') === heavy).map(({ name }) => name);
  // Each heavy collector takes a minute until the service abandons its thread.
  for (const some of [...inGroups(named(false), 5), ...named(true).map((name) => [name])]) {
    test(`is reported as failing and recovers, while the others stay fresh: ${some}`, { timeout: 300_000 }, () =>
      withPatient({ hooks: true, args: eachSecond(some.filter((name) => !named(true).includes(name as never))) }, async (patient) => {
        for (const name of some) {
          patient.suspect(name);
          await patient.control({ faults: { [name]: 'block' } });
          patient.touch(name);
          await patient.until(name, 'failing', /no result within \d+ ms: the thread was abandoned/, 90_000);
          await patient.control({});
          patient.unblock();
          await patient.until(name, 'ok');
          await eventually(() => assertAllFresh(patient));
          patient.suspect();
        }
      }),
    );
  }
});

describe('a full disk', () => {
  const disk = mkdtempSync(join(tmpdir(), 'apsnap-full-'));
  const dotenv = join(disk, '.env');
  const mount = (options: string) => execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', disk]);
  const fill = () => assert.throws(() => writeFileSync(join(disk, 'filling'), Buffer.alloc(1 << 20)), { code: 'ENOSPC' });

  before(() => mount('size=64k'));
  after(() => {
    execFileSync('umount', [disk]);
    rmSync(disk, { recursive: true });
  });

  test('a service without a key does not start, and doctor explains why', async () => {
    fill();
    const { status, stderr } = await apsnap(['--host', '127.0.0.1', '--port', '0', '--dotenv', dotenv]);
    assert.equal(status, 1);
    assert.match(stderr, /^apsnap: \S+\.env: the key cannot be written: the disk is full: ENOSPC; free some space [^\n]+\n$/);
    const doctor = await apsnap(['doctor', '--dotenv', dotenv]);
    assert.equal(doctor.status, 1);
    assert.match(doctor.stdout, /^key +failing .*\n +why: no key, and the disk of \S+ is full\n +do: {2}free some space/);
    assert.deepEqual(readdirSync(disk), ['filling'], 'nothing is left of the try');
    rmSync(join(disk, 'filling'));
    const server = await startServer({ dotenv });
    assert.match(readFileSync(dotenv, 'utf8'), /^RASPAP_API_KEY=[0-9a-z]{32}\n$/);
    assert.equal(await server.stop(), 0);
  });

  test('a new key is not written, and the old file stays unchanged', async () => {
    // Larger than a page, so that a part of it would fit.
    const old = `${'# somebody wrote this\n'.repeat(1_000)}RASPAP_API_KEY=a-key-of-32-characters-0123456789\n`;
    writeFileSync(dotenv, old);
    const server = await startServer({ dotenv });
    try {
      fill();
      // One page is free.
      writeFileSync(join(disk, 'filling'), readFileSync(join(disk, 'filling')).subarray(4096));
      const { status, stderr } = await apsnap(['key', 'generate', '--dotenv', dotenv]);
      assert.equal(status, 1);
      assert.match(stderr, /the disk is full: ENOSPC/);
      assert.equal(readFileSync(dotenv, 'utf8'), old, 'the old file is as it was');
      assert.deepEqual(readdirSync(disk).sort(), ['.env', 'filling']);
      assert.ok(existsSync(dotenv));
      assert.equal(server.process.exitCode, null, 'the service goes on');
    } finally {
      assert.equal(await server.stop(), 0);
    }
  });
});
