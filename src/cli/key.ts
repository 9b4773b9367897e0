import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import {
  copyEnvFile,
  editEnvFile,
  generateKey,
  hashKey,
  isDigest,
  KEY_VARIABLE,
  keyProblem,
  readEnvFile,
  SECRETS_KEY_VARIABLE,
  withVariable,
  writeKey,
} from '../access/env-file.js';
import { digestOf, formatOldKeys, type OldKey, oldVariable, parseOldKeys } from '../access/keys.js';
import type { Config } from '../config/read.js';
import { StartError, UsageError } from '../errors.js';

/** More than these in their grace at once: the oldest give way. */
const MOST_OLD_KEYS = 8;
const LONGEST_GRACE_MS = 30 * 86_400_000;
const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Flags of `apsnap key` alone. */
export interface KeyFlags {
  /** The key that sees secrets is meant. */
  readonly secrets: boolean;
  /** For how long the key before counts, as `--grace` has it. */
  readonly grace: string | undefined;
}

const ACTIONS = ['show', 'generate', 'set', 'hash', 'rotate', 'ensure', 'copy'] as const;
type Action = (typeof ACTIONS)[number];
/** Those that may be followed by a key, or by a file. */
const WITH_WORD: readonly Action[] = ['set', 'hash', 'copy'];

/**
 * `apsnap key show|generate|set KEY|hash [KEY]|rotate|ensure|copy FILE`: reads or writes a key in the env file. A running service takes a new one by itself.
 *
 * @param words what follows `key`; KEY may be `-`: then it is read from standard input, out of sight of `ps`
 */
export function key({ dotenv, host }: Config, words: readonly string[], flags: KeyFlags = { secrets: false, grace: undefined }): void {
  const [word = '', given, ...rest] = words;
  const action = ACTIONS.find((one) => one === word);
  if (!action) throw new UsageError(`key ${word}: expected key ${ACTIONS.slice(0, -1).join(', key ')} or key ${ACTIONS.at(-1)}`);
  if (rest.length > 0 || (given !== undefined && !WITH_WORD.includes(action)))
    throw new UsageError(`key ${action}: too many words: see apsnap --help`);
  if (flags.grace !== undefined && action !== 'rotate') throw new UsageError(`key ${action}: --grace is for key rotate only`);
  const name = flags.secrets ? SECRETS_KEY_VARIABLE : KEY_VARIABLE;
  switch (action) {
    case 'copy': {
      if (given === undefined) throw new UsageError('key copy: the file is missing: expected key copy FILE');
      ensureKey(dotenv);
      copyEnvFile(dotenv, given);
      return;
    }
    case 'ensure':
      ensureKey(dotenv);
      return;
    case 'show':
      show(dotenv, name);
      return;
    case 'generate':
      replaceKey(dotenv, name, generateKey());
      process.stdout.write(`a new key is in ${dotenv}\n`);
      return;
    case 'set':
      if (given === undefined)
        throw new UsageError('key set: the key is missing: expected key set KEY, or key set - to read it from standard input');
      replaceKey(dotenv, name, usableKey(given, host, name));
      process.stdout.write(`the key is in ${dotenv}\n`);
      return;
    case 'hash': {
      const value = given === undefined ? storedKey(dotenv, name) : keyOrInput(given);
      const problem = given === undefined || isDigest(value) ? undefined : keyProblem(value, host, name);
      if (problem) throw new UsageError(`key hash: ${problem}`);
      process.stdout.write(`${isDigest(value) ? value : hashKey(value)}\n`);
      return;
    }
    case 'rotate':
      rotate(dotenv, name, graceMs(flags.grace));
      return;
  }
}

function ensureKey(dotenv: string): void {
  if (readEnvFile(dotenv)?.[KEY_VARIABLE]) return;
  writeKey(dotenv, generateKey());
  process.stdout.write(`a new key is in ${dotenv}\n`);
}

function show(dotenv: string, name: string): void {
  const stored = storedKey(dotenv, name);
  if (isDigest(stored)) {
    throw new StartError(`${dotenv}: holds the digest of ${name} only, from which nobody gets the key: apsnap key rotate makes another`);
  }
  process.stdout.write(`${stored}\n`);
}

