/** The configuration: flags, then the environment, then the env file, then defaults, read once into one frozen object. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { networks } from '../access/client-address.js';
import { readEnvFile } from '../access/env-file.js';
import { type CollectorName, collectors } from '../collectors/index.js';
import { cronProblem } from '../engine/cron.js';
import { StartError, UsageError } from '../errors.js';
import { ACCESS_LOG_MODES, type AccessLogMode } from '../http/middleware/access-log.js';
import type { TlsFiles } from '../http/server/certificate.js';
import type { Limits } from '../http/server/limits.js';

export interface Config {
  readonly host: string;
  readonly port: number;
  readonly rootfs: string;
  /** The file with the key. */
  readonly dotenv: string;
  readonly threads: number;
  readonly schedules: ReadonlyMap<CollectorName, string>;
  readonly exposeSecrets: boolean;
  /** How many may listen to events at once. */
  readonly maxListeners: number;
  /** For how many stations there are metrics of their own. */
  readonly maxStationMetrics: number;
  readonly corsOrigins: readonly string[];
  /** Names that `Host` may have; none: any. */
  readonly allowedHosts: readonly string[];
  /** Addresses and networks of proxies whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: readonly string[];
  /** Wrong keys that an address may send in a minute; infinite: any number. */
  readonly mostFailedKeys: number;
  /** Whether there is a dashboard at `/`. */
  readonly dashboard: boolean;
  /** Whether there is `/docs` and `/openapi.json`. */
  readonly docs: boolean;
  readonly accessLog: AccessLogMode;
  /** Undefined: plain HTTP. */
  readonly tls: TlsFiles | undefined;
  readonly limits: Limits;
  /** The PATH on which programs for sampling are looked for. */
  readonly path: string;
}

export interface Option {
  readonly flag: string;
  readonly variable: string;
  /** What stands for its value in the help; undefined: it takes none. */
  readonly value: string | undefined;
  readonly help: string;
}

/** The env file is in the first of these that exists. */
const ENV_FOLDERS = ['/etc/raspap/api', '/etc/apsnap'];

/** Every flag but `--help` and `--version`. */
export const options: readonly Option[] = [
  { flag: 'host', variable: 'APSNAP_HOST', value: 'ADDRESS', help: 'address to listen on (0.0.0.0)' },
  { flag: 'port', variable: 'APSNAP_PORT', value: 'PORT', help: 'port to listen on; 0: any that is free (8081)' },
  { flag: 'path.rootfs', variable: 'APSNAP_ROOTFS', value: 'DIR', help: 'every file is read below it (/)' },
  {
    flag: 'dotenv',
    variable: 'APSNAP_DOTENV',
    value: 'FILE',
    help: `file with the key (.env in the first of these that exists: ${ENV_FOLDERS.join(', ')}, the current folder)`,
  },
  { flag: 'threads', variable: 'APSNAP_THREADS', value: 'N', help: 'sampling threads (2)' },
  {
    flag: 'expose-secrets',
    variable: 'APSNAP_EXPOSE_SECRETS',
    value: undefined,
    help: 'show passphrases, passwords and VPN configurations (off)',
  },
  { flag: 'events.listeners', variable: 'APSNAP_EVENTS_LISTENERS', value: 'N', help: 'who may listen to /events at once, at most (200)' },
  {
    flag: 'metrics.stations',
    variable: 'APSNAP_METRICS_STATIONS',
    value: 'N',
    help: 'stations that have metrics of their own, at most; off: none (1000)',
  },
  { flag: 'cors-origin', variable: 'APSNAP_CORS_ORIGINS', value: 'ORIGIN', help: 'let pages of that origin ask; may be repeated (none)' },
  { flag: 'tls-cert', variable: 'APSNAP_TLS_CERT', value: 'FILE', help: 'serve HTTPS with that certificate and its chain, PEM (off)' },
  { flag: 'tls-key', variable: 'APSNAP_TLS_KEY', value: 'FILE', help: 'the private key of the certificate, PEM, not encrypted' },
  {
    flag: 'tls-client-ca',
    variable: 'APSNAP_TLS_CLIENT_CA',
    value: 'FILE',
    help: 'let in only clients with a certificate that is signed by one of these, PEM (off)',
  },
  {
    flag: 'allowed-host',
    variable: 'APSNAP_ALLOWED_HOSTS',
    value: 'NAME',
    help: 'answer to that name only, and to addresses; may be repeated (any)',
  },
  {
    flag: 'trust-proxy',
    variable: 'APSNAP_TRUST_PROXY',
    value: 'ADDRESS',
    help: 'proxy, or network of proxies as 10.0.0.0/8, whose X-Forwarded-For is believed; may be repeated (none)',
  },
  {
    flag: 'failed-keys',
    variable: 'APSNAP_FAILED_KEYS',
    value: 'N',
    help: 'wrong keys that an address may send in a minute; off: any number (20)',
  },
  { flag: 'no-dashboard', variable: 'APSNAP_NO_DASHBOARD', value: undefined, help: 'nothing at / (off)' },
  { flag: 'no-docs', variable: 'APSNAP_NO_DOCS', value: undefined, help: 'no /docs, no /openapi.json (off)' },
  { flag: 'max-connections', variable: 'APSNAP_MAX_CONNECTIONS', value: 'N', help: 'connections at once, at most (2000)' },
  { flag: 'timeout.headers', variable: 'APSNAP_TIMEOUT_HEADERS', value: 'SECONDS', help: 'until the headers of a request are there (10)' },
  { flag: 'timeout.request', variable: 'APSNAP_TIMEOUT_REQUEST', value: 'SECONDS', help: 'until the body is there too (20)' },
  { flag: 'timeout.idle', variable: 'APSNAP_TIMEOUT_IDLE', value: 'SECONDS', help: 'until a connection that asks nothing is closed (30)' },
  { flag: 'timeout.send', variable: 'APSNAP_TIMEOUT_SEND', value: 'SECONDS', help: 'until one that takes nothing of its answer is (30)' },
  { flag: 'access-log', variable: 'APSNAP_ACCESS_LOG', value: 'MODE', help: `${ACCESS_LOG_MODES.join(', ')} (summary)` },
  ...collectors.map(({ name, schedule }) => ({
    flag: `schedule.${name}`,
    variable: `APSNAP_SCHEDULE_${name.toUpperCase()}`,
    value: 'CRON',
    help: `when to sample: six cron fields, seconds first (${schedule})`,
  })),
];

