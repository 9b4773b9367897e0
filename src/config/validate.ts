/** Checks the text of settings, and turns it into values. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import cron from 'node-cron';
import { networks } from '../access/client-address.js';
import { UsageError } from '../errors.js';
import { ACCESS_LOG_MODES, type AccessLogMode, type TlsFiles } from './config.js';

/** A value as it was given. */
export interface Setting {
  /** The flag or variable, as an error names it. */
  readonly from: string;
  readonly text: string;
}

function invalid({ from, text }: Setting, expected: string): UsageError {
  return new UsageError(`${from}: ${JSON.stringify(text)} is not valid: expected ${expected}`);
}

/** Returns a parser of whole numbers from `min` to `max`. */
export function wholeNumber(min: number, max: number) {
  return (setting: Setting): number => {
    const value = Number(setting.text);
    if (!/^\d{1,9}$/.test(setting.text) || value < min || value > max) throw invalid(setting, `a whole number from ${min} to ${max}`);
    return value;
  };
}

/** Returns a parser of whole numbers from `min` to `max`, and of `off`, which gives `off`. */
export function wholeNumberOr(off: number, min: number, max: number) {
  return (setting: Setting): number => (setting.text === 'off' ? off : wholeNumber(min, max)(setting));
}

/** Parses seconds. Returns milliseconds. */
export function milliseconds(setting: Setting): number {
  return wholeNumber(1, 3_600)(setting) * 1_000;
}

export function existingFolder(setting: Setting): string {
  if (!existsSync(`${setting.text}/.`)) throw invalid(setting, 'an existing folder');
  return resolve(setting.text);
}

export function onOrOff(setting: Setting): boolean {
  if (!/^(?:[01]|true|false)$/.test(setting.text)) throw invalid(setting, '1 or 0');
  return setting.text === '1' || setting.text === 'true';
}

export function accessLogMode(setting: Setting): AccessLogMode {
  const mode = ACCESS_LOG_MODES.find((known) => known === setting.text);
  if (!mode) throw invalid(setting, ACCESS_LOG_MODES.join(', '));
  return mode;
}

/** Maximum characters of a cron expression: room for sixty numbers in each field. Longer ones are invalid. */
const MAX_CRON_CHARS = 1_000;

export function cronExpression(setting: Setting): string {
  const problem = cronProblem(setting.text);
  if (problem) throw invalid(setting, `a cron expression: ${problem}`);
  return setting.text;
}

/**
 * Checks a cron expression: second, minute, hour, day of the month, month, day of the week.
 *
 * @returns what is wrong with it, `undefined` if it is valid
 */
export function cronProblem(expression: string): string | undefined {
  // node-cron lists all numbers of a range before it checks them: a range to 4294967295 ends the process.
  if (expression.length > MAX_CRON_CHARS) return `at most ${MAX_CRON_CHARS} characters are expected`;
  if (/\d{3}/.test(expression)) return 'numbers of at most two digits are expected';
  if (expression.trim().split(/\s+/).length !== 6) return 'six fields are expected, seconds first: */2 * * * * *';
  const { valid, errors } = cron.validateDetailed(expression);
  if (valid) return undefined;
  return errors
    .map(({ field, value, message }) => (value === undefined ? message : `${field} ${JSON.stringify(value)}: ${message}`))
    .join('; ');
}

export function origins({ from, text }: Setting): string[] {
  const list = listed(text);
  for (const origin of list) {
    if (!URL.canParse(origin) || new URL(origin).origin !== origin) throw invalid({ from, text: origin }, 'an origin: https://example.org');
  }
  return list;
}

/** Parses host names without ports. Returns them in lower case. */
export function hostNames({ from, text }: Setting): string[] {
  const list = listed(text);
  // An empty list would allow any name.
  if (list.length === 0) throw invalid({ from, text }, 'a name: ap.example.org');
  return list.map((name) => {
    const isName = /^[\w-]+(?:\.[\w-]+)*$/.test(name);
    if (!isName) throw invalid({ from, text: name }, 'a name without a port: ap.example.org');
    return name.toLowerCase();
  });
}

export function proxies({ from, text }: Setting): string[] {
  const list = listed(text);
  const wrong = list.find((one) => networks([one]) === undefined);
  if (wrong !== undefined) throw invalid({ from, text: wrong }, 'an address or a network: 192.168.0.2, 10.0.0.0/8, fd00::/8');
  return list;
}

/** Splits the text of a variable that may hold several values. */
function listed(text: string): string[] {
  return text.split(/[\s,]+/).filter(Boolean);
}

/**
 * Resolves the paths against the working directory at the start.
 *
 * @throws {UsageError} if the certificate or its key is missing
 */
export function tlsFiles(find: (flag: string) => Setting | undefined): TlsFiles | undefined {
  const [cert, key, clientCa] = [find('tls-cert'), find('tls-key'), find('tls-client-ca')];
  if (cert && key) return { cert: resolve(cert.text), key: resolve(key.text), clientCa: clientCa && resolve(clientCa.text) };
  const given = cert ?? key ?? clientCa;
  if (!given) return undefined;
  const missing = [...(cert ? [] : ['--tls-cert']), ...(key ? [] : ['--tls-key'])];
  throw new UsageError(
    `${given.from}: ${missing.join(' and ')} ${missing.length > 1 ? 'are' : 'is'} missing: expected both files of HTTPS`,
  );
}
