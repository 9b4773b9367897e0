// The Debian package and the units, judged by Debian's and systemd's own programs.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { version } from '../../src/version.js';
import { run } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { productionPackages, readLockFile } from '../support/production.js';
import { startServer } from '../support/server.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const SYSTEMD = join(ROOT, 'systemd');
/** lintian and xz take seconds, on a busy machine half a minute. */
const SLOW_MS = 180_000;

let folder: string;
let deb: string;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'apsnap-package-'));
  const { status, stdout, stderr } = await run(process.execPath, [join(ROOT, 'dist/scripts/package.js')], { cwd: ROOT, withinMs: SLOW_MS });
  assert.equal(status, 0, stderr);
  deb = stdout.trim();
});

after(() => rmSync(folder, { recursive: true, force: true }));

describe('package', () => {
  test('lintian finds no error', async () => {
    const { status, stdout, stderr } = await run('lintian', ['--fail-on', 'error', deb], { withinMs: SLOW_MS });
    assert.equal(status, 0, stdout + stderr);
  });

  test('is called after its version, and has what it should', async () => {
    assert.ok(deb.endsWith(`/build/apsnap_${version}_all.deb`), deb);
    const { stdout } = await run('dpkg-deb', ['--contents', deb]);
    for (const name of [
      ...readdirSync(SYSTEMD)
        .filter((unit) => !unit.endsWith('.xml'))
        .map((unit) => `/usr/lib/systemd/system/${unit}`),
      '/etc/avahi/services/apsnap.service',
      '/etc/default/apsnap',
      '/usr/bin/apsnap',
      '/usr/share/bash-completion/completions/apsnap',
      '/usr/share/man/man8/apsnap.8.gz',
    ])
      assert.match(stdout, new RegExp(` \\.${name.replaceAll('.', '\\.')}(?: |$)`, 'm'));
    assert.doesNotMatch(stdout, /\.env\b|\.map$|\.test\.js/m);
    assert.match((await run('dpkg-deb', ['--field', deb, 'Version'])).stdout, new RegExp(`^${version}$`, 'm'));
  });

  test('made again, is the same to the byte', async () => {
    const first = readFileSync(deb);
    assert.equal((await run(process.execPath, [join(ROOT, 'dist/scripts/package.js')], { cwd: ROOT, withinMs: SLOW_MS })).status, 0);
    assert.ok(first.equals(readFileSync(deb)));
  });
});

test('the bill of materials has every production package, and marks the others as development', async () => {
  const args = ['sbom', '--package-lock-only', '--sbom-format=cyclonedx'];
  const { stdout } = await run('npm', args, { cwd: ROOT, env: { HOME: folder }, withinMs: SLOW_MS });
  const { components } = JSON.parse(stdout) as { components: { 'bom-ref': string; properties?: { name: string }[] }[] };
  const isDevelopment = ({ properties = [] }: (typeof components)[number]) => properties.some(({ name }) => name.endsWith(':development'));
  const production = new Set(components.filter((one) => !isDevelopment(one)).map((one) => one['bom-ref']));
  const missing = productionPackages(readLockFile()).filter(({ name, version: its }) => !production.has(`${name}@${its}`));
  assert.deepEqual(missing, []);
});

describe('units', () => {
  test('systemd understands them', async () => {
    for (const unit of readdirSync(SYSTEMD).filter((name) => !name.endsWith('.xml'))) {
      // no program of the package is here: another one stands for it
      const text = readFileSync(join(SYSTEMD, unit), 'utf8').replaceAll('/usr/bin/node', process.execPath);
      writeFileSync(join(folder, unit), text.replace(/^Documentation=.*\n/m, ''));
    }
    for (const unit of readdirSync(SYSTEMD).filter((name) => !name.endsWith('.xml'))) {
      const { status, stdout, stderr } = await run('systemd-analyze', ['verify', '--man=no', join(folder, unit)], {
        env: { SYSTEMD_UNIT_PATH: `${folder}:` },
      });
      assert.equal(`${status} ${stdout}${stderr}`, '0 ', unit);
    }
  });

  test('the service is exposed by 1.5 at most', async () => {
    const unit = join(folder, 'apsnap.service');
    copyFileSync(join(SYSTEMD, 'apsnap.service'), unit);
    const { status, stdout, stderr } = await run('systemd-analyze', ['security', '--offline=yes', '--threshold=15', '--no-pager', unit]);
    assert.equal(status, 0, stdout + stderr);
    assert.match(stdout, /Overall exposure level for apsnap\.service: (?:0\.\d|1\.[0-5]) /);
  });
});

test("what systemd-notify sends arrives as systemd expects it: ready, and the watchdog's pings", async () => {
  mkdirSync(join(folder, 'run'));
  const socket = join(folder, 'run/notify');
  const receiver = spawn('socat', ['-u', `UNIX-RECV:${socket}`, '-'], { stdio: ['ignore', 'pipe', 'inherit'] });
  let received = '';
  receiver.stdout.setEncoding('utf8').on('data', (text: string) => {
    received += text;
  });
  try {
    await eventually(() => assert.ok(readdirSync(join(folder, 'run')).includes('notify')));
    const server = await startServer({ env: { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '1000000' } });
    try {
      await eventually(() => assert.match(received, /READY=1/));
      await eventually(() => assert.match(received, /WATCHDOG=1/));
    } finally {
      await server.stop();
    }
  } finally {
    receiver.kill();
  }
});
