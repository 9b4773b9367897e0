/** Clean roots of Debian's suites, each with the suite's own Node. They need root and debootstrap. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';

const ROOTS = process.env.APSNAP_ROOTS ?? '/var/cache/apsnap-roots';

/** Returns a root with a suite of Debian and its Node. Makes it first if necessary. */
export function cleanRoot(suite: string): string {
  const root = join(ROOTS, suite);
  if (existsSync(root)) return root;
  const making = `${root}.${process.pid}`;
  mkdirSync(ROOTS, { recursive: true });
  process.stderr.write(`${suite}: making a root\n`);
  const mirror = process.env.APSNAP_DEBIAN_MIRROR ?? 'http://deb.debian.org/debian';
  execFileSync('debootstrap', ['--variant=minbase', '--include=nodejs', suite, making, mirror], { stdio: ['ignore', 'ignore', 'inherit'] });
  renameSync(making, root);
  return root;
}
