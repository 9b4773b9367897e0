/**
 * The valid keys: one that reads, and optionally one that also reads secrets.
 *
 * A key may be stored as its digest, `sha256:` and 64 hexadecimal digits: then the file holds nothing that a client can send. For a
 * generated key that is as good as any slower digest, because nobody tries 2^165 keys.
 *
 *     RASPAP_API_KEY=sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { StartError } from '../errors.js';
import { KEY_VARIABLE, readEnvFile, SECRETS_KEY_VARIABLE } from './env-file.js';
import { digestOf, isDigest, keyProblem, MAX_LENGTH } from './key-format.js';

/** What a key may read. `secrets` includes everything that `read` has. */
export type Access = 'read' | 'secrets';

export interface ValidKey {
  readonly access: Access;
  /** The key as clients send it. `undefined`: only its digest is known. */
  readonly text: string | undefined;
  readonly digest: Buffer;
}

/** @param value the key or its digest, checked by {@link keyProblem} */
export function validKey(access: Access, value: string): ValidKey {
  return { access, text: isDigest(value) ? undefined : value, digest: digestOf(value) };
}

/** Where keys may be given. The environment beats the file. */
export interface KeySources {
  readonly dotenv: string;
  /** The address that the service listens on: see {@link keyProblem}. */
  readonly host: string;
  /** Variables of the process. */
  readonly environment: NodeJS.Dict<string>;
}

/**
 * Reads the valid keys.
 *
 * @returns `undefined` if {@link KEY_VARIABLE} isn't set anywhere
 * @throws {StartError} if the file can't be read or a key isn't valid. The message never contains a key
 */
export function readKeys({ dotenv, host, environment }: KeySources): readonly ValidKey[] | undefined {
  const given = [environment[KEY_VARIABLE], environment[SECRETS_KEY_VARIABLE]];
  const file = (given.every(Boolean) ? undefined : readFile(dotenv, Boolean(given[0]))) ?? {};
  const read = environment[KEY_VARIABLE] || file[KEY_VARIABLE];
  const secrets = environment[SECRETS_KEY_VARIABLE] || file[SECRETS_KEY_VARIABLE];
  if (!read) return undefined;
  const problem = keyProblem(read, host) ?? (secrets ? keyProblem(secrets, host, SECRETS_KEY_VARIABLE) : undefined);
  if (problem) throw new StartError(problem);
  if (!secrets) return [validKey('read', read)];
  if (digestOf(read).equals(digestOf(secrets)))
    throw new StartError(`${SECRETS_KEY_VARIABLE} is the same key as ${KEY_VARIABLE}: expected another, as it reads more`);
  return [validKey('read', read), validKey('secrets', secrets)];
}

/** @param isOptional whether the service can do without the file */
function readFile(dotenv: string, isOptional: boolean): NodeJS.Dict<string> | undefined {
  try {
    return readEnvFile(dotenv);
  } catch (error) {
    if (isOptional && error instanceof StartError) return undefined;
    throw error;
  }
}

/** Keys are compared in multiples of this length. A generated key has half of it. */
const COMPARED_BYTES = 64;

/** The keys of a request, checked. */
export interface CheckedKeys {
  /** What the request may read. `undefined`: it has no valid key. */
  readonly access: Access | undefined;
  /** Number of different wrong keys in the request. Checking stops at the first valid key. */
  readonly wrong: number;
}

export type KeyCheck = (headers: IncomingHttpHeaders) => CheckedKeys;

/**
 * Returns a check of `access_token`, `X-API-Key` and `Authorization`. It compares each key in constant time with every valid key: the
 * time shows at most how long the longest valid key is, rounded up. For 64 bytes it is 0.2 µs less than for {@link MAX_LENGTH}, of the
 * 20 µs that a whole request takes.
 */
export function createKeyCheck(keys: readonly ValidKey[]): KeyCheck {
  const longest = Math.max(0, ...keys.map(({ text = '' }) => text.length));
  // Longer than any valid key, so that the start of a longer text isn't taken for the whole.
  const size = COMPARED_BYTES * Math.ceil((longest + 1) / COMPARED_BYTES);
  const plain = keys.flatMap(({ access, text }) => {
    if (text === undefined) return [];
    const expected = Buffer.alloc(size);
    return [{ access, expected, length: expected.write(text, 'latin1') }];
  });
  const hashed = keys.filter(({ text }) => text === undefined);
  const given = Buffer.alloc(size);

  const accessOf = (text: string): Access | undefined => {
    given.fill(0);
    const written = given.write(text, 'latin1');
    let access: Access | undefined;
    for (const key of plain) if (timingSafeEqual(given, key.expected) && written === key.length) access = key.access;
    if (access || hashed.length === 0) return access;
    const digest = createHash('sha256').update(text, 'latin1').digest();
    for (const key of hashed) if (timingSafeEqual(digest, key.digest)) access = key.access;
    return access;
  };

  return (headers) => {
    const wrong: string[] = [];
    for (const text of sentKeys(headers)) {
      const access = accessOf(text);
      if (access) return { access, wrong: wrong.length };
      if (!wrong.includes(text)) wrong.push(text);
    }
    return { access: undefined, wrong: wrong.length };
  };
}

/** Lists the keys of a request. An empty header isn't a key, but an `Authorization` header without a usable key is a wrong one. */
function sentKeys({ access_token: token, 'x-api-key': apiKey, authorization }: IncomingHttpHeaders): string[] {
  const sent: string[] = [];
  if (typeof token === 'string' && token !== '') sent.push(token);
  if (typeof apiKey === 'string' && apiKey !== '') sent.push(apiKey);
  if (authorization) sent.push(keyIn(authorization));
  return sent;
}

/** Returns the key in an `Authorization` header, "" if its scheme doesn't carry one. */
function keyIn(authorization: string): string {
  const [scheme = '', credentials = ''] = authorization.split(/ +(.*)/s, 2);
  switch (scheme.toLowerCase()) {
    case 'bearer':
      return credentials;
    case 'basic':
      return passwordOf(credentials);
    default:
      return '';
  }
}

/** Returns the password in the credentials of HTTP Basic, RFC 7617: base64 of `user:password`. */
function passwordOf(credentials: string): string {
  const decoded = Buffer.from(credentials, 'base64').toString('latin1');
  const colon = decoded.indexOf(':');
  return colon < 0 ? '' : decoded.slice(colon + 1);
}
