import { orUndefined, SourceError } from '../../errors.js';
import type { Machine } from '../../machine/machine.js';
import { collector } from '../../model/collector.js';
import type { MetricFamily } from '../../model/metrics.js';
import { integer, object } from '../../model/schema.js';

/** Mount tables, best first. The first is the machine's own, which only root may read; a sandboxed service has another. */
const MOUNT_TABLES = ['/proc/1/mountinfo', '/proc/self/mountinfo'];

/** Usage of the root file system. */
export const disk = collector({
  name: 'disk',
  summary: 'Usage of the root file system',
  trigger: 'schedule',
  schedule: '*/30 * * * * *',
  lane: 'quick',
  required: true,
  view: object({
    sizeBytes: integer('Size of the root file system.', 'bytes'),
    usedBytes: integer('Used space on the root file system.', 'bytes'),
    availableBytes: integer('Space on the root file system that users other than root can still use.', 'bytes'),
  }),
  absent: { sizeBytes: 0, usedBytes: 0, availableBytes: 0 },
  read(machine) {
    const stat = machine.fileSystem('/');
    const { bsize, blocks, bfree, bavail } = stat;
    if (blocks === 0) throw new SourceError('malformed', 'statfs /: the file system has no blocks');
    return {
      value: { sizeBytes: blocks * bsize, usedBytes: (blocks - bfree) * bsize, availableBytes: bavail * bsize },
      metrics: () => families(stat, readRootMount(machine)),
    };
  },
});

export interface RootMount {
  readonly device: string;
  readonly fstype: string;
  readonly readonly: boolean;
}

function families(
  { bsize, blocks, bfree, bavail, files, ffree }: ReturnType<Machine['fileSystem']>,
  mount: RootMount | undefined,
): MetricFamily[] {
  const labels = { device: mount?.device ?? '', fstype: mount?.fstype ?? '', mountpoint: '/' };
  const family = (name: string, help: string, value: number | undefined): MetricFamily => {
    const samples = value === undefined ? [] : [{ labels, value }];
    return { name: `node_filesystem_${name}`, help: `Filesystem ${help}`, type: 'gauge', samples };
  };
  return [
    family('size_bytes', 'size in bytes.', blocks * bsize),
    family('free_bytes', 'free space in bytes.', bfree * bsize),
    family('avail_bytes', 'space available to non-root users in bytes.', bavail * bsize),
    family('files', 'total file nodes.', files),
    family('files_free', 'total free file nodes.', ffree),
    family('readonly', 'read-only status.', mount && Number(mount.readonly)),
  ];
}

/** Reads what is mounted at `/`. Returns undefined if no table lists it: usage is known without it. */
function readRootMount(machine: Machine): RootMount | undefined {
  for (const table of MOUNT_TABLES) {
    const mount = orUndefined(() => parseRootMount(machine.readText(table)));
    if (mount) return mount;
  }
  return undefined;
}

/**
 * Parses the line of `/` in a mount table, proc_pid_mountinfo(5). Of several mounts on top of each other, the last one counts.
 *
 *     22 1 179:2 / / rw,noatime shared:1 - ext4 /dev/mmcblk0p2 rw
 *
 * The file system's own options, which come last, tell whether it is read-only, as a card with errors is. The mount's options
 * may describe the sandbox that the service runs in.
 */
export function parseRootMount(text: string): RootMount | undefined {
  const lines = [...text.matchAll(/^\d+ \d+ \S+ \S+ \/ (.*)$/gm)];
  const match = / - (\S{1,255}) (\S{1,4096}) (\S+)$/.exec(lines.at(-1)?.[1]?.slice(-10_000) ?? '');
  if (!match) return undefined;
  const [, fstype = '', device = '', options = ''] = match;
  return { device: unescapeMount(device), fstype: unescapeMount(fstype), readonly: options.split(',').includes('ro') };
}

/** Decodes blanks and backslashes, which are three octal digits: `\040`. */
function unescapeMount(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
