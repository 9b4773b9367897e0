/** The keys that the running service takes: found when it starts, and anew whenever the env file changes. */
import { StartError, UsageError } from '../errors.js';
import { generateKey, KEY_VARIABLE, SECRETS_KEY_VARIABLE, watchEnvFile, writeKey } from './env-file.js';
import { createKeyCheck, type KeyCheck, type Keyring, type KeySources, readKeyring } from './keys.js';

export interface KeysInForce {
  check(): KeyCheck;
  /** Whether there is one that sees secrets. */
  seesSecrets(): boolean;
  /** Calls back whenever other keys count. */
  follow(onChange: () => void): { stop(): void };
}

/**
 * Finds the keys; where there is none that reads, one is generated into the env file.
 *
 * @param log takes a line; no key is ever in it
 * @throws UsageError one is not to be used
 * @throws StartError none can be read or written
 */
export function findKeys(sources: KeySources, log: (line: string) => void): KeysInForce {
  const { dotenv, host, environment } = sources;
  let keyring = orRefuse(host, () => readKeyring(sources));
  if (!keyring) {
    writeKey(dotenv, generateKey());
    log(`INFO: generated a key into ${dotenv}`);
    keyring = orRefuse(host, () => readKeyring(sources));
    if (!keyring) throw new StartError(`${dotenv}: the key that was written there cannot be found`);
  }
  for (const warning of keyring.warnings) log(`WARNING: ${dotenv}: ${warning}`);
  let current: Keyring = keyring;
  let check = createKeyCheck(current.keys);
  let reported = '';

  /** @returns whether other keys count now */
  function look(): boolean {
    let problem = '';
    let changed = false;
    try {
      const found = readKeyring(sources);
      if (!found) problem = `${dotenv}: holds no ${KEY_VARIABLE} any more; the last one stays in force`;
      else if (described(found) !== described(current)) {
        tell(found);
        current = found;
        check = createKeyCheck(found.keys);
        changed = true;
      }
    } catch (error) {
      const { message } = error as Error;
      // Of the file it names the file itself.
      problem = message.startsWith(dotenv) ? message : `${dotenv}: the new key is not taken: ${message}; the last one stays in force`;
    }
    if (problem && problem !== reported) log(`ERROR: ${problem}`);
    reported = problem;
    return changed;
  }

  function tell(found: Keyring): void {
    for (const warning of found.warnings) log(`WARNING: ${dotenv}: ${warning}`);
    const [before, now] = [current, found].map((keyring) => currentKey(keyring, 'secrets'));
    if (currentKey(found, 'read') !== currentKey(current, 'read')) log(`INFO: ${dotenv}: the new key counts from now on`);
    if (now !== before) {
      log(`INFO: ${dotenv}: ${now ? `the new ${SECRETS_KEY_VARIABLE} counts from now on` : `no ${SECRETS_KEY_VARIABLE} any more`}`);
    }
    for (const { access, untilMs } of found.keys) {
      if (untilMs === undefined) continue;
      log(`INFO: ${dotenv}: an older ${access === 'read' ? 'key' : SECRETS_KEY_VARIABLE} counts until ${new Date(untilMs).toISOString()}`);
    }
  }

  return {
    check: () => check,
    seesSecrets: () => current.keys.some(({ access }) => access === 'secrets'),
    follow(onChange) {
      if (environment[KEY_VARIABLE] && environment[SECRETS_KEY_VARIABLE]) return { stop() {} };
      return watchEnvFile(dotenv, () => look() && onChange());
    },
  };
}

function currentKey({ keys }: Keyring, access: 'read' | 'secrets'): string | undefined {
  return keys.find((key) => key.access === access && key.untilMs === undefined)?.digest.toString('hex');
}

/** Two keyrings with the same keys are described the same. */
function described({ keys, warnings }: Keyring): string {
  return JSON.stringify([
    keys.map(({ access, digest, untilMs, text }) => [access, digest.toString('hex'), untilMs, text === undefined]),
    warnings,
  ]);
}

function orRefuse<T>(host: string, find: () => T): T {
  try {
    return find();
  } catch (error) {
    if (!(error instanceof StartError) || error.message.includes('cannot be read')) throw error;
    const which = error.message.startsWith(SECRETS_KEY_VARIABLE) ? ' --secrets' : '';
    throw new UsageError(`${error.message}: refusing to listen on ${host}; make a better one with: apsnap key generate${which}`);
  }
}
