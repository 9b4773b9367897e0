/** Fixtures as real folders, with programs that replay what they recorded: for tests of the service and of whole programs. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ArchiveEntries } from './archive.js';
import type { Fixture } from './fixture.js';

let scratch: string | undefined;
let folders = 0;
/** Folders below `scratch` that must be made readable again before it can be removed. */
const closedFolders: string[] = [];

/** Creates a folder that every user may enter. It is removed when the process ends. */
function newFolder(): string {
  if (scratch === undefined) {
    const created = mkdtempSync(join(tmpdir(), 'apsnap-fixture-'));
    process.once('exit', () => {
      for (const path of closedFolders) chmodSync(path, 0o700);
      rmSync(created, { recursive: true, force: true });
    });
    chmodSync(created, 0o755);
    scratch = created;
  }
  const folder = join(scratch, String(folders++));
  mkdirSync(folder);
  return folder;
}

const unpacked = new Map<string, string>();

/**
 * Unpacks a fixture once per process.
 *
 * @returns the folder, which is the machine's root
 */
export function unpackFixture({ file, archive }: Fixture): string {
  const folder = unpacked.get(file) ?? newFolder();
  if (!unpacked.has(file)) unpackInto(folder, archive.entries);
  unpacked.set(file, folder);
  return folder;
}

/** Writes the entries of an archive below a folder. */
export function unpackInto(folder: string, entries: ArchiveEntries): void {
  for (const [path, entry] of entries) {
    const target = join(folder, path);
    mkdirSync(dirname(target), { recursive: true });
    if (entry.kind === 'link') {
      rmSync(target, { force: true });
      symlinkSync(entry.target, target);
    } else if (entry.kind === 'folder') mkdirSync(target, { recursive: true });
    else writeFileSync(target, entry.bytes, { mode: entry.unreadable ? 0 : 0o644 });
  }
  for (const [path, entry] of entries) {
    if (entry.kind !== 'folder' || !entry.unreadable) continue;
    chmodSync(join(folder, path), 0);
    closedFolders.push(join(folder, path));
  }
}

const bins = new Map<string, string>();

/**
 * Creates a folder for PATH that has every recorded program of an unpacked fixture. Each prints what was recorded for its arguments,
 * or ends with status 127.
 *
 * @param folder an unpacked fixture
 */
export function replayBin(folder: string): string {
  const known = bins.get(folder);
  if (known) return known;
  const bin = newFolder();
  bins.set(folder, bin);
  const recorded = join(folder, 'cmd');
  const names = existsSync(recorded) ? readdirSync(recorded) : [];
  for (const program of new Set(names.map((name) => name.split(' ', 1)[0] ?? ''))) {
    // The environment of a program has only PATH and LC_ALL, so the script names the recording.
    const script = `#!/bin/sh
said='${join(recorded, program).replaceAll("'", "'\\''")}'
[ $# -eq 0 ] || said="$said $*"
[ -f "$said" ] || { echo "not recorded: \${said##*/}" >&2; exit 127; }
/bin/cat "$said"
[ ! -f "$said.stderr" ] || /bin/cat "$said.stderr" >&2
[ ! -f "$said.status" ] || exit "$(/bin/cat "$said.status")"
`;
    writeFileSync(join(bin, program), script, { mode: 0o755 });
  }
  return bin;
}
