/**
 * `npm run package`: builds the Debian package build/apsnap_VERSION_all.deb from the bundle, the units in systemd/ and the scripts in
 * packaging/debian/. It needs dpkg-deb.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { type Bundled, bundle } from './bundle.js';
import { completion, manual } from './manual.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const PROGRAM = 'usr/share/apsnap';
const MAINTAINER = 'The apsnap authors <maintainers@apsnap.dev>';
/** Unix time of the files in the package: that of the last commit, so that the same source gives the same package. */
const SOURCE_DATE = Number(
  process.env.SOURCE_DATE_EPOCH ?? execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: ROOT, encoding: 'utf8' }),
);

const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
const source = (name: string) => readFileSync(join(ROOT, name), 'utf8');

const tree = mkdtempSync(join(tmpdir(), 'apsnap-deb-'));
try {
  const packages = await bundle(join(tree, PROGRAM));
  fill(packages);
  const file = join(ROOT, 'build', `apsnap_${version}_all.deb`);
  mkdirSync(dirname(file), { recursive: true });
  // Every Debian reads xz. Ubuntu's newer default is zstd.
  execFileSync('dpkg-deb', ['--root-owner-group', '-Zxz', '--build', tree, file], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, SOURCE_DATE_EPOCH: String(SOURCE_DATE) },
  });
  process.stdout.write(`${file}\n`);
} finally {
  rmSync(tree, { recursive: true });
}

function fill(packages: readonly Bundled[]): void {
  const main = join(tree, PROGRAM, 'dist/src/main.js');
  put(`${PROGRAM}/dist/src/main.js`, readFileSync(main, 'utf8').replace(/^#!.*/, '#!/usr/bin/node'), 0o755);
  mkdirSync(join(tree, 'usr/bin'), { recursive: true });
  symlinkSync('../share/apsnap/dist/src/main.js', join(tree, 'usr/bin/apsnap'));

  for (const unit of readdirSync(join(ROOT, 'systemd')).filter((name) => /\.(?:service|path)$/.test(name)))
    put(`usr/lib/systemd/system/${unit}`, source(`systemd/${unit}`));
  put('etc/avahi/services/apsnap.service', source('systemd/apsnap.avahi.xml'));
  put('etc/default/apsnap', source('packaging/debian/default'));
  mkdirSync(join(tree, 'etc/apsnap'), { recursive: true });

  put('usr/share/man/man8/apsnap.8.gz', gzipSync(manual(), { level: 9 }));
  put('usr/share/bash-completion/completions/apsnap', completion());

  const doc = 'usr/share/doc/apsnap';
  put(`${doc}/copyright`, copyright(packages));
  put(`${doc}/NEWS.gz`, gzipSync(source('CHANGELOG.md'), { level: 9 }));
  put(`${doc}/changelog.gz`, gzipSync(debianChangelog(), { level: 9 }));

  put('DEBIAN/conffiles', '/etc/avahi/services/apsnap.service\n/etc/default/apsnap\n');
  for (const script of ['postinst', 'prerm', 'postrm']) put(`DEBIAN/${script}`, source(`packaging/debian/${script}`), 0o755);
  const kilobytes = Math.ceil(sizeOf(tree) / 1024);
  put('DEBIAN/control', control(kilobytes));
  for (const folder of folders(tree)) chmodSync(folder, 0o755);
}

function put(name: string, content: string | Buffer, mode = 0o644): void {
  const file = join(tree, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  chmodSync(file, mode);
}

function control(kilobytes: number): string {
  return `Package: apsnap
Version: ${version}
Section: net
Priority: optional
Architecture: all
Depends: nodejs (>= 18.13)
Recommends: iproute2, iw
Suggests: avahi-daemon, hostapd, dnsmasq
Installed-Size: ${kilobytes}
Maintainer: ${MAINTAINER}
Description: REST API and dashboard for Linux access points
 Serves the connected clients with name, address, signal and throughput;
 load, temperature, memory, disk and power; access points, DHCP, DNS,
 firewall, VPN and every network interface, as JSON, for Prometheus and on a
 dashboard. Everything is sampled on a schedule and served from memory.
 .
 It replaces RaspAP's RestAPI. RaspAP itself is not needed.
`;
}

/** Returns the changelog in Debian's own format. The changes themselves are in NEWS. */
function debianChangelog(): string {
  const date = new Date(SOURCE_DATE * 1_000).toUTCString().replace('GMT', '+0000');
  return `apsnap (${version}) stable; urgency=medium\n\n  * Version ${version}: see NEWS.gz.\n\n -- ${MAINTAINER}  ${date}\n`;
}

/** Returns what is in the package, and its licences. Packages with the same text are listed together. */
function copyright(packages: readonly Bundled[]): string {
  const byText = new Map<string, Bundled[]>();
  for (const each of packages) {
    // Debian has this text on every machine.
    const text = each.license === 'Apache-2.0' ? 'The text is in /usr/share/common-licenses/Apache-2.0.' : each.text;
    byText.set(text, [...(byText.get(text) ?? []), each]);
  }
  const part = (title: string, text: string) => `${title}\n${'-'.repeat(70)}\n\n${text}\n`;
  const bundled = [...byText].map(([text, those]) =>
    part(those.map(({ name, version, license }) => `${name} ${version} (${license})`).join('\n'), text),
  );
  const intro = 'This package contains apsnap and the following npm packages. All are free software under the licences below.\n';
  return [part('apsnap (MIT)', source('LICENSE').trim()), intro, ...bundled].join('\n\n');
}

function folders(folder: string): string[] {
  const below = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [folder, ...below.flatMap((entry) => folders(join(folder, entry.name)))];
}

function sizeOf(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}
