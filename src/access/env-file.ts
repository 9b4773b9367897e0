/** Keys in the env file: how they are made, judged, written there and watched. What counts of them is in `keyring.ts`. */
import { createHash, randomInt } from 'node:crypto';
import {
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  type Stats,
  statSync,
  unlinkSync,
  unwatchFile,
  watchFile,
  writeFileSync,
} from 'node:fs';
import { BlockList, isIP } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { parseEnv } from 'node:util';
import { StartError } from '../errors.js';

export const KEY_VARIABLE = 'RASPAP_API_KEY';
/** The key that sees secrets too; there need not be one. */
export const SECRETS_KEY_VARIABLE = 'APSNAP_SECRETS_KEY';

const LENGTH = 32;
const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyz';
const LEAST_LENGTH = 16;
/** A header's worth; comparing takes the same time for any key up to this. */
export const MOST_LENGTH = 255;
const MOST_FILE_BYTES = 1 << 20;

/** @returns a new key of 32 characters `[0-9a-z]`: 165 bits */
export function generateKey(): string {
  return Array.from({ length: LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
}

/**
 * Variables in an env file.
 *
 * @returns undefined if there is no such file
 * @throws StartError it cannot be read
 */
export function readEnvFile(file: string): NodeJS.Dict<string> | undefined {
  try {
    return parseEnv(readRegularFile(file));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new StartError(
      `${file}: cannot be read: ${code ?? message}; the key is kept there: run as a user that may read it, or name another file with --dotenv`,
    );
  }
}

/** The service looks at the file in the thread that answers: it neither waits for a FIFO's other end nor reads a device for ever. */
export function readRegularFile(file: string): string {
  return readRegular(file).text;
}

function readRegular(file: string, flags = 0): { readonly text: string; readonly stat: Stats } {
  const descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK | flags);
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) throw new Error('it is not a regular file');
    if (stat.size > MOST_FILE_BYTES) throw new Error(`it has more than ${MOST_FILE_BYTES} bytes`);
    return { text: readFileSync(descriptor, 'utf8'), stat };
  } finally {
    closeSync(descriptor);
  }
}

/**
 * The env file, for one who does with it what others may not: its folder may belong to RaspAP's web server, and what a link leads to
 * need not be the web server's to read or to replace. So root follows links of root's alone.
 *
 * @returns with the path that is to be replaced, which is no link
 */
function readAsOwner(file: string): { readonly path: string; readonly text: string; readonly stat: Stats } {
  const link = lstatSync(file);
  // It may have become a link meanwhile: then it is refused.
  if (!link.isSymbolicLink()) return { path: file, ...readRegular(file, constants.O_NOFOLLOW) };
  if (process.getuid?.() === 0 && link.uid !== 0)
    throw new Error(`it is a link that belongs to user ${link.uid}, which root does not follow`);
  const path = realpathSync(file);
  return { path, ...readRegular(path, constants.O_NOFOLLOW) };
}

/**
 * Writes the key into the env file and leaves its other lines as they are; see {@link editEnvFile}. Its mode becomes 0600.
 *
 * @throws StartError it cannot be written
 */
export function writeKey(file: string, key: string, name: string = KEY_VARIABLE): void {
  editEnvFile(file, (text) => withVariable(text, name, key), 0o600);
}

/**
 * Changes the env file. It is replaced by rename, so nobody ever sees half of it; its owner stays, and a new one that root makes gets that
 * of its folder. A link to it stays one.
 *
 * @param edit takes the text, "" where there is no file, and gives what is to take its place
 * @param mode of the file; undefined: as it was, 0600 for a new one
 * @throws StartError it cannot be written
 */
export function editEnvFile(name: string, edit: (text: string) => string, mode?: number): void {
  let temporary = '';
  try {
    const old = existsSync(name) ? readAsOwner(name) : undefined;
    const file = old?.path ?? name;
    temporary = join(dirname(file), `.${basename(file)}.${process.pid}.tmp`);
    const descriptor = openSync(temporary, 'wx', 0o600);
    try {
      // Not writeSync: where the disk is nearly full, that writes a part and says nothing.
      writeFileSync(descriptor, edit(old?.text ?? ''));
      // Of what is open, not of what bears its name by now.
      const owner = old?.stat ?? ownerOfNewFile(dirname(file));
      if (owner && (owner.uid !== process.getuid?.() || owner.gid !== process.getgid?.())) fchownSync(descriptor, owner.uid, owner.gid);
      fchmodSync(descriptor, mode ?? (old ? old.stat.mode & 0o7777 : 0o600));
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, file);
  } catch (error) {
    if (existsSync(temporary)) unlinkSync(temporary);
    const { code = '', message } = error as NodeJS.ErrnoException;
    const advice = FULL.has(code)
      ? 'free some space (df -h and df -i show how much there is), or name a file on another disk with --dotenv'
      : 'run as a user that may write it, or name another file with --dotenv';
    throw new StartError(
      `${name}: the key cannot be written: ${FULL.has(code) ? `the disk is full: ${code}` : code || message}; ${advice}`,
    );
  }
}

