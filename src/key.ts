/** The key that clients send: where it is kept, how it is made, watched and compared. */
import { randomInt, timingSafeEqual } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  unwatchFile,
  watchFile,
  writeFileSync,
} from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { BlockList, isIP } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { parseEnv } from 'node:util';
import { StartError } from './errors.js';

export const KEY_VARIABLE = 'RASPAP_API_KEY';

const LENGTH = 32;
const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyz';
const LEAST_LENGTH = 16;
/** A header's worth; comparing takes the same time for any key up to this. */
const MOST_LENGTH = 255;
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
  const descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) throw new Error('it is not a regular file');
    if (stat.size > MOST_FILE_BYTES) throw new Error(`it has more than ${MOST_FILE_BYTES} bytes`);
    return readFileSync(descriptor, 'utf8');
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Writes the key into the env file and leaves its other lines as they are. The file is replaced by rename, so nobody
 * ever sees half of it; its owner stays, its mode becomes 0600.
 *
 * @throws StartError it cannot be written
 */
export function writeKey(file: string, key: string): void {
  const temporary = join(dirname(file), `.${basename(file)}.${process.pid}.tmp`);
  try {
    const old = existsSync(file) ? { text: readRegularFile(file), stat: statSync(file) } : undefined;
    const descriptor = openSync(temporary, 'wx', 0o600);
    try {
      // Not writeSync: where the disk is nearly full, that writes a part and says nothing.
      writeFileSync(descriptor, withKey(old?.text ?? '', key));
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    chmodSync(temporary, 0o600);
    if (old && (old.stat.uid !== process.getuid?.() || old.stat.gid !== process.getgid?.()))
      chownSync(temporary, old.stat.uid, old.stat.gid);
    renameSync(temporary, file);
  } catch (error) {
    if (existsSync(temporary)) unlinkSync(temporary);
    const { code = '', message } = error as NodeJS.ErrnoException;
    const advice = FULL.has(code)
      ? 'free some space (df -h and df -i show how much there is), or name a file on another disk with --dotenv'
      : 'run as a user that may write it, or name another file with --dotenv';
    throw new StartError(
      `${file}: the key cannot be written: ${FULL.has(code) ? `the disk is full: ${code}` : code || message}; ${advice}`,
    );
  }
}

/** No space is left, or none that this user may have. */
const FULL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT']);

/** @returns the env file's text with the key in place of the old one, or at its end */
export function withKey(text: string, key: string): string {
  const line = `${KEY_VARIABLE}=${key}`;
  const lines = text.split('\n');
  const at = lines.findLastIndex((old) => new RegExp(`^\\s*(?:export\\s+)?${KEY_VARIABLE}\\s*=`).test(old));
  if (at >= 0) return lines.with(at, line).join('\n');
  return `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${line}\n`;
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/**
 * @param key the key
 * @param host the address that is listened on
 * @returns what is wrong with the key there; undefined if nothing is. The key itself is not in it.
 */
export function keyProblem(key: string, host: string): string | undefined {
  if (Buffer.byteLength(key) > MOST_LENGTH) return `${KEY_VARIABLE} has more than ${MOST_LENGTH} bytes`;
  if (!/^[\x21-\x7e]+( [\x21-\x7e]+)*$/.test(key))
    return `${KEY_VARIABLE} has characters that a header cannot carry: printable ASCII is expected`;
  const family = isIP(host);
  if (host === 'localhost' || (family !== 0 && loopback.check(host, family === 6 ? 'ipv6' : 'ipv4'))) return undefined;
  if (key === 'insecure') return `${KEY_VARIABLE} is "insecure", which everybody knows`;
  if (key.length < LEAST_LENGTH) return `${KEY_VARIABLE} has ${key.length} characters, at least ${LEAST_LENGTH} are expected`;
  return undefined;
}

/** Tells whether a request carries the key. */
export type KeyCheck = (headers: IncomingHttpHeaders) => boolean;

/**
 * @param key the key; undefined lets nobody in
 * @returns compares in constant time what a request sends in `access_token`, `X-API-Key` or `Authorization`
 */
export function createKeyCheck(key: string): KeyCheck {
  const expected = Buffer.alloc(MOST_LENGTH + 1);
  const length = expected.write(key, 'latin1');
  const given = Buffer.alloc(MOST_LENGTH + 1);

  const matches = (text: string): boolean => {
    given.fill(0);
    const written = given.write(text, 'latin1');
    return timingSafeEqual(given, expected) && written === length;
  };

  return (headers) => {
    const { access_token: token, 'x-api-key': apiKey, authorization } = headers;
    if (typeof token === 'string' && matches(token)) return true;
    if (typeof apiKey === 'string' && matches(apiKey)) return true;
    if (authorization === undefined) return false;
    const [scheme = '', credentials = ''] = authorization.split(/ +(.*)/s, 2);
    switch (scheme.toLowerCase()) {
      case 'bearer':
        return matches(credentials);
      case 'basic':
        return matches(passwordOf(credentials));
      default:
        return false;
    }
  };
}

/** The password in the credentials of HTTP Basic, RFC 7617: base64 of `user:password`. */
function passwordOf(credentials: string): string {
  const decoded = Buffer.from(credentials, 'base64').toString('latin1');
  const colon = decoded.indexOf(':');
  return colon < 0 ? '' : decoded.slice(colon + 1);
}

/**
 * Watches the env file for another key.
 *
 * @param onKey called with each new key
 * @param onProblem called when the file cannot be read or holds no key; the old key goes on to count
 * @returns stops watching
 */
export function watchKey(
  file: string,
  current: string,
  onKey: (key: string) => void,
  onProblem: (problem: string) => void,
): { stop(): void } {
  let last = current;
  let reported = '';

  function look(): void {
    let problem = '';
    try {
      const key = readEnvFile(file)?.[KEY_VARIABLE];
      if (key && key !== last) {
        last = key;
        onKey(key);
      }
      if (!key) problem = `${file}: holds no ${KEY_VARIABLE} any more; the last one stays in force`;
    } catch (error) {
      problem = (error as Error).message;
    }
    if (problem && problem !== reported) onProblem(problem);
    reported = problem;
  }

  // By path and twice a second: that sees a rename, a folder that is replaced, and mounts that tell of no changes.
  const listener = () => look();
  watchFile(file, { interval: 500, persistent: false }, listener);
  return { stop: () => unwatchFile(file, listener) };
}
