import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { copyEnvFile, editEnvFile, KEY_VARIABLE, readEnvFile, SECRETS_KEY_VARIABLE, withVariable, writeKey } from '../access/env-file.js';
import { digestOf, generateKey, hashKey, isDigest, keyProblem } from '../access/key-format.js';
import type { Config } from '../config/config.js';
import { StartError, UsageError } from '../errors.js';

const ACTIONS = ['show', 'generate', 'set', 'hash', 'rotate', 'ensure', 'copy'] as const;
type Action = (typeof ACTIONS)[number];
/** Actions that a key or a file may follow. */
const WITH_ARGUMENT: readonly Action[] = ['set', 'hash', 'copy'];

/** The key that a command reads or writes. */
interface Target {
  readonly dotenv: string;
  /** The address that the service listens on. */
  readonly host: string;
  /** The variable of the key. */
  readonly name: string;
}

/** Where a command writes lines. */
export interface Output {
  print(line: string): void;
  /** Writes what isn't the result. */
  note(line: string): void;
}

const STANDARD_OUTPUT: Output = {
  print: (line) => process.stdout.write(`${line}\n`),
  note: (line) => process.stderr.write(`${line}\n`),
};

/**
 * Runs `apsnap key …`: reads or writes a key in the env file.
 *
 * @param words the words after `key`. A KEY of `-` is read from standard input, where `ps` doesn't show it
 * @param isSecrets whether to use the key that also reads secrets
 */
export function key({ dotenv, host }: Config, words: readonly string[], isSecrets = false, output: Output = STANDARD_OUTPUT): void {
  const { action, argument } = parseWords(words);
  const { print } = output;
  const target = { dotenv, host, name: isSecrets ? SECRETS_KEY_VARIABLE : KEY_VARIABLE };
  switch (action) {
    case 'copy':
      if (argument === undefined) throw new UsageError('key copy: the file is missing: expected key copy FILE');
      ensureKey(dotenv, output);
      copyEnvFile(dotenv, argument);
      return;
    case 'ensure':
      ensureKey(dotenv, output);
      return;
    case 'show':
      print(showableKey(target));
      return;
    case 'generate':
      replaceKey(target, generateKey());
      print(`a new key is in ${dotenv}`);
      return;
    case 'set':
      replaceKey(target, usableKey(argument, target));
      print(`the key is in ${dotenv}`);
      return;
    case 'hash':
      print(digestToPrint(argument, target));
      return;
    case 'rotate':
      rotate(target, output);
      return;
  }
}

function parseWords([word = '', argument, ...rest]: readonly string[]): { readonly action: Action; readonly argument: string | undefined } {
  const action = ACTIONS.find((each) => each === word);
  if (!action)
    throw new UsageError(`key ${word}: unknown command: expected key ${ACTIONS.slice(0, -1).join(', key ')} or key ${ACTIONS.at(-1)}`);
  const extra = rest[0] ?? (WITH_ARGUMENT.includes(action) ? undefined : argument);
  if (extra !== undefined) throw new UsageError(`key ${action}: unexpected argument ${JSON.stringify(extra)}: see apsnap --help`);
  return { action, argument };
}

function ensureKey(dotenv: string, { print }: Output): void {
  if (readEnvFile(dotenv)?.[KEY_VARIABLE]) return;
  writeKey(dotenv, generateKey());
  print(`a new key is in ${dotenv}`);
}

function showableKey(target: Target): string {
  const stored = storedKey(target);
  if (isDigest(stored))
    throw new StartError(`${target.dotenv}: holds only the digest of ${target.name}, not the key: apsnap key rotate makes a new one`);
  return stored;
}

/** Replaces the key. The old one stops working at once. */
function replaceKey({ dotenv, name }: Target, value: string): void {
  const other = name === KEY_VARIABLE ? SECRETS_KEY_VARIABLE : KEY_VARIABLE;
  const stored = readEnvFile(dotenv)?.[other];
  // The service would reject it, but only after the file has changed.
  if (stored && digestOf(stored).equals(digestOf(value))) throw new UsageError(`${name}: the same key as ${other}: expected another`);
  writeKey(dotenv, value, name);
}

/** Replaces the key with a new one and prints that to standard output only. A file that holds a digest gets the digest of the new key. */
function rotate(target: Target, { print, note }: Output): void {
  const { dotenv, name } = target;
  const before = storedKey(target);
  const next = generateKey();
  editEnvFile(dotenv, (text) => {
    // RaspAP's page may have written another key just now, which must not be lost.
    if (parseEnv(text)[name] !== before) throw new Error('another program changed it just now: try again');
    return withVariable(text, name, isDigest(before) ? hashKey(next) : next);
  });
  note(`a new ${name} is in ${dotenv}; a running service stops taking the old one within one second`);
  print(next);
}

function digestToPrint(given: string | undefined, target: Target): string {
  const value = given === undefined ? storedKey(target) : keyOrInput(given);
  if (isDigest(value)) return value;
  const problem = given === undefined ? undefined : keyProblem(value, target.host, target.name);
  if (problem) throw new UsageError(`key hash: ${problem}`);
  return hashKey(value);
}

function keyOrInput(given: string): string {
  return given === '-' ? readFileSync(0, 'utf8').trim() : given;
}

/** @throws {UsageError} if the key is missing, isn't valid, or would mean something else in an env file */
function usableKey(given: string | undefined, { host, name }: Target): string {
  if (given === undefined) throw new UsageError('key set: the key is missing: expected key set KEY, or key set - to read standard input');
  const value = keyOrInput(given);
  const problem =
    keyProblem(value, host, name) ??
    (/[\s"'`#\\]/.test(value) ? `${name} has a blank, quote, # or \\: expected none, as they have a meaning in an env file` : undefined);
  if (problem) throw new UsageError(`key set: ${problem}`);
  return value;
}

function storedKey({ dotenv, name }: Target): string {
  const stored = readEnvFile(dotenv)?.[name];
  const flag = name === SECRETS_KEY_VARIABLE ? ' --secrets' : '';
  if (!stored) throw new StartError(`${dotenv}: holds no ${name}: make one with apsnap key generate${flag}`);
  return stored;
}