/** Puts another key in force at once: those before it stop. */
function replaceKey(dotenv: string, name: string, value: string): void {
  expectAnother(dotenv, name, value);
  editEnvFile(dotenv, (text) => withVariable(withVariable(text, name, value), oldVariable(name), undefined), 0o600);
}

/** The service would refuse it, and by then the file has changed. */
function expectAnother(dotenv: string, name: string, value: string): void {
  const other = name === KEY_VARIABLE ? SECRETS_KEY_VARIABLE : KEY_VARIABLE;
  const stored = readEnvFile(dotenv)?.[other];
  if (stored && digestOf(stored).equals(digestOf(value))) throw new UsageError(`${name}: ${other} is the same key: expected another`);
}

/**
 * Puts a new key in force and prints it, to standard output and nowhere else. Where the file holds a digest, it gets that of the new key.
 */
function rotate(dotenv: string, name: string, grace: number): void {
  const before = storedKey(dotenv, name);
  const next = generateKey();
  const value = isDigest(before) ? hashKey(next) : next;
  const nowMs = Date.now();
  const ends = new Date(nowMs + grace);
  editEnvFile(dotenv, (text) => {
    const stored = parseEnv(text);
    // By RaspAP's page, say: that key is the one to be replaced then.
    if (stored[name] !== before) throw new Error('it has just been changed by somebody else: try again');
    const older = olderKeys(stored[oldVariable(name)], before, nowMs);
    const promised = grace > 0 ? [{ value: `sha256:${digestOf(before).toString('hex')}`, untilMs: ends.getTime() }, ...older] : older;
    const kept = promised.slice(0, MOST_OLD_KEYS);
    return withVariable(withVariable(text, name, value), oldVariable(name), kept.length > 0 ? formatOldKeys(value, kept) : undefined);
  });
  const fate = grace > 0 ? `the one before counts until ${ends.toISOString().replace(/\.\d+Z$/, 'Z')}` : 'the one before has stopped';
  process.stderr.write(`a new ${name} is in ${dotenv}; ${fate}\n`);
  process.stdout.write(`${next}\n`);
}

/** Keys that were promised to count for longer, by the key that is being replaced. */
function olderKeys(line: string | undefined, current: string, nowMs: number): readonly OldKey[] {
  const old = line ? parseOldKeys(line) : undefined;
  const isItsOwn = old && formatOldKeys(current, old.keys).startsWith(old.successor);
  return isItsOwn ? old.keys.filter(({ untilMs }) => untilMs > nowMs) : [];
}

/** @throws UsageError */
function graceMs(text: string | undefined): number {
  if (text === undefined) return 0;
  const [, amount = '', unit = ''] = /^(\d{1,7})([smhd])$/.exec(text) ?? [];
  const ms = Number(amount || Number.NaN) * (UNIT_MS[unit] ?? Number.NaN);
  if (!(ms <= LONGEST_GRACE_MS))
    throw new UsageError(`--grace: ${JSON.stringify(text)} is not valid: expected 90s, 30m, 1h or 7d, 30d at most`);
  return ms;
}

function keyOrInput(given: string): string {
  return given === '-' ? readFileSync(0, 'utf8').trim() : given;
}

/** @throws UsageError it is none, or would mean something else in an env file */
function usableKey(given: string, host: string, name: string): string {
  const value = keyOrInput(given);
  const problem =
    keyProblem(value, host, name) ??
    (/[\s"'`#\\]/.test(value) ? 'it has a blank, quote, # or \\, which mean something in an env file' : undefined);
  if (problem) throw new UsageError(`key set: ${problem}`);
  return value;
}

function storedKey(dotenv: string, name: string): string {
  const stored = readEnvFile(dotenv)?.[name];
  const flag = name === SECRETS_KEY_VARIABLE ? ' --secrets' : '';
  if (!stored) throw new StartError(`${dotenv}: holds no ${name}: make one with apsnap key generate${flag}`);
  return stored;
}
