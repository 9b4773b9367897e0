/** What `apsnap doctor` says of who gets in: the keys, and what they are sent through. No key is in it. */
import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { isDigest, isLoopback, KEY_VARIABLE, keyProblem, readEnvFile, SECRETS_KEY_VARIABLE } from '../../access/env-file.js';
import { type Keyring, readKeyring } from '../../access/keys.js';
import type { Config } from '../../config/read.js';
import { StartError } from '../../errors.js';
import type { Row } from './doctor.js';

/** A key of fewer bits is one that a machine guesses, given the time and the file with its digest. */
const GOOD_BITS = 64;

export function accessRows(config: Config, environment: NodeJS.Dict<string>): Row[] {
  return [keyRow(config, environment), secretsKeyRow(config, environment), networkRow(config, environment)];
}

function keyRow({ dotenv, host }: Config, environment: NodeJS.Dict<string>): Row {
  const fromEnvironment = environment[KEY_VARIABLE] || undefined;
  const source = fromEnvironment ? `the environment, ${KEY_VARIABLE}` : dotenv;
  let value = fromEnvironment;
  try {
    value ??= readEnvFile(dotenv)?.[KEY_VARIABLE];
  } catch (error) {
    const [why, advice] = (error as StartError).message.split('; ', 2);
    return { name: 'key', state: 'failing', source, why, advice };
  }
  if (value) {
    const problem = keyProblem(value, host);
    if (problem) return { name: 'key', state: 'failing', source, why: problem, advice: 'apsnap key generate' };
    const older = olderKeys({ dotenv, host }, environment);
    return { name: 'key', state: 'ok', source, ...(openFile(dotenv, fromEnvironment) ?? weakness(value) ?? older) };
  }
  const folder = dirname(dotenv);
  if (isWritable(folder) && isFull(folder)) {
    const why = `there is none, and the disk of ${folder} is full`;
    return { name: 'key', state: 'failing', source, why, advice: 'free some space, or name a file on another disk with --dotenv' };
  }
  if (isWritable(folder)) return { name: 'key', state: 'absent', source, why: 'the service will generate one when it starts' };
  return {
    name: 'key',
    state: 'failing',
    source,
    why: `there is none, and ${folder} cannot be written`,
    advice: 'name a file that can be with --dotenv',
  };
}

type Remark = Pick<Row, 'why' | 'advice'>;

function openFile(dotenv: string, fromEnvironment: string | undefined): Remark | undefined {
  if (fromEnvironment || (statSync(dotenv).mode & 0o007) === 0) return undefined;
  return { why: 'every user of this machine can read it', advice: `chmod o= ${dotenv}` };
}

function weakness(value: string): Remark | undefined {
  // Were all of its characters chosen by chance, of those that are in it.
  const bits = isDigest(value) ? GOOD_BITS : value.length * Math.log2(new Set(value).size);
  return bits >= GOOD_BITS ? undefined : { why: 'it can be guessed: it is short, or repeats itself', advice: 'apsnap key generate' };
}

function olderKeys(where: Pick<Config, 'dotenv' | 'host'>, environment: NodeJS.Dict<string>): Remark | undefined {
  const keyring = keyringOf(where, environment);
  if (keyring instanceof StartError) return undefined;
  const ends = keyring?.keys.flatMap(({ access, untilMs }) => (access === 'read' && untilMs !== undefined ? [untilMs] : [])) ?? [];
  if (ends.length > 0) return { why: `a key before it counts until ${new Date(Math.max(...ends)).toISOString()}` };
  return keyring?.warnings[0] === undefined ? undefined : { why: keyring.warnings[0], advice: 'apsnap key rotate' };
}

/** Whether what is sent can be read on its way. */
export function isInTheOpen({ host, tls }: Config): boolean {
  return !tls && !isLoopback(host);
}

export function secretsInTheOpen({ host }: Config): string {
  return `secrets are sent over plain HTTP on ${host}: whoever listens on the network reads them, and the key`;
}

/** The keys as the service would find them, or why it would not start with them. */
function keyringOf({ dotenv, host }: Pick<Config, 'dotenv' | 'host'>, environment: NodeJS.Dict<string>): Keyring | undefined | StartError {
  try {
    return readKeyring({ dotenv, host, environment });
  } catch (error) {
    if (error instanceof StartError) return error;
    throw error;
  }
}

function secretsKeyRow(config: Config, environment: NodeJS.Dict<string>): Row {
  const fromEnvironment = environment[SECRETS_KEY_VARIABLE] || undefined;
  const source = fromEnvironment ? `the environment, ${SECRETS_KEY_VARIABLE}` : `${config.dotenv}, ${SECRETS_KEY_VARIABLE}`;
  const row = { name: 'secrets', source };
  const keyring = keyringOf(config, environment);
  // What is wrong with the other key, the row above says.
  if (keyring instanceof StartError && keyring.message.startsWith(SECRETS_KEY_VARIABLE)) {
    return { ...row, state: 'failing', why: keyring.message, advice: 'apsnap key generate --secrets' };
  }
  const exists = hasSecretsKey(keyring);
  if (config.exposeSecrets) return { ...row, state: exists ? 'ok' : 'absent', why: 'every key sees secrets: --expose-secrets' };
  return exists ? { ...row, state: 'ok' } : { ...row, state: 'absent', why: 'nobody sees secrets' };
}

/** What is between the service and who asks. */
function networkRow(config: Config, environment: NodeJS.Dict<string>): Row {
  const { host, exposeSecrets, trustedProxies, allowedHosts, mostFailedKeys } = config;
  const showsSecrets = exposeSecrets || hasSecretsKey(keyringOf(config, environment));
  const facts = [
    host,
    allowedHosts.length > 0 && `answers to ${allowedHosts.join(' ')}`,
    trustedProxies.length > 0 && `believes ${trustedProxies.join(' ')}`,
  ];
  const row = { name: 'access', state: 'ok', source: facts.filter(Boolean).join(', ') } as const;
  const everybody = trustedProxies.find((proxy) => proxy.endsWith('/0'));
  if (everybody !== undefined) {
    return { ...row, why: `--trust-proxy ${everybody} lets anybody say that he is somebody else`, advice: 'name the proxy only' };
  }
  if (mostFailedKeys === Number.POSITIVE_INFINITY && !isLoopback(host)) {
    return { ...row, why: 'any number of wrong keys may be tried: --failed-keys off', advice: 'leave the flag out' };
  }
  if (showsSecrets && isInTheOpen(config)) {
    return {
      ...row,
      why: secretsInTheOpen(config),
      advice: 'serve HTTPS (--tls-cert, --tls-key), or listen on 127.0.0.1 behind a proxy that does',
    };
  }
  return row;
}

function hasSecretsKey(keyring: Keyring | undefined | StartError): boolean {
  return keyring !== undefined && !(keyring instanceof StartError) && keyring.keys.some(({ access }) => access === 'secrets');
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

/** Of space or of room for names; some file systems have no limit of names, and say 0 of 0. */
function isFull(folder: string): boolean {
  const { bavail, bfree, files, ffree } = statfsSync(folder);
  return (process.getuid?.() === 0 ? bfree : bavail) === 0 || (files > 0 && ffree === 0);
}
