/** Reads the configuration once: flags, then the environment, then the env file, then defaults. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readEnvFile } from '../access/env-file.js';
import { StartError } from '../errors.js';
import type { CommandLine } from './command-line.js';
import type { Config } from './config.js';
import { ENV_FOLDERS, options, scheduleOptions } from './options.js';
import {
  accessLogMode,
  cronExpression,
  existingFolder,
  hostNames,
  milliseconds,
  onOrOff,
  origins,
  proxies,
  type Setting,
  tlsFiles,
  wholeNumber,
  wholeNumberOr,
} from './validate.js';

/** `PATH` of a process that has none. */
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

const optionByFlag = new Map([...options, ...scheduleOptions].map((option) => [option.flag, option]));

/**
 * Reads and checks every setting.
 *
 * @param environment variables of the process
 * @throws {UsageError} if a setting is wrong: it names the setting and what is expected
 */
export function readConfig({ flags }: CommandLine, environment: NodeJS.Dict<string>): Config {
  const find = (flag: string, file: NodeJS.Dict<string> = {}): Setting[] => {
    const variable = optionByFlag.get(flag)?.variable ?? '';
    const given = flags.get(flag);
    if (given) return given.map((text) => ({ from: `--${flag}`, text }));
    const text = environment[variable] || file[variable];
    return text ? [{ from: variable, text }] : [];
  };
  const folder = ENV_FOLDERS.find((known) => existsSync(known)) ?? '';
  const dotenv = resolve(find('dotenv').at(-1)?.text ?? join(folder, '.env'));
  const file = readSettings(dotenv);
  const one = <T>(flag: string, parse: (setting: Setting) => T): T =>
    parse(find(flag, file).at(-1) ?? { from: `--${flag}`, text: optionByFlag.get(flag)?.default ?? '0' });
  /** Only an expression that was given is checked: node-cron takes 5 ms for all of the defaults. */
  const schedule = (flag: string): string => {
    const given = find(flag, file).at(-1);
    return given ? cronExpression(given) : (optionByFlag.get(flag)?.default ?? '');
  };
  return Object.freeze({
    host: one('host', ({ text }) => text),
    port: one('port', wholeNumber(0, 65_535)),
    rootfs: one('path.rootfs', existingFolder),
    dotenv,
    threads: one('threads', wholeNumber(1, 64)),
    schedules: new Map(scheduleOptions.map(({ collector, flag }) => [collector, schedule(flag)])),
    exposeSecrets: one('expose-secrets', onOrOff),
    maxListeners: one('events.listeners', wholeNumber(0, 100_000)),
    maxStationMetrics: one('metrics.stations', wholeNumberOr(0, 0, 100_000)),
    corsOrigins: find('cors-origin', file).flatMap(origins),
    allowedHosts: find('allowed-host', file).flatMap(hostNames),
    trustedProxies: find('trust-proxy', file).flatMap(proxies),
    maxFailedKeys: one('failed-keys', wholeNumberOr(Number.POSITIVE_INFINITY, 1, 100_000)),
    dashboard: !one('no-dashboard', onOrOff),
    docs: !one('no-docs', onOrOff),
    accessLog: one('access-log', accessLogMode),
    tls: tlsFiles((flag) => find(flag, file).at(-1)),
    limits: Object.freeze({
      maxConnections: one('max-connections', wholeNumber(1, 100_000)),
      headersMs: one('timeout.headers', milliseconds),
      requestMs: one('timeout.request', milliseconds),
      idleMs: one('timeout.idle', milliseconds),
      sendMs: one('timeout.send', milliseconds),
    }),
    path: environment.PATH ?? DEFAULT_PATH,
  });
}

/** Reads settings from the env file. One that this user may not read has none: the commands that need its key report it. */
function readSettings(dotenv: string): NodeJS.Dict<string> {
  try {
    return readEnvFile(dotenv) ?? {};
  } catch (error) {
    if (error instanceof StartError) return {};
    throw error;
  }
}
