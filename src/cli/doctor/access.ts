/** Checks the keys, and the network that they are sent through. No row contains a key. */
import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { isLoopback } from '../../access/client-address.js';
import { KEY_VARIABLE, readEnvFile, SECRETS_KEY_VARIABLE } from '../../access/env-file.js';
import { isUnencrypted, unencryptedSecrets } from '../../access/exposure.js';
import { isDigest, keyProblem } from '../../access/key-format.js';
import { readKeys } from '../../access/keys.js';
import type { Config } from '../../config/config.js';
import { StartError } from '../../errors.js';
import { shellWord } from '../../service/shell-word.js';
import type { Row } from './report.js';

/** Minimum bits of a key. One with fewer can be guessed by a machine that has the file with its digest. */
const MIN_BITS = 64;

export function accessRows(config: Config, environment: NodeJS.Dict<string>): Row[] {
  const secrets = findSecretsKey(config, environment);
  return [
    { name: 'key', ...checkKey(config, environment) },
    { name: 'secrets', ...checkSecretsKey(config, secrets, environment) },
    { name: 'access', ...checkNetwork(config, secrets.kind === 'found') },
  ];
}

type Check = Omit<Row, 'name'>;
type Remark = Pick<Row, 'why' | 'advice'>;

function checkKey({ dotenv, host }: Config, environment: NodeJS.Dict<string>): Check {
  const fromEnvironment = environment[KEY_VARIABLE] || undefined;
  const source = fromEnvironment ? `the environment, ${KEY_VARIABLE}` : dotenv;
  let key = fromEnvironment;
  try {
    key ??= readEnvFile(dotenv)?.[KEY_VARIABLE];
  } catch (error) {
    const [why, advice] = (error as StartError).message.split('; ', 2);
    return { state: 'failing', source, why, advice };
  }
  if (!key) return { source, ...checkFolder(dirname(dotenv)) };
  const problem = keyProblem(key, host);
  if (problem) return { state: 'failing', source, why: problem, advice: 'apsnap key generate' };
  return { state: 'ok', source, ...((fromEnvironment ? undefined : openFile(dotenv)) ?? weakness(key)) };
}

/** Checks whether the service can generate a key into a folder. */
function checkFolder(folder: string): Omit<Check, 'source'> {
  if (!isWritable(folder)) {
    return { state: 'failing', why: `no key, and ${folder} cannot be written`, advice: 'name a file in another folder with --dotenv' };
  }
  if (isFull(folder)) {
    const advice = 'free some space, or name a file on another disk with --dotenv';
    return { state: 'failing', why: `no key, and the disk of ${folder} is full`, advice };
  }
  return { state: 'absent', why: 'no key: the service generates one when it starts' };
}

function openFile(dotenv: string): Remark | undefined {
  if ((statSync(dotenv).mode & 0o007) === 0) return undefined;
  return { why: 'every user of this machine can read it', advice: `chmod o= ${shellWord(dotenv)}` };
}

function weakness(key: string): Remark | undefined {
  // An upper bound: as if its characters were chosen at random from those that it has.
  const bits = isDigest(key) ? MIN_BITS : key.length * Math.log2(new Set(key).size);
  return bits >= MIN_BITS ? undefined : { why: 'it can be guessed: it is short or repeats itself', advice: 'apsnap key generate' };
}

type SecretsKey = { readonly kind: 'found' } | { readonly kind: 'none' } | { readonly kind: 'invalid'; readonly why: string };

function findSecretsKey({ dotenv, host }: Config, environment: NodeJS.Dict<string>): SecretsKey {
  try {
    const keys = readKeys({ dotenv, host, environment }) ?? [];
    return { kind: keys.some(({ access }) => access === 'secrets') ? 'found' : 'none' };
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    // Problems of the other key are in its own row.
    return error.message.startsWith(SECRETS_KEY_VARIABLE) ? { kind: 'invalid', why: error.message } : { kind: 'none' };
  }
}

function checkSecretsKey({ dotenv, exposeSecrets }: Config, secrets: SecretsKey, environment: NodeJS.Dict<string>): Check {
  const source = environment[SECRETS_KEY_VARIABLE] ? `the environment, ${SECRETS_KEY_VARIABLE}` : `${dotenv}, ${SECRETS_KEY_VARIABLE}`;
  if (secrets.kind === 'invalid') return { state: 'failing', source, why: secrets.why, advice: 'apsnap key generate --secrets' };
  const state = secrets.kind === 'found' ? 'ok' : 'absent';
  if (exposeSecrets) return { state, source, why: 'every key reads secrets: --expose-secrets' };
  return state === 'ok' ? { state, source } : { state, source, why: 'no key reads secrets' };
}

/** Checks what is between the service and its clients. */
function checkNetwork(config: Config, hasSecretsKey: boolean): Check {
  const { host, exposeSecrets, trustedProxies, allowedHosts, maxFailedKeys } = config;
  const facts = [
    host,
    allowedHosts.length > 0 && `responds to ${allowedHosts.join(' ')}`,
    trustedProxies.length > 0 && `trusts ${trustedProxies.join(' ')}`,
  ];
  const check = { state: 'ok', source: facts.filter(Boolean).join(', ') } as const;
  const everybody = trustedProxies.find((proxy) => proxy.endsWith('/0'));
  if (everybody !== undefined) {
    return { ...check, why: `--trust-proxy ${everybody} lets any client choose its address`, advice: 'name only the proxy' };
  }
  if (maxFailedKeys === Number.POSITIVE_INFINITY && !isLoopback(host)) {
    return { ...check, why: 'clients may try any number of wrong keys: --failed-keys off', advice: 'leave out the flag' };
  }
  if ((exposeSecrets || hasSecretsKey) && isUnencrypted(config)) {
    const advice = 'serve HTTPS (--tls-cert, --tls-key), or listen on 127.0.0.1 behind a proxy that does';
    return { ...check, why: unencryptedSecrets(config), advice };
  }
  return check;
}

function isWritable(folder: string): boolean {
  if (!existsSync(folder)) return false;
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Tells whether a disk has no space or no inodes left. Some file systems have no limit of inodes, and say 0 of 0. */
function isFull(folder: string): boolean {
  const { bavail, bfree, files, ffree } = statfsSync(folder);
  return (process.getuid?.() === 0 ? bfree : bavail) === 0 || (files > 0 && ffree === 0);
}
