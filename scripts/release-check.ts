/**
 * `npm run release:check`: installs build/apsnap_VERSION_all.deb in clean Debian roots, starts the service there and sends requests;
 * then upgrades, removes and purges it. It needs root and debootstrap. No systemd runs in such a root, so maintainer scripts must
 * work without it.
 *
 *     node dist/scripts/release-check.js [SUITE...]     bookworm, which has Node 18, and trixie, which has 20
 *
 * Each suite's root is made once in APSNAP_ROOTS (/var/cache/apsnap-roots), and copied for each check.
 */
import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { wholeMachine } from '../test/support/fixture.js';
import { unpackFixture, unpackInto } from '../test/support/unpack.js';
import { cleanRoot } from './debian-root.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const START_MS = 60_000;
/** The machine to sample, in the root: nothing is mounted there, not even /proc. */
const MACHINE = '/root/machine';
/** The environment in a root. Nothing of this machine's environment applies there. */
const ENVIRONMENT = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root', DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' };

const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
const suites = process.argv.length > 2 ? process.argv.slice(2) : ['bookworm', 'trixie'];
for (const suite of suites) await checkIn(suite);
await checkContainer(suites[0] ?? '');

async function checkIn(suite: string): Promise<void> {
  const clean = cleanRoot(suite);
  const root = mkdtempSync(join(tmpdir(), `apsnap-${suite}-`));
  const inRoot = (...command: string[]) =>
    execFileSync('chroot', [root, ...command], { encoding: 'utf8', env: ENVIRONMENT, stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    execFileSync('cp', ['-a', `${clean}/.`, root]);
    const deb = `apsnap_${version}_all.deb`;
    copyFileSync(join(ROOT, 'build', deb), join(root, 'root', deb));
    unpackInto(join(root, MACHINE), wholeMachine('raspap-pi4').archive.entries);

    inRoot('apt-get', '-qq', 'install', '-y', '--no-install-recommends', `/root/${deb}`);
    const key = inRoot('apsnap', 'key', 'show').trim();
    expect(/^[0-9a-z]{32}$/.test(key), 'the installation generates a key');
    expect((statSync(join(root, 'etc/apsnap/.env')).mode & 0o777) === 0o600, 'only root may read the key');
    expect(inRoot('apsnap', '--version').trim() === version, 'apsnap --version says what package.json says');
    expect(existsSync(join(root, 'etc/systemd/system/multi-user.target.wants')), 'the service is enabled');
    const command = ['/usr/bin/apsnap', 'serve', '--host', '127.0.0.1', '--port', '0', '--path.rootfs', MACHINE];
    await askService(spawn('chroot', [root, ...command], { env: ENVIRONMENT }), key);

    writeFileSync(join(root, 'etc/default/apsnap'), 'APSNAP_PORT=9000\n');
    inRoot('apt-get', '-qq', 'install', '-y', '--reinstall', `/root/${deb}`);
    expect(inRoot('apsnap', 'key', 'show').trim() === key, 'an upgrade keeps the key');
    expect(readFileSync(join(root, 'etc/default/apsnap'), 'utf8') === 'APSNAP_PORT=9000\n', 'an upgrade keeps the settings');
    inRoot('dpkg', '--remove', 'apsnap');
    expect(existsSync(join(root, 'etc/apsnap/.env')), 'removing keeps the key');
    inRoot('dpkg', '--purge', 'apsnap');
    const left = ['etc/apsnap', 'etc/default/apsnap', 'usr/share/apsnap', 'var/lib/apsnap', 'etc/systemd/system/restapi.service'];
    for (const name of left) expect(!existsSync(join(root, name)), `purging leaves no /${name}`);
    process.stdout.write(
      `${suite}: apsnap ${version} installs, responds on Node ${inRoot('node', '--version').trim()}, upgrades and uninstalls\n`,
    );
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** Builds the container on a suite's root, without a registry or a daemon, and sends requests to the service in it. */
async function checkContainer(suite: string): Promise<void> {
  const storage = mkdtempSync(join(tmpdir(), 'apsnap-container-'));
  const env = { ...ENVIRONMENT, BUILDAH_ISOLATION: 'chroot' };
  const places = ['--storage-driver', 'vfs', '--root', join(storage, 'images'), '--runroot', join(storage, 'run')];
  const buildah = (...words: string[]) =>
    execFileSync('buildah', [...places, ...words], { encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'pipe'] }).trim();
  try {
    const base = buildah('from', 'scratch');
    buildah('add', '--quiet', base, cleanRoot(suite), '/');
    buildah('commit', '--quiet', '--rm', base, 'localhost/base');
    buildah('bud', '--quiet', '--format', 'docker', '--build-arg', 'BASE=localhost/base', '--tag', 'localhost/apsnap', ROOT);
    const made = buildah('from', 'localhost/apsnap');
    const machine = `${unpackFixture(wholeMachine('raspap-pi4'))}:/host:ro`;
    const key = 'a0key0of0the0container0alone0000';
    const run = ['run', '--volume', machine, '--env', `RASPAP_API_KEY=${key}`, made, '--'];
    const command = ['/usr/bin/node', '/usr/share/apsnap/dist/src/main.js', 'serve', '--host', '127.0.0.1', '--port', '0'];
    expect(buildah('run', made, '--', 'id', '-u') === '65534', 'the container does not run as root');
    await askService(spawn('buildah', [...places, ...run, ...command], { env }), key);
    process.stdout.write(`container: apsnap ${version} responds\n`);
  } finally {
    buildah('rm', '--all');
    rmSync(storage, { recursive: true, force: true });
  }
}

/** Waits for a service to start, sends requests that use each part of the bundle, and ends it. */
async function askService(child: ChildProcessWithoutNullStreams, key: string): Promise<void> {
  try {
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    const address = () => /http:\/\/127\.0\.0\.1:\d+/.exec(output)?.[0];
    for (const endMs = Date.now() + START_MS; !address(); await sleep(50))
      expect(child.exitCode === null && Date.now() < endMs, `the service listens: ${output}`);
    const get = (path: string, init: RequestInit = {}) =>
      fetch(`${address()}${path}`, { ...init, headers: { ...init.headers, access_token: key } });
    for (const endMs = Date.now() + START_MS; (await get('/system')).status !== 200; await sleep(50))
      expect(Date.now() < endMs, '/system responds');

    const system = (await (await get('/system')).json()) as { processorCount?: unknown };
    expect(typeof system.processorCount === 'number', '/system has a number of processors');
    expect((await fetch(`${address()}/system`)).status === 403, 'a request without the key gets 403');
    const page = await (await get('/docs')).text();
    const scripts = [...page.matchAll(/(?:src|href)="(docs\/[^"]+)"/g)].map(([, path]) => `/${path}`);
    expect(scripts.length >= 3, '/docs names its files');
    const dashboard = await (await get('/')).text();
    const assets = [...dashboard.matchAll(/(?:src|href)="(assets\/[^"]+)"/g)].map(([, path]) => `/${path}`);
    expect(assets.length >= 3, 'the dashboard names its files');
    for (const path of ['/metrics', '/snapshot', '/history', '/openapi.json', ...scripts, ...assets])
      expect((await get(path)).status === 200, `${path} responds`);
    const refreshed = await get('/snapshot/refresh', {
      method: 'POST',
      body: '{"documents":["system"]}',
      headers: { 'content-type': 'application/json' },
    });
    expect(refreshed.status === 200, 'POST /snapshot/refresh responds');
    expect(!output.includes('ERROR'), `the log has no error: ${output}`);
  } finally {
    child.kill('SIGTERM');
  }
}

function expect(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(`${basename(process.argv[1] ?? '')}: failed: ${what}`);
}
