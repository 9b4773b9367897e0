/** The env file: reads it, replaces it atomically and copies it for a service that may not read it. */
import {
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  lstatSync,
  openSync,
  realpathSync,
  renameSync,
  type Stats,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { parseEnv } from 'node:util';
import { StartError } from '../errors.js';
import { readRegularFile } from './regular-file.js';

/** The variable of the key. */
export const KEY_VARIABLE = 'RASPAP_API_KEY';
/** The variable of the optional key that also reads secrets. */
export const SECRETS_KEY_VARIABLE = 'APSNAP_SECRETS_KEY';

/** Error codes of a full disk or quota. */
const FULL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT']);

/**
 * Reads the variables of an env file.
 *
 * @returns `undefined` if the file doesn't exist
 * @throws {StartError} if it can't be read
 */
export function readEnvFile(file: string): NodeJS.Dict<string> | undefined {
  try {
    return parseEnv(readRegularFile(file).text);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new StartError(
      `${file}: cannot be read: ${code ?? message}; run as a user that may read the key, or name another file with --dotenv`,
    );
  }
}

/**
 * Writes a key into the env file and keeps its other lines; see {@link editEnvFile}. The file's mode becomes 0600.
 *
 * @throws {StartError} if it can't be written
 */
export function writeKey(file: string, key: string, name: string = KEY_VARIABLE): void {
  editEnvFile(file, (text) => withVariable(text, name, key), 0o600);
}

/**
 * Replaces the env file by rename, so that readers never see half of it. The owner stays. A symbolic link stays one.
 *
 * @param edit gets the text, "" if there is no file, and returns the new text
 * @param mode the new mode. `undefined`: as before, or 0600 for a new file
 * @throws {StartError} if it can't be written
 */
export function editEnvFile(name: string, edit: (text: string) => string, mode?: number): void {
  let temporary = '';
  try {
    const old = existsSync(name) ? readAsOwner(name) : undefined;
    const file = old?.path ?? name;
    temporary = join(dirname(file), `.${basename(file)}.${process.pid}.tmp`);
    const text = edit(old?.text ?? '');
    replaceFile(temporary, file, text, (descriptor) => {
      // Use the open file's owner: the path may lead to another file by now.
      const owner = old?.stat ?? ownerOfNewFile(dirname(file));
      if (owner && (owner.uid !== process.getuid?.() || owner.gid !== process.getgid?.())) fchownSync(descriptor, owner.uid, owner.gid);
      fchmodSync(descriptor, mode ?? (old ? old.stat.mode & 0o7777 : 0o600));
      fsyncSync(descriptor);
    });
  } catch (error) {
    if (existsSync(temporary)) unlinkSync(temporary);
    throw new StartError(`${name}: the key cannot be written: ${adviceOn(error as NodeJS.ErrnoException)}`);
  }
}

function adviceOn({ code = '', message }: NodeJS.ErrnoException): string {
  return FULL.has(code)
    ? `the disk is full: ${code}; free some space (see df -h and df -i), or name a file on another disk with --dotenv`
    : `${code || message}; run as a user that may write it, or name another file with --dotenv`;
}

function replaceFile(temporary: string, file: string, text: string, prepare: (descriptor: number) => void): void {
  const descriptor = openSync(temporary, 'wx', 0o600);
  try {
    // writeSync would write only a part on a full disk, without an error.
    writeFileSync(descriptor, text);
    prepare(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(temporary, file);
}

/** Returns the owner of the folder for root: RaspAP's page reads the file as the web server's user, and replaces what it can't read. */
function ownerOfNewFile(folder: string): { readonly uid: number; readonly gid: number } | undefined {
  return process.getuid?.() === 0 ? statSync(folder) : undefined;
}

/**
 * Reads the env file with the rights of root. The folder may belong to RaspAP's web server, which could plant a link to a file that it
 * may neither read nor replace. So root follows only root's links.
 *
 * @returns with the path of the file to replace, which isn't a link
 */
function readAsOwner(file: string): { readonly path: string; readonly text: string; readonly stat: Stats } {
  const link = lstatSync(file);
  // If it becomes a link in between, O_NOFOLLOW rejects it.
  if (!link.isSymbolicLink()) return { path: file, ...readRegularFile(file, constants.O_NOFOLLOW) };
  if (process.getuid?.() === 0 && link.uid !== 0) throw new Error(`a link of user ${link.uid}, which root does not follow`);
  const path = realpathSync(file);
  return { path, ...readRegularFile(path, constants.O_NOFOLLOW) };
}

/**
 * Copies the env file for a service that may not read it. Only the owner of the copy's folder may read the copy.
 *
 * @throws {StartError} if it can't be read or written
 */
export function copyEnvFile(file: string, copy: string): void {
  const temporary = `${copy}.${process.pid}.tmp`;
  try {
    const { uid, gid } = statSync(dirname(copy));
    const { text } = readAsOwner(file);
    replaceFile(temporary, copy, text, (descriptor) => {
      fchownSync(descriptor, uid, gid);
      fchmodSync(descriptor, 0o400);
    });
  } catch (error) {
    if (existsSync(temporary)) unlinkSync(temporary);
    const { code, message } = error as NodeJS.ErrnoException;
    throw new StartError(`${copy}: cannot copy ${file}: ${code ?? message}; expected a folder that this user may write`);
  }
}

/** Returns the text of an env file with another value of a variable, in its line or at the end. */
export function withVariable(text: string, name: string, value: string): string {
  const lines = text.split('\n');
  const line = `${name}=${value}`;
  const index = lines.findLastIndex((each) => /^\s*(?:export\s+)?(\w+)\s*=/.exec(each)?.[1] === name);
  if (index >= 0) return lines.with(index, line).join('\n');
  return `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${line}\n`;
}