/** Flags of some command alone: they have no variable. */
export const COMMAND_FLAGS = [
  { flag: 'grace', value: 'DURATION' },
  { flag: 'secrets', value: undefined },
] as const;

export interface CommandLine {
  /** Words that are no flags: the command and its arguments. */
  readonly words: readonly string[];
  /** Values of flags, by name. */
  readonly flags: ReadonlyMap<string, readonly string[]>;
}

/** Node's parseArgs takes a second for a hundred times as many. */
const MAX_ARGUMENTS = 1_000;

/**
 * Takes a command line apart.
 *
 * @throws UsageError an unknown flag, one without its value, or too many arguments
 */
export function parseCommandLine(args: readonly string[]): CommandLine {
  if (args.length > MAX_ARGUMENTS) throw new UsageError(`${args.length} arguments: expected ${MAX_ARGUMENTS} at most`);
  const known = [...options, ...COMMAND_FLAGS, { flag: 'help', value: undefined }, { flag: 'version', value: undefined }];
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(known.map(({ flag, value }) => [flag, { type: value ? 'string' : 'boolean' } as const])),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const words: string[] = [];
  const flags = new Map<string, string[]>();
  for (const token of tokens) {
    if (token.kind === 'positional') words.push(token.value);
    if (token.kind !== 'option') continue;
    const option = known.find(({ flag }) => flag === token.name && token.rawName === `--${flag}`);
    if (!option) throw new UsageError(`unknown flag ${token.rawName}: see apsnap --help`);
    // `--dotenv --port 80` forgot the file's name; one that begins like a flag can be given as --dotenv=--port.
    const isForgotten = token.value === undefined || (!token.inlineValue && token.value.startsWith('--'));
    if (option.value && isForgotten) throw new UsageError(`${token.rawName}: its value is missing: expected ${option.value}`);
    if (!option.value && token.value !== undefined) throw new UsageError(`${token.rawName}: takes no value`);
    flags.set(option.flag, [...(flags.get(option.flag) ?? []), token.value ?? '1']);
  }
  return { words, flags };
}

/** Where a value was found, as an error names it, and the value. */
interface Setting {
  readonly from: string;
  readonly text: string;
}

/**
 * @param environment variables of the process
 * @throws UsageError naming what is wrong and what is expected
 */
