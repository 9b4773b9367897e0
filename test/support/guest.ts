/** A virtual access point: Debian in qemu with simulated radios, hostapd, dnsmasq and clients. Its parts are in test/vm. */
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Ended } from './cli.js';
import { REPOSITORY } from './prometheus.js';

const SOURCE = fileURLToPath(new URL('../../../test/vm', import.meta.url));
const CACHE = process.env.APSNAP_VM_CACHE || join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'apsnap-vm');
const BUILD_MS = 600_000;
const BOOT_MS = 150_000;
const JOB_MS = 400_000;
/** The service's port in the guest. */
const PORT = 8081;

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export interface Guest {
  /** The URL that leads to port 8081 of the guest. */
  readonly url: string;
  /** Runs a line of bash in the guest, as root. */
  run(line: string, withinMs?: number): Promise<Ended>;
  /**
   * The same, of a line that must succeed.
   *
   * @returns what it printed, without the end of the last line
   */
  sh(line: string, withinMs?: number): Promise<string>;
  /** @returns the path of a copy of the file, in the guest */
  give(file: string): string;
  stop(): Promise<void>;
}

/** Builds the package. Returns its path. */
export async function makePackage(): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [join(REPOSITORY, 'dist/scripts/package.js')], { cwd: REPOSITORY });
  return stdout.trim();
}

/** Client `number`, from 1, as `guest/up` makes it. */
export const macOf = (number: number): string => `02:00:00:00:${(number + 1).toString(16).padStart(2, '0')}:00`;

/**
 * Boots a guest, its access points with nobody there yet. The disk is made if it is not there, in about a minute; what is written to it is lost.
 *
 * @param mostClients for how many clients it needs memory
 */
export async function bootGuest(mostClients = 4): Promise<Guest> {
  execFileSync(join(SOURCE, 'build'), [CACHE], { stdio: ['ignore', 'inherit', 'inherit'], timeout: BUILD_MS });
  const folder = mkdtempSync(join(tmpdir(), 'apsnap-guest-'));
  mkdirSync(join(folder, 'jobs'));
  cpSync(join(SOURCE, 'guest'), join(folder, 'guest'), { recursive: true });
  const port = await freePort();
  const qemu = startQemu(folder, port, 768 + 12 * mostClients);
  const console = () => {
    const text = existsSync(join(folder, 'console')) ? readFileSync(join(folder, 'console'), 'utf8') : '';
    return `the guest's console ends with: ${text.slice(-2_000)}`;
  };

  async function appears(file: string, withinMs: number, what: string): Promise<void> {
    const deadlineMs = performance.now() + withinMs;
    while (!existsSync(file)) {
      if (qemu.exitCode !== null || qemu.signalCode !== null) throw new Error(`${what}: the guest has ended; ${console()}`);
      if (performance.now() > deadlineMs) throw new Error(`${what}: not done after ${withinMs / 1000} s; ${console()}`);
      await sleep(20);
    }
  }

  let jobs = 0;
  async function run(line: string, withinMs = JOB_MS): Promise<Ended> {
    const job = join(folder, 'jobs', String(++jobs));
    mkdirSync(job);
    writeFileSync(join(job, 'script'), `cd /root\n${line}\n`);
    writeFileSync(join(job, 'ready'), '');
    await appears(join(job, 'status'), withinMs, line);
    const [status, stdout, stderr] = ['status', 'out', 'err'].map((name) => readFileSync(join(job, name), 'utf8'));
    rmSync(job, { recursive: true });
    return { status: Number(status), stdout: stdout ?? '', stderr: stderr ?? '' };
  }

  async function stop(): Promise<void> {
    if (qemu.exitCode === null && qemu.signalCode === null) {
      const ended = once(qemu, 'exit');
      writeFileSync(join(folder, 'halt'), '');
      const deadline = setTimeout(() => qemu.kill('SIGKILL'), 10_000);
      await ended;
      clearTimeout(deadline);
    }
    rmSync(folder, { recursive: true, force: true });
  }

  try {
    await appears(join(folder, 'up'), BOOT_MS, 'boot');
  } catch (error) {
    qemu.kill('SIGKILL');
    throw error;
  }
  return {
    url: `http://127.0.0.1:${port}`,
    run,
    async sh(line, withinMs) {
      const { status, stdout, stderr } = await run(line, withinMs);
      if (status !== 0) throw new Error(`${line}: ended with ${status}: ${stderr || stdout}`);
      return stdout.trimEnd();
    },
    give(file) {
      const name = basename(file);
      cpSync(file, join(folder, `${name}.new`));
      renameSync(join(folder, `${name}.new`), join(folder, name));
      return `/share/${name}`;
    },
    stop,
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Returns true if a stock kernel starts with KVM: the processor must support virtualisation, and not every /dev/kvm means that. */
export function canUseKvm(): boolean {
  return existsSync('/dev/kvm') && /\b(?:svm|vmx)\b/.test(readFileSync('/proc/cpuinfo', 'utf8'));
}

function startQemu(folder: string, port: number, megabytes: number): ChildProcess {
  const command = [
    // The guest ends if the tests are killed.
    ...['setpriv', '--pdeathsig', 'KILL', 'qemu-system-x86_64'],
    ...['-machine', 'q35,vmport=off,usb=off', '-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
    ...(canUseKvm() ? ['-accel', 'kvm', '-cpu', 'host'] : ['-accel', 'tcg,thread=multi,tb-size=384', '-cpu', 'max,la57=off']),
    ...['-smp', '2', '-m', String(megabytes), '-rtc', 'base=utc', '-device', 'virtio-rng-pci'],
    ...['-kernel', join(CACHE, 'vmlinux'), '-initrd', join(CACHE, 'initrd.gz'), '-append'],
    'console=ttyS0 quiet loglevel=4 panic=-1 mitigations=off nokaslr tsc=reliable random.trust_cpu=on net.ifnames=0 audit=0 systemd.show_status=0 rw',
    ...['-drive', `file=${join(CACHE, 'root.ext4')},format=raw,if=none,id=disk,snapshot=on,cache=unsafe`],
    ...['-device', 'virtio-blk-pci,drive=disk', '-device', 'virtio-net-pci,netdev=net,romfile='],
    // Only this port leads into the guest, and nothing leads out.
    ...['-netdev', `user,id=net,restrict=on,ipv6=off,hostfwd=tcp:127.0.0.1:${port}-:${PORT}`],
    ...['-virtfs', `local,path=${folder},mount_tag=share,security_model=none,multidevs=remap`],
    ...['-serial', `file:${join(folder, 'console')}`],
  ];
  const qemu = spawn('nice', ['-n', process.env.APSNAP_VM_NICE || '0', ...command], {
    // snapshot=on writes changes there.
    env: { ...process.env, TMPDIR: folder },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  running.add(qemu);
  qemu.once('exit', () => running.delete(qemu));
  return qemu;
}
