/** The lines that the service logs when it listens: where, with which key, and a command to try. */
import { KEY_VARIABLE, readEnvFile, SECRETS_KEY_VARIABLE } from '../access/env-file.js';
import { isUnencrypted, unencryptedSecrets } from '../access/exposure.js';
import { isDigest } from '../access/key-format.js';
import type { Config } from '../config/config.js';
import { isSelfSigned, nameToAskFor, type TlsPair } from '../http/server/certificate.js';
import { version } from '../version.js';
import { shellWord } from './shell-word.js';

/** Returns warnings about secrets that more people can read than the configuration suggests. */
export function secretsWarnings(config: Config, hasSecretsKey: boolean): string[] {
  const { exposeSecrets } = config;
  return [
    ...(exposeSecrets && hasSecretsKey
      ? [`--expose-secrets shows secrets to every key: ${SECRETS_KEY_VARIABLE} reads no more than ${KEY_VARIABLE}`]
      : []),
    ...((exposeSecrets || hasSecretsKey) && isUnencrypted(config) ? [unencryptedSecrets(config)] : []),
  ];
}

/** Returns the lines. None of them contains a key. */
export function banner(config: Config, port: number, environment: NodeJS.Dict<string>, pair: TlsPair | undefined): string[] {
  const { host, docs } = config;
  const address = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  const scheme = pair ? 'https' : 'http';
  const name = pair ? nameToAskFor(pair, address) : address;
  const local = `${scheme}://${authority(name, port)}`;
  const { place, shell } = keySource(config, environment);
  const options = pair ? curlOptions(config, port, pair, address, name) : '';
  return [
    `apsnap ${version} listening on ${scheme}://${authority(host, port)}`,
    `key: ${place}`,
    ...(docs ? [`docs: ${local}/docs`] : []),
    `try: curl ${options}-H "access_token: ${shell}" ${local}/system`,
  ];
}

function authority(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Where the key is, for people, and a shell word that gives it. */
interface KeySource {
  readonly place: string;
  readonly shell: string;
}

function keySource({ dotenv }: Config, environment: NodeJS.Dict<string>): KeySource {
  const given = environment[KEY_VARIABLE];
  const { RUNTIME_DIRECTORY: runtime } = environment;
  // Only the service may read the copy that the unit makes for it.
  if (!given && runtime && dotenv.startsWith(`${runtime}/`))
    return { place: 'sudo apsnap key show prints it', shell: '$(sudo apsnap key show)' };
  const place = given ? `the environment, ${KEY_VARIABLE}` : dotenv;
  // A digest doesn't give the key.
  if (isDigest(given || (readEnvFile(dotenv)?.[KEY_VARIABLE] ?? ''))) return { place, shell: 'KEY' };
  const self = process.argv.slice(0, 2).map(shellWord).join(' ');
  return { place, shell: given ? `$${KEY_VARIABLE}` : `$(${self} key show --dotenv ${shellWord(dotenv)})` };
}

/** Returns the options with which curl trusts the certificate and, if needed, shows its own. */
function curlOptions({ tls }: Config, port: number, pair: TlsPair, address: string, name: string): string {
  const trust = isSelfSigned(pair) ? `--cacert ${shellWord(tls?.cert ?? '')} ` : '';
  const identity = pair.clientCa === undefined ? '' : '--cert YOUR_CERTIFICATE --key ITS_KEY ';
  // The name of the certificate may not resolve to this machine.
  const route = name === address ? '' : `--connect-to ${name}:${port}:${authority(address, port)} `;
  return `${trust}${identity}${route}`;
}