/** RaspAP's page reads the file in its folder as the web server's user: what it cannot read it takes for empty, and replaces. */
function ownerOfNewFile(folder: string): { readonly uid: number; readonly gid: number } | undefined {
  return process.getuid?.() === 0 ? statSync(folder) : undefined;
}

/** No space is left, or none that this user may have. */
const FULL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT']);

/**
 * Copies the env file for a service that may not read it itself. The copy belongs to the owner of its folder, who alone may read it;
 * it is replaced by rename, so that nobody ever sees half of it.
 *
 * @throws StartError it cannot be read or written
 */
export function copyEnvFile(file: string, copy: string): void {
  const temporary = `${copy}.${process.pid}.tmp`;
  try {
    const { uid, gid } = statSync(dirname(copy));
    const { text } = readAsOwner(file);
    const descriptor = openSync(temporary, 'wx', 0o400);
    try {
      writeFileSync(descriptor, text);
      fchownSync(descriptor, uid, gid);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, copy);
  } catch (error) {
    if (existsSync(temporary)) unlinkSync(temporary);
    const { code, message } = error as NodeJS.ErrnoException;
    throw new StartError(`${copy}: ${file} cannot be copied there: ${code ?? message}`);
  }
}

/** @returns the env file's text with the variable's line in place of the old one, or at its end; undefined: without any */
export function withVariable(text: string, name: string, value: string | undefined): string {
  const lines = text.split('\n');
  const isIts = (line: string) => /^\s*(?:export\s+)?(\w+)\s*=/.exec(line)?.[1] === name;
  if (value === undefined) return lines.filter((line) => !isIts(line)).join('\n');
  const line = `${name}=${value}`;
  const at = lines.findLastIndex(isIts);
  if (at >= 0) return lines.with(at, line).join('\n');
  return `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${line}\n`;
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Whether an address is one that only this machine itself can ask. */
export function isLoopback(host: string): boolean {
  const family = isIP(host);
  return host === 'localhost' || (family !== 0 && loopback.check(host, family === 6 ? 'ipv6' : 'ipv4'));
}

/** Whether a value means the digest of a key. Whether it is a good one, {@link keyProblem} says. */
export function isDigest(value: string): boolean {
  return value.startsWith('sha256:');
}

/** The digest of a key, as it may stand in the env file in its place. */
export function hashKey(key: string): string {
  return `sha256:${createHash('sha256').update(key).digest('hex')}`;
}

const KNOWN_TO_ALL = hashKey('insecure');

/**
 * @param key the key, or its digest as {@link hashKey} gives it, of which less can be told
 * @param host the address that is listened on
 * @param name of its variable
 * @returns what is wrong with the key there; undefined if nothing is. The key itself is not in it.
 */
export function keyProblem(key: string, host: string, name: string = KEY_VARIABLE): string | undefined {
  if (Buffer.byteLength(key) > MOST_LENGTH) return `${name} has more than ${MOST_LENGTH} bytes`;
  if (!/^[\x21-\x7e]+( [\x21-\x7e]+)*$/.test(key)) return `${name} has characters that a header cannot carry: printable ASCII is expected`;
  if (isDigest(key) && !/^sha256:[\da-f]{64}$/i.test(key)) return `${name} is not valid: after sha256: 64 hexadecimal digits are expected`;
  if (isLoopback(host)) return undefined;
  if (key === 'insecure' || key.toLowerCase() === KNOWN_TO_ALL) return `${name} is "insecure", which everybody knows`;
  if (key.length < LEAST_LENGTH) return `${name} has ${key.length} characters, at least ${LEAST_LENGTH} are expected`;
  return undefined;
}

/**
 * Watches the env file.
 *
 * @param onChange called each time it has changed, come or gone
 * @returns stops watching
 */
export function watchEnvFile(file: string, onChange: () => void): { stop(): void } {
  // By path and twice a second: that sees a rename, a folder that is replaced, and mounts that tell of no changes.
  const listener = () => onChange();
  watchFile(file, { interval: 500, persistent: false }, listener);
  return { stop: () => unwatchFile(file, listener) };
}
