/** The machine in memory behaves like a real folder with real programs: both answer every question about the same archive alike. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { SourceError } from '../../src/errors.js';
import { createMachine, type Machine } from '../../src/machine/machine.js';
import { parseArchive } from '../support/archive.js';
import { createMemoryMachine } from '../support/memory-machine.js';
import { asNobody } from '../support/nobody.js';
import { replayBin, unpackFixture } from '../support/unpack.js';

const archive = parseArchive(`-- cmd/iw dev --
phy#0
-- cmd/iw dev wlan0 station dump --
-- cmd/iw dev wlan0 station dump.stderr --
nl80211 not found.
second line
-- cmd/iw dev wlan0 station dump.status --
1
-- cmd/vcgencmd get_throttled --
VCHI initialization failed
-- cmd/vcgencmd get_throttled.status (no newline at end) --
255
-- etc/file --
one
two
-- etc/bytes (escaped) (no newline at end) --
\\xff\\x00\\r
-- etc/empty --
-- etc/folder/ --
-- etc/secret (unreadable) --
secret
-- etc/closed/ (unreadable) --
-- etc/closed/inside --
inside
-- etc/link -> file --
-- etc/absolute -> /etc/../etc/link --
-- etc/up -> folder/../../etc/bytes --
-- etc/dangling -> nowhere --
-- etc/circle -> circle --
-- etc/linked-folder -> /etc --
`);

const folder = unpackFixture({ subject: 'machines', name: 'contract', file: 'contract', archive });
execFileSync('mkfifo', [join(folder, 'etc/fifo')]);
const bin = replayBin(folder);
const real = createMachine({ rootfs: folder, path: bin });
const memory = createMemoryMachine([...archive.entries, ['etc/fifo', { kind: 'fifo' }]]);

const paths = [
  '/',
  ...['file', 'bytes', 'empty', 'folder', 'secret', 'closed', 'closed/inside', 'link', 'absolute', 'up', 'dangling', 'circle'],
  ...['linked-folder', 'linked-folder/file', 'linked-folder/link', 'fifo', 'missing', 'missing/deeper', 'file/deeper', './folder/../file'],
].map((path) => (path === '/' ? path : `/etc/${path}`));

const questions: Readonly<Record<string, (machine: Machine, path: string) => unknown>> = {
  readText: (machine, path) => machine.readText(path),
  'readText with a limit': (machine, path) => machine.readText(path, 3),
  readTextIfThere: (machine, path) => machine.readTextIfThere(path),
  readBytes: (machine, path) => machine.readBytes(path).toString('hex'),
  readInPieces: (machine, path) =>
    machine.readInPieces(path, 8, (size, pieces) => [size, Buffer.concat([...pieces].map((piece) => Buffer.from(piece))).toString('hex')]),
  'readTail of 4 bytes': (machine, path) => {
    const { bytes, cut } = machine.readTail(path, 4);
    return [bytes.toString('hex'), cut];
  },
  list: (machine, path) => machine.list(path).sort(),
  entries: (machine, path) => [...machine.entries(path)].sort(([a], [b]) => (a < b ? -1 : 1)),
  exists: (machine, path) => machine.exists(path),
  readLink: (machine, path) => machine.readLink(path),
  'whether fingerprint finds it': (machine, path) => machine.fingerprint(path).changedMs > 0,
};

/** The answer, or the error with paths as the machine sees them. */
function answer(ask: () => unknown): unknown {
  try {
    return asNobody(ask);
  } catch (error) {
    return failure(error);
  }
}

function failure(error: unknown): unknown {
  if (!(error instanceof SourceError)) throw error;
  return { code: error.code, message: error.message.replaceAll(folder, '') };
}

describe('a machine in memory', () => {
  for (const [question, ask] of Object.entries(questions)) {
    for (const path of paths) {
      // access(2) asks for the real user, who is root here.
      if (question === 'exists' && path === '/etc/closed/inside' && process.getuid?.() === 0) continue;
      test(`answers ${question} of ${path} like a folder`, () => {
        assert.deepEqual(
          answer(() => ask(memory, path)),
          answer(() => ask(real, path)),
        );
      });
    }
  }

  for (const line of ['iw dev', 'iw dev wlan0 station dump', 'iw reg get', 'vcgencmd get_throttled', 'ip -j addr']) {
    test(`answers ${line} like a program`, async () => {
      const [program = '', ...args] = line.split(' ');
      assert.deepEqual(await memory.run(program, args).catch(failure), await asNobody(() => real.run(program, args)).catch(failure));
    });
  }
});