export function readConfig({ flags }: CommandLine, environment: NodeJS.Dict<string>): Config {
  const find = (flag: string, file: NodeJS.Dict<string> = {}): Setting[] => {
    const variable = options.find((option) => option.flag === flag)?.variable ?? '';
    const given = flags.get(flag);
    if (given) return given.map((text) => ({ from: `--${flag}`, text }));
    const text = environment[variable] || file[variable];
    return text ? [{ from: variable, text }] : [];
  };
  const folder = ENV_FOLDERS.find((known) => existsSync(known)) ?? '';
  const dotenv = resolve(find('dotenv').at(-1)?.text ?? join(folder, '.env'));
  const file = readSettings(dotenv);
  const one = <T>(flag: string, fallback: T, parse: (setting: Setting) => T): T => {
    const setting = find(flag, file).at(-1);
    return setting ? parse(setting) : fallback;
  };
  return Object.freeze({
    host: one('host', '0.0.0.0', ({ text }) => text),
    port: one('port', 8081, wholeNumber(0, 65_535)),
    rootfs: one('path.rootfs', '/', existingFolder),
    dotenv,
    threads: one('threads', 2, wholeNumber(1, 64)),
    schedules: new Map(collectors.map(({ name, schedule }) => [name, one(`schedule.${name}`, schedule, cronExpression)])),
    exposeSecrets: one('expose-secrets', false, onOrOff),
    maxListeners: one('events.listeners', 200, wholeNumber(0, 100_000)),
    maxStationMetrics: one('metrics.stations', 1_000, (setting) => (setting.text === 'off' ? 0 : wholeNumber(0, 100_000)(setting))),
    corsOrigins: find('cors-origin', file).flatMap(origins),
    allowedHosts: find('allowed-host', file).flatMap(hostNames),
    trustedProxies: find('trust-proxy', file).flatMap(proxies),
    mostFailedKeys: one('failed-keys', 20, (setting) =>
      setting.text === 'off' ? Number.POSITIVE_INFINITY : wholeNumber(1, 100_000)(setting),
    ),
    dashboard: !one('no-dashboard', false, onOrOff),
    docs: !one('no-docs', false, onOrOff),
    accessLog: one('access-log', 'summary', accessLogMode),
    tls: tlsFiles((flag) => find(flag, file).at(-1)),
    limits: Object.freeze({
      maxConnections: one('max-connections', 2_000, wholeNumber(1, 100_000)),
      headersMs: one('timeout.headers', 10_000, milliseconds),
      requestMs: one('timeout.request', 20_000, milliseconds),
      // Longer than a dashboard's interval, so that it keeps its connection.
      idleMs: one('timeout.idle', 30_000, milliseconds),
      sendMs: one('timeout.send', 30_000, milliseconds),
    }),
    path: environment.PATH ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  });
}

/** A file that we may not read has no settings for us (snapshot and doctor need none); who needs the key in it says so. */
function readSettings(dotenv: string): NodeJS.Dict<string> {
  try {
    return readEnvFile(dotenv) ?? {};
  } catch (error) {
    if (error instanceof StartError) return {};
    throw error;
  }
}

function invalid({ from, text }: Setting, expected: string): UsageError {
  return new UsageError(`${from}: ${JSON.stringify(text)} is not valid: expected ${expected}`);
}

function wholeNumber(least: number, most: number) {
  return (setting: Setting): number => {
    const value = Number(setting.text);
    if (!/^\d{1,9}$/.test(setting.text) || value < least || value > most) throw invalid(setting, `a whole number from ${least} to ${most}`);
    return value;
  };
}

/** Of a number of seconds. */
function milliseconds(setting: Setting): number {
  return wholeNumber(1, 3_600)(setting) * 1_000;
}

function existingFolder(setting: Setting): string {
  if (!existsSync(`${setting.text}/.`)) throw invalid(setting, 'an existing folder');
  return resolve(setting.text);
}

function cronExpression(setting: Setting): string {
  const problem = cronProblem(setting.text);
  if (problem) throw invalid(setting, `a cron expression: ${problem}`);
  return setting.text;
}

function onOrOff(setting: Setting): boolean {
  if (!/^(?:[01]|true|false)$/.test(setting.text)) throw invalid(setting, '1 or 0');
  return setting.text === '1' || setting.text === 'true';
}

function origins({ from, text }: Setting): string[] {
  const list = listed(text);
  for (const origin of list) {
    if (!URL.canParse(origin) || new URL(origin).origin !== origin) throw invalid({ from, text: origin }, 'an origin: https://example.org');
  }
  return list;
}

/** All paths are taken from the working directory of the start, which the service does not leave. */
function tlsFiles(find: (flag: string) => Setting | undefined): TlsFiles | undefined {
  const [cert, key, clientCa] = [find('tls-cert'), find('tls-key'), find('tls-client-ca')];
  if (cert && key) return { cert: resolve(cert.text), key: resolve(key.text), clientCa: clientCa && resolve(clientCa.text) };
  const alone = cert ?? key ?? clientCa;
  if (!alone) return undefined;
  const missing = [...(cert ? [] : ['--tls-cert']), ...(key ? [] : ['--tls-key'])];
  throw new UsageError(`${alone.from}: means nothing without ${missing.join(' and ')}`);
}

function hostNames({ from, text }: Setting): string[] {
  const list = listed(text);
  // Nothing would mean: any.
  if (list.length === 0) throw invalid({ from, text }, 'a name: ap.example.org');
  return list.map((name) => {
    const isName = /^[\w-]+(?:\.[\w-]+)*$/.test(name);
    if (!isName) throw invalid({ from, text: name }, 'a name without a port: ap.example.org');
    return name.toLowerCase();
  });
}

function proxies({ from, text }: Setting): string[] {
  const list = listed(text);
  const wrong = list.find((one) => networks([one]) === undefined);
  if (wrong !== undefined) throw invalid({ from, text: wrong }, 'an address or a network: 192.168.0.2, 10.0.0.0/8, fd00::/8');
  return list;
}

/** Values of a variable that may have several. */
function listed(text: string): string[] {
  return text.split(/[\s,]+/).filter(Boolean);
}

function accessLogMode(setting: Setting): AccessLogMode {
  const mode = ACCESS_LOG_MODES.find((known) => known === setting.text);
  if (!mode) throw invalid(setting, ACCESS_LOG_MODES.join(', '));
  return mode;
}
