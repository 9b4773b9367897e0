/** The keys of the running service: read at the start, and again whenever the env file changes. */
import { StartError, UsageError } from '../errors.js';
import { KEY_VARIABLE, SECRETS_KEY_VARIABLE, writeKey } from './env-file.js';
import { generateKey } from './key-format.js';
import { type Access, createKeyCheck, type KeyCheck, type KeySources, readKeys, type ValidKey } from './keys.js';
import { type Watch, watchFiles } from './watch-files.js';

/** Interval of polling the env file: a new key must work within one second. */
const POLL_MS = 500;

export interface CurrentKeys {
  /** Returns the check of the keys that are valid now. */
  check(): KeyCheck;
  /** Tells whether a valid key reads secrets. */
  readsSecrets(): boolean;
  /** Watches the env file, and calls back whenever other keys are valid. */
  watch(onChange: () => void): Watch;
}

/**
 * Reads the keys. If there is none, it generates one into the env file.
 *
 * @param log takes a line. No key is ever in it
 * @param pollMs interval of polling the env file
 * @throws {UsageError} if a key must not be used
 * @throws {StartError} if the env file can't be read or written
 */
export function openKeys(sources: KeySources, log: (line: string) => void, pollMs = POLL_MS): CurrentKeys {
  const { dotenv, environment } = sources;
  let keys = readOrGenerate(sources, log);
  let check = createKeyCheck(keys);
  let reported = '';

  function report(problem: string): void {
    if (problem && problem !== reported) log(`ERROR: ${problem}`);
    reported = problem;
  }

  /** @returns whether other keys are valid now */
  function reread(): boolean {
    let found: readonly ValidKey[] | undefined;
    try {
      found = readKeys(sources);
    } catch (error) {
      const { message } = error as Error;
      // An error of reading the file names the file already.
      report(message.startsWith(dotenv) ? message : `${dotenv}: rejected the new key: ${message}; the last valid one still works`);
      return false;
    }
    report(found ? '' : `${dotenv}: ${KEY_VARIABLE} is missing; the last valid key still works`);
    if (!found) return false;
    const isOther = {
      read: digestIn(found, 'read') !== digestIn(keys, 'read'),
      secrets: digestIn(found, 'secrets') !== digestIn(keys, 'secrets'),
    };
    if (isOther.read) log(`INFO: ${dotenv}: the new key works from now on`);
    if (isOther.secrets) {
      const hasOne = digestIn(found, 'secrets') !== undefined;
      log(`INFO: ${dotenv}: ${hasOne ? `the new ${SECRETS_KEY_VARIABLE} works from now on` : `${SECRETS_KEY_VARIABLE} was removed`}`);
    }
    // A key and its digest are the same key, but only one of them shows what clients send.
    keys = found;
    check = createKeyCheck(keys);
    return isOther.read || isOther.secrets;
  }

  return {
    check: () => check,
    readsSecrets: () => keys.some(({ access }) => access === 'secrets'),
    watch(onChange) {
      if (environment[KEY_VARIABLE] && environment[SECRETS_KEY_VARIABLE]) return { stop() {} };
      return watchFiles([dotenv], pollMs, () => reread() && onChange());
    },
  };
}

function readOrGenerate(sources: KeySources, log: (line: string) => void): readonly ValidKey[] {
  const { dotenv } = sources;
  const found = readOrRefuse(sources);
  if (found) return found;
  writeKey(dotenv, generateKey());
  log(`INFO: generated a key into ${dotenv}`);
  const generated = readOrRefuse(sources);
  if (!generated)
    throw new StartError(`${dotenv}: the generated key is missing: expected ${KEY_VARIABLE}; check what else writes the file`);
  return generated;
}

function readOrRefuse(sources: KeySources): readonly ValidKey[] | undefined {
  try {
    return readKeys(sources);
  } catch (error) {
    if (!(error instanceof StartError) || error.message.includes('cannot be read')) throw error;
    const flag = error.message.startsWith(SECRETS_KEY_VARIABLE) ? ' --secrets' : '';
    throw new UsageError(`${error.message}; not listening on ${sources.host}: make a better key with apsnap key generate${flag}`);
  }
}

function digestIn(keys: readonly ValidKey[], access: Access): string | undefined {
  return keys.find((key) => key.access === access)?.digest.toString('hex');
}
