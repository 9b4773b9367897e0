/**
 * The keys that count: one that reads, one that sees secrets too, and those before them for as long as they were promised to.
 *
 * A key may be kept as its digest, `sha256:` and 64 hexadecimal digits: then the file holds nothing that can be sent. For a key that was
 * generated that is as good as any slower digest, as nobody tries 2^165 of them.
 *
 *     RASPAP_API_KEY=sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
 *     RASPAP_API_KEY_OLD=8b5b9db0c13db24256c829aa364aa90c@sha256:60303ae2…@2026-11-24T03:00:00Z
 *
 * Those before stand with the first half of the digest of the key that took their place: if somebody puts another in *its* place, be it
 * RaspAP's page, which knows nothing of this, they do not count any more.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { StartError } from '../errors.js';
import { isDigest, KEY_VARIABLE, keyProblem, MOST_LENGTH, readEnvFile, SECRETS_KEY_VARIABLE } from './env-file.js';

/** What a key lets see. `secrets` has everything that `read` has. */
export type Access = 'read' | 'secrets';

/** A key that counts. */
export interface ValidKey {
  readonly access: Access;
  /** As clients send it; undefined: only its digest is known. */
  readonly text?: string | undefined;
  readonly digest: Buffer;
  /** Until when it counts, by the wall clock, in Unix milliseconds; undefined: without end. */
  readonly untilMs?: number | undefined;
}

/** @param value as the variable has it: the key, or its digest; checked by {@link keyProblem} */
export function validKey(access: Access, value: string, untilMs?: number): ValidKey {
  return { access, text: isDigest(value) ? undefined : value, digest: digestOf(value), untilMs };
}

/** SHA-256 of a key, whether the value is the key or says its digest. */
export function digestOf(value: string): Buffer {
  return isDigest(value) ? Buffer.from(value.slice('sha256:'.length), 'hex') : createHash('sha256').update(value).digest();
}

/** Where keys may be given; the environment beats the file. */
export interface KeySources {
  readonly dotenv: string;
  /** The address that is listened on: see {@link keyProblem}. */
  readonly host: string;
  /** Variables of the process. */
  readonly environment: NodeJS.Dict<string>;
}

export interface Keyring {
  /** The current ones first. */
  readonly keys: readonly ValidKey[];
  /** What does not count, though it is there, and why; no key is in it. */
  readonly warnings: readonly string[];
}

/**
 * @returns undefined if there is no {@link KEY_VARIABLE} anywhere
 * @throws StartError the file cannot be read, or a key is not to be used; no key is in the message
 */
