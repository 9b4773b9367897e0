// Detection of changes to the files that a sample has read.
import assert from 'node:assert/strict';
import { chmodSync, linkSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isUnchanged, type Reads, recordReads } from '../../../src/engine/change-detection.js';
import { createMachine, type Machine } from '../../../src/machine/machine.js';
import { asNobody } from '../../support/nobody.js';

const scratch = mkdtempSync(join(tmpdir(), 'apsnap-reads-'));
chmodSync(scratch, 0o755);
after(() => rmSync(scratch, { recursive: true, force: true }));
let folders = 0;

/** Longer than the time in which the kernel's clock can hide a second change. */
const SETTLED_MS = 80;

/** Creates a machine with a root of its own, whose folder `etc` has a file, a link to it and a dangling link. */
async function newFolder() {
  const root = join(scratch, String(++folders));
  mkdirSync(join(root, 'etc'), { recursive: true });
  writeFileSync(join(root, 'etc/file'), 'one\n');
  symlinkSync('file', join(root, 'etc/link'));
  symlinkSync('nowhere', join(root, 'etc/dangling'));
  await sleep(SETTLED_MS);
  return { root, machine: createMachine({ rootfs: root, path: '' }), at: (path: string) => join(root, 'etc', path) };
}

/** Records what a sample reads. */
function readsOf(machine: Machine, read: (machine: Machine) => unknown, nowMs = Date.now()): Reads {
  const recording = recordReads(machine, nowMs);
  read(recording.machine);
  return JSON.parse(JSON.stringify(recording.reads())) as Reads;
}

type Folder = Awaited<ReturnType<typeof newFolder>>;

/** Changes by name, each with the read that the earlier sample has done. */
const changes: Readonly<Record<string, { read(machine: Machine): unknown; change(folder: Folder): unknown }>> = {
  content: { read: (machine) => machine.readText('/etc/file'), change: ({ at }) => writeFileSync(at('file'), 'three\n') },
  'content of the same size, with its time put back': {
    read: (machine) => machine.readText('/etc/file'),
    change({ at }) {
      const { atime, mtime } = statSync(at('file'));
      writeFileSync(at('file'), 'two\n');
      utimesSync(at('file'), atime, mtime);
    },
  },
  'content, by way of a link': {
    read: (machine) => machine.readBytes('/etc/link'),
    change: ({ at }) => writeFileSync(at('file'), 'two\n'),
  },
  'rename over it': {
    read: (machine) => machine.readInPieces('/etc/file', 100, (_size, pieces) => [...pieces]),
    change({ at }) {
      writeFileSync(at('new'), 'one\n');
      renameSync(at('new'), at('file'));
    },
  },
  permissions: { read: (machine) => machine.readTail('/etc/file', 10), change: ({ at }) => chmodSync(at('file'), 0o600) },
  removal: { read: (machine) => machine.readText('/etc/file'), change: ({ at }) => rmSync(at('file')) },
  'making of a file that was not there': {
    read: (machine) => machine.readTextIfThere('/etc/none'),
    change: ({ at }) => writeFileSync(at('none'), ''),
  },
  'making of a file that was looked for': {
    read: (machine) => machine.exists('/etc/none'),
    change: ({ at }) => writeFileSync(at('none'), ''),
  },
  'new name in a folder': { read: (machine) => machine.list('/etc'), change: ({ at }) => writeFileSync(at('new'), '') },
  'removed name in a folder': { read: (machine) => machine.entries('/etc'), change: ({ at }) => rmSync(at('link')) },
  'folder that was not there': { read: (machine) => machine.list('/etc/none'), change: ({ at }) => mkdirSync(at('none')) },
  'folder removed and made again': {
    read: (machine) => machine.readText('/etc/file'),
    change({ root, at }) {
      rmSync(join(root, 'etc'), { recursive: true });
      mkdirSync(join(root, 'etc'));
      writeFileSync(at('file'), 'one\n');
    },
  },
  'link to another file': {
    read: (machine) => machine.readText('/etc/link'),
    change({ at }) {
      writeFileSync(at('other'), 'one\n');
      rmSync(at('link'));
      symlinkSync('other', at('link'));
    },
  },
  'link to another name of the file': {
    read: (machine) => machine.readLink('/etc/link'),
    change({ at }) {
      linkSync(at('file'), at('other'));
      rmSync(at('link'));
      symlinkSync('other', at('link'));
    },
  },
  'link that leads nowhere, elsewhere': {
    read: (machine) => machine.readLink('/etc/dangling'),
    change({ at }) {
      rmSync(at('dangling'));
      symlinkSync('nowhere-else', at('dangling'));
    },
  },
  'link in place of a file': {
    read: (machine) => machine.readLink('/etc/file'),
    change({ at }) {
      renameSync(at('file'), at('other'));
      symlinkSync('other', at('file'));
    },
  },
};

describe('change detection', { concurrency: true }, () => {
  for (const [name, { read, change }] of Object.entries(changes)) {
    test(`a change after the sample is noticed: ${name}`, async () => {
      const here = await newFolder();
      const reads = readsOf(here.machine, (machine) => {
        try {
          read(machine);
        } catch {
          // a read is recorded whether it succeeds or fails
        }
      });
      assert.equal(isUnchanged(here.machine, reads), true, 'before');
      change(here);
      assert.equal(isUnchanged(here.machine, reads), false, 'after');
    });
  }

  test('a file that was written just before it was read counts as changed', async () => {
    const { machine, at } = await newFolder();
    writeFileSync(at('file'), 'two\n');
    const reads = readsOf(machine, (recording) => recording.readText('/etc/file'));
    assert.equal(isUnchanged(machine, reads), false, 'it may have been written again in the same tick');
    await sleep(SETTLED_MS);
    assert.equal(
      isUnchanged(
        machine,
        readsOf(machine, (recording) => recording.readText('/etc/file')),
      ),
      true,
    );
  });

  test('the check reads no file content, only fingerprints and links', async () => {
    const { machine } = await newFolder();
    const reads = readsOf(machine, (recording) => {
      recording.readText('/etc/file');
      recording.list('/etc');
      recording.readLink('/etc/link');
      recording.readTextIfThere('/etc/none');
    });
    const read: string[] = [];
    const spy = new Proxy(machine, {
      get(target, name: keyof Machine) {
        read.push(name);
        return target[name];
      },
    });
    assert.equal(isUnchanged(spy, reads), true);
    assert.deepEqual([...new Set(read)].sort(), ['fingerprint', 'readLink']);
  });

  test('a file that has become unreadable counts as changed', async () => {
    const { machine, at, root } = await newFolder();
    const reads = readsOf(machine, (recording) => recording.readText('/etc/file'));
    chmodSync(at('file'), 0);
    asNobody(() => {
      assert.equal(isUnchanged(machine, reads), false);
      assert.throws(() => machine.readText('/etc/file'), { code: 'permission' });
    });
    chmodSync(at('file'), 0o644);
    await sleep(SETTLED_MS);
    const again = readsOf(machine, (recording) => recording.readText('/etc/file'));
    chmodSync(join(root, 'etc'), 0);
    asNobody(() => assert.equal(isUnchanged(machine, again), false, 'its folder may not be entered'));
    chmodSync(join(root, 'etc'), 0o755);
  });
});
