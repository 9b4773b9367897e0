/**
 * `apsnap install` and `uninstall`: the service set up where no Debian package does it, say after `npm install -g`. The units are those
 * of systemd/, with the paths of this program in place of the package's.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StartError } from '../errors.js';
import { programFile } from '../program-files.js';

const UNITS = ['apsnap.service', 'apsnap.socket', 'apsnap-key.path', 'apsnap-key.service'];
/** Where the Debian package has Node and the program, as the units name them. */
const PACKAGED = { node: '/usr/bin/node', program: '/usr/share/apsnap/dist/src/main.js' };
/** Folders that the service may not see: ProtectHome= and PrivateTmp=. */
const HIDDEN = /^\/(?:home|root|run\/user|tmp|var\/tmp)\//;

export interface Place {
  /** The machine's root folder. */
  readonly root: string;
  /** Who asks: 0 is root. */
  readonly uid: number | undefined;
  /** The Node that is to run the service, and this program's first file. */
  readonly node: string;
  readonly program: string;
  /** Runs systemctl. @throws Error it fails */
  systemctl(...args: string[]): void;
  /** Tells what was done. */
  tell(line: string): void;
}

/** @returns this machine, and this program in it */
export function here(): Place {
  return {
    root: '/',
    uid: process.getuid?.(),
    node: realpathSync(process.execPath),
    program: realpathSync(process.argv[1] ?? ''),
    systemctl: (...args) => void execFileSync('systemctl', args, { stdio: ['ignore', 'ignore', 'pipe'] }),
    tell: (line) => void process.stdout.write(`${line}\n`),
  };
}

/**
 * Sets the service up and starts it; once more changes nothing that is as it should be, and restarts it.
 *
 * @throws StartError it may not, or not here
 */
export function install(place: Place): void {
  check('install', place);
  const { root, node, program, tell } = place;
  const hidden = [node, program].find((path) => HIDDEN.test(path));
  if (hidden)
    throw new StartError(
      `install: ${hidden}: the service may not see that folder: install Node and apsnap below /usr: sudo npm install -g`,
    );

  if (!existsSync(join(root, 'etc/raspap/api'))) mkdirSync(join(root, 'etc/apsnap'), { recursive: true });
  if (!existsSync(join(root, 'etc/default/apsnap')))
    write(place, 'etc/default/apsnap', readFileSync(programFile('packaging/debian/default')));
  takePlace(place);
  for (const unit of UNITS) {
    const text = readFileSync(programFile(`systemd/${unit}`), 'utf8')
      .replaceAll(PACKAGED.program, program)
      .replaceAll(`${PACKAGED.node} `, `${node} `);
    write(place, `etc/systemd/system/${unit}`, Buffer.from(text));
  }
  run(place, 'daemon-reload');
  run(place, 'enable', 'apsnap.service');
  run(place, 'restart', 'apsnap.service');
  tell('the service apsnap runs, and starts with the machine; its key: sudo apsnap key show');
}

/**
 * Ends the service and takes its files away; the key and the settings stay.
 *
 * @throws StartError it may not, or not here
 */
export function uninstall(place: Place): void {
  check('uninstall', place);
  const { root, tell } = place;
  const units = UNITS.filter((unit) => existsSync(join(root, 'etc/systemd/system', unit)));
  if (units.length === 0) {
    tell('there is no service apsnap');
    return;
  }
  run(place, 'disable', '--now', 'apsnap.socket', 'apsnap.service');
  for (const unit of units) {
    rmSync(join(root, 'etc/systemd/system', unit));
    tell(`removed /etc/systemd/system/${unit}`);
  }
  giveBack(place);
  tell('the key and /etc/default/apsnap stay');
}

function check(command: string, { root, uid }: Place): void {
  if (uid !== 0) throw new StartError(`${command}: only root may: sudo apsnap ${command}`);
  if (existsSync(join(root, 'var/lib/dpkg/info/apsnap.list')))
    throw new StartError(`${command}: the Debian package apsnap takes care of the service: see apt remove apsnap`);
  if (!existsSync(join(root, 'run/systemd/system'))) throw new StartError(`${command}: systemd does not run here`);
}

/** Writes a file, unless it is as it should be. */
function write({ root, tell }: Place, name: string, content: Buffer): void {
  const file = join(root, name);
  if (existsSync(file) && readFileSync(file).equals(content)) {
    tell(`/${name} is as it should be`);
    return;
  }
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, content);
  tell(`wrote /${name}`);
}

const ALIAS = 'etc/systemd/system/restapi.service';
const STATE = 'var/lib/apsnap';

/** Ends RaspAP's own service, which listens on our port, and takes down what it was; its file in /lib stays, ours comes before it. */
function takePlace(place: Place): void {
  const { root, tell } = place;
  const alias = lstatSync(join(root, ALIAS), { throwIfNoEntry: false });
  if (alias?.isSymbolicLink() || !(alias || existsSync(join(root, 'lib/systemd/system/restapi.service')))) return;
  mkdirSync(join(root, STATE), { recursive: true });
  try {
    place.systemctl('--quiet', 'is-active', 'restapi.service');
    writeFileSync(join(root, STATE, 'restapi-was-active'), '');
    run(place, 'stop', 'restapi.service');
    tell("stopped RaspAP's restapi.service: apsnap has its name and port now");
  } catch (error) {
    if (error instanceof StartError) throw error;
  }
  if (alias) {
    renameSync(join(root, ALIAS), join(root, STATE, 'restapi.service'));
    tell(`moved /${ALIAS} to /${STATE}`);
  }
}

function giveBack(place: Place): void {
  const { root, tell } = place;
  const file = join(root, STATE, 'restapi.service');
  if (existsSync(file)) {
    renameSync(file, join(root, ALIAS));
    tell(`moved /${ALIAS} back`);
  }
  run(place, 'daemon-reload');
  if (existsSync(join(root, STATE, 'restapi-was-active'))) {
    run(place, 'start', 'restapi.service');
    tell("started RaspAP's restapi.service again");
  }
  rmSync(join(root, STATE), { recursive: true, force: true });
}

function run({ systemctl }: Place, ...args: string[]): void {
  try {
    systemctl(...args);
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: Buffer };
    throw new StartError(`systemctl ${args.join(' ')}: ${stderr?.toString().trim() || message}; journalctl -u apsnap has more`);
  }
}