export function readKeyring({ dotenv, host, environment }: KeySources, nowMs = Date.now()): Keyring | undefined {
  const inEnvironment = (name: string) => environment[name] || undefined;
  const isFileAsked = !inEnvironment(KEY_VARIABLE) || !inEnvironment(SECRETS_KEY_VARIABLE);
  const file = (isFileAsked && readFile(dotenv, inEnvironment(KEY_VARIABLE) !== undefined)) || {};
  const read = inEnvironment(KEY_VARIABLE) ?? (file[KEY_VARIABLE] || undefined);
  const secrets = inEnvironment(SECRETS_KEY_VARIABLE) ?? (file[SECRETS_KEY_VARIABLE] || undefined);
  if (!read) return undefined;
  for (const [name, value] of [
    [KEY_VARIABLE, read],
    [SECRETS_KEY_VARIABLE, secrets],
  ] as const) {
    const problem = value === undefined ? undefined : keyProblem(value, host, name);
    if (problem) throw new StartError(problem);
  }
  const keys = [validKey('read', read), ...(secrets ? [validKey('secrets', secrets)] : [])];
  const warnings: string[] = [];
  for (const [name, value, access] of [
    [KEY_VARIABLE, read, 'read'],
    [SECRETS_KEY_VARIABLE, secrets, 'secrets'],
  ] as const) {
    const line = inEnvironment(name) ? undefined : file[oldVariable(name)];
    if (!line || !value) continue;
    const old = parseOldKeys(line);
    if (!old) warnings.push(`${oldVariable(name)} is not as apsnap key rotate writes it: no key before the current one counts`);
    else if (old.successor === markOf(value))
      keys.push(...old.keys.filter(({ untilMs }) => untilMs > nowMs).map(({ value, untilMs }) => validKey(access, value, untilMs)));
  }
  const same = keys.some((one) => one.access === 'read' && keys.some((two) => two.access === 'secrets' && one.digest.equals(two.digest)));
  if (same) throw new StartError(`${SECRETS_KEY_VARIABLE} is a key that ${KEY_VARIABLE} has or had: expected another, as it sees more`);
  return { keys, warnings };
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

/** The name of the variable with the keys before the current one. */
export function oldVariable(name: string): string {
  return `${name}_OLD`;
}

/** A key that counts for a while yet, as its digest. */
export interface OldKey {
  /** `sha256:…` */
  readonly value: string;
  readonly untilMs: number;
}

/** What names the current key beside those before it: half of its digest. */
function markOf(value: string): string {
  return digestOf(value).toString('hex').slice(0, 32);
}

const OLD_KEY = /^(sha256:[\da-f]{64})@(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)$/i;

/** The keys before the current one, as {@link formatOldKeys} writes them; undefined: that is not what it is. */
export function parseOldKeys(line: string): { readonly successor: string; readonly keys: readonly OldKey[] } | undefined {
  const [, successor, list = ''] = /^([\da-f]{32})@(.+)$/.exec(line) ?? [];
  const keys = list.split(',').map((text) => {
    const [, value = '', until = ''] = OLD_KEY.exec(text) ?? [];
    return { value, untilMs: Date.parse(until) };
  });
  return successor === undefined || keys.some(({ untilMs }) => Number.isNaN(untilMs)) ? undefined : { successor, keys };
}

/** @param current the key that took their place */
export function formatOldKeys(current: string, keys: readonly OldKey[]): string {
  const until = (ms: number) => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
  return `${markOf(current)}@${keys.map(({ value, untilMs }) => `${value}@${until(untilMs)}`).join(',')}`;
}

/** What the keys of a request come to. */
export interface Checked {
  /** What it may see; undefined: it has no key that counts. */
  readonly access: Access | undefined;
  /** How many keys it has that do not count; of those after one that does nobody learns anything. */
  readonly wrong: number;
}

export type KeyCheck = (headers: IncomingHttpHeaders) => Checked;

/**
 * Compares in constant time what a request sends in `access_token`, `X-API-Key` or `Authorization`: each key is compared with all of it,
 * whatever came of those before.
 */
export function createKeyCheck(keys: readonly ValidKey[]): KeyCheck {
  const startedMs = performance.now();
  const prepared = keys.map((key) => {
    const expected = Buffer.alloc(MOST_LENGTH + 1);
    const length = key.text === undefined ? 0 : expected.write(key.text, 'latin1');
    // By both clocks: one that is set back must not prolong it.
    const leftMs = key.untilMs === undefined ? Number.POSITIVE_INFINITY : key.untilMs - Date.now();
    return { ...key, expected, length, untilMonotonicMs: startedMs + leftMs };
  });
  type Prepared = (typeof prepared)[number];
  const plain = prepared.filter(({ text }) => text !== undefined);
  const hashed = prepared.filter(({ text }) => text === undefined);
  const given = Buffer.alloc(MOST_LENGTH + 1);

  const isOver = ({ untilMs, untilMonotonicMs }: Prepared) =>
    untilMs !== undefined && (Date.now() >= untilMs || performance.now() >= untilMonotonicMs);

  const matching = (text: string): Prepared | undefined => {
    given.fill(0);
    const written = given.write(text, 'latin1');
    let found: Prepared | undefined;
    for (const key of plain) if (timingSafeEqual(given, key.expected) && written === key.length) found = key;
    if (found || hashed.length === 0) return found;
    const digest = createHash('sha256').update(text, 'latin1').digest();
    for (const key of hashed) if (timingSafeEqual(digest, key.digest)) found = key;
    return found;
  };

  const accessOf = (text: string): Access | undefined => {
    const key = matching(text);
    return key === undefined || isOver(key) ? undefined : key.access;
  };

  return ({ access_token: token, 'x-api-key': apiKey, authorization }) => {
    let wrong = 0;
    for (const text of [token, apiKey]) {
      if (typeof text !== 'string' || text === '') continue;
      const access = accessOf(text);
      if (access) return { access, wrong };
      wrong++;
    }
    if (!authorization) return { access: undefined, wrong };
    const access = accessOf(keyIn(authorization));
    return { access, wrong: access ? wrong : wrong + 1 };
  };
}

/** The key in an `Authorization` header; "" where its scheme is none that carries one. */
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

/** The password in the credentials of HTTP Basic, RFC 7617: base64 of `user:password`. */
function passwordOf(credentials: string): string {
  const decoded = Buffer.from(credentials, 'base64').toString('latin1');
  const colon = decoded.indexOf(':');
  return colon < 0 ? '' : decoded.slice(colon + 1);
}
