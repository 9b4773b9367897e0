import { readFileSync } from 'node:fs';
import type { Config } from '../config.js';
import { StartError, UsageError } from '../errors.js';
import { generateKey, KEY_VARIABLE, keyProblem, readEnvFile, writeKey } from '../key.js';

/**
 * `apsnap key show|generate|set KEY`: reads or writes the key in the env file. A running service takes a new one by itself.
 *
 * @param words what follows `key`; KEY may be `-`: then it is read from standard input, out of sight of `ps`
 */
export function key({ dotenv, host }: Config, words: readonly string[]): void {
  const [action, given, ...rest] = words;
  if (rest.length > 0 || (given !== undefined && action !== 'set'))
    throw new UsageError(`key ${action}: too many words: see apsnap --help`);
  switch (action) {
    case 'show':
      process.stdout.write(`${storedKey(dotenv)}\n`);
      return;
    case 'generate':
      writeKey(dotenv, generateKey());
      process.stdout.write(`a new key is in ${dotenv}\n`);
      return;
    case 'set': {
      if (given === undefined)
        throw new UsageError('key set: the key is missing: expected key set KEY, or key set - to read it from standard input');
      const value = given === '-' ? readFileSync(0, 'utf8').trim() : given;
      const problem =
        keyProblem(value, host) ??
        (/[\s"'`#\\]/.test(value) ? 'it has a blank, quote, # or \\, which mean something in an env file' : undefined);
      if (problem) throw new UsageError(`key set: ${problem}`);
      writeKey(dotenv, value);
      process.stdout.write(`the key is in ${dotenv}\n`);
      return;
    }
    default:
      throw new UsageError(`key ${action ?? ''}: expected key show, key generate or key set KEY`);
  }
}

function storedKey(dotenv: string): string {
  const stored = readEnvFile(dotenv)?.[KEY_VARIABLE];
  if (!stored) throw new StartError(`${dotenv}: holds no ${KEY_VARIABLE}: make one with apsnap key generate`);
  return stored;
}
