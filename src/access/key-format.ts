/** What a key looks like: how it is generated, digested and checked. */
import { createHash, randomInt } from 'node:crypto';
import { isLoopback } from './client-address.js';
import { KEY_VARIABLE } from './env-file.js';

const GENERATED_LENGTH = 32;
const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyz';
/** Minimum characters of a key. Shorter ones are rejected unless the service listens on loopback only. */
const MIN_LENGTH = 16;
/** Maximum bytes of a key. Longer ones are rejected. */
export const MAX_LENGTH = 255;
const DIGEST_PREFIX = 'sha256:';

/** Generates a key of 32 characters `[0-9a-z]`, which are 165 bits. */
export function generateKey(): string {
  return Array.from({ length: GENERATED_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
}

/** Tells whether a value of the env file is the digest of a key. {@link keyProblem} tells whether it is a valid one. */
export function isDigest(value: string): boolean {
  return value.startsWith(DIGEST_PREFIX);
}

/** Returns the digest of a key, which may stand in the env file in place of the key. */
export function hashKey(key: string): string {
  return `${DIGEST_PREFIX}${createHash('sha256').update(key).digest('hex')}`;
}

/** Returns the SHA-256 of a key, given as the key or as {@link hashKey} writes it. */
export function digestOf(value: string): Buffer {
  return Buffer.from((isDigest(value) ? value : hashKey(value)).slice(DIGEST_PREFIX.length), 'hex');
}

const INSECURE_DIGEST = hashKey('insecure');

/**
 * Checks a key. The message never contains the key.
 *
 * @param key the key, or its digest as {@link hashKey} writes it
 * @param host the address that the service listens on
 * @param name the variable of the key
 * @returns what is wrong with the key there, `undefined` if nothing is
 */
export function keyProblem(key: string, host: string, name: string = KEY_VARIABLE): string | undefined {
  if (Buffer.byteLength(key) > MAX_LENGTH) return `${name} has more than ${MAX_LENGTH} bytes`;
  if (!/^[\x21-\x7e]+( [\x21-\x7e]+)*$/.test(key)) return `${name} has characters that a header can't carry: expected printable ASCII`;
  if (isDigest(key) && !/^sha256:[\da-f]{64}$/i.test(key)) return `${name} is not valid: expected 64 hexadecimal digits after sha256:`;
  if (isLoopback(host)) return undefined;
  if (key === 'insecure' || key.toLowerCase() === INSECURE_DIGEST) return `${name} is "insecure", which everybody knows`;
  if (key.length < MIN_LENGTH) return `${name} has ${key.length} characters: expected at least ${MIN_LENGTH}`;
  return undefined;
}
