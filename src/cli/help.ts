/** What the command line takes, in words: `--help`; the manual page and the completion are made of the same. */

import { KEY_VARIABLE, SECRETS_KEY_VARIABLE } from '../access/env-file.js';
import { options } from '../config/read.js';
import { version } from '../version.js';

interface Command {
  /** The command, and what follows it. */
  readonly usage: string;
  readonly help: string;
}

export const commands: readonly Command[] = [
  { usage: 'serve', help: 'run the service (what it does without a command)' },
  { usage: 'snapshot [DOCUMENT...]', help: 'sample once, print JSON, exit' },
  { usage: 'key show', help: 'print the key in the env file' },
  { usage: 'key generate', help: 'put a new key there; the one before stops' },
  { usage: 'key set KEY', help: 'put this key there; - reads it from standard input' },
  { usage: 'key rotate', help: 'put a new key there and print it; --grace 1h: the one before counts for so long' },
  { usage: 'key hash [KEY]', help: 'print the digest of the key there, or of KEY, - from standard input: it may stand in its place' },
  { usage: 'key ensure', help: 'make a key if there is none' },
  { usage: 'key copy FILE', help: 'the same, and put a copy of the env file there, for a service that may not read it' },
  { usage: 'doctor', help: 'for each collector: what it reads, whether it can, what to do if it cannot' },
  { usage: 'install', help: 'as root: set the service up with systemd, where there is no package for that' },
  { usage: 'uninstall', help: 'as root: take it away again; the key stays' },
];

/** Their first words, each once. */
export const commandNames: readonly string[] = [...new Set(commands.map(({ usage }) => usage.split(' ')[0] as string))];

export const KEY_HELP = `The key is ${KEY_VARIABLE}, in the environment or in the env file; without one the service generates it.
${SECRETS_KEY_VARIABLE}, if there is one, is another that sees secrets too: with --secrets the key commands mean that one.
Either may be given as sha256: and 64 hexadecimal digits.`;

/** @returns what `--help` prints */
export function help(): string {
  const flagged = options.map(({ flag, value, variable, help: text }) => [`--${flag}${value ? ` ${value}` : ''}`, variable, text]);
  return `apsnap ${version}: a REST API for Linux access points, served from memory

usage: apsnap [COMMAND] [OPTIONS]

${columns(commands.map(({ usage, help: text }) => [usage, text]))}

options, and the variables that do the same, in the environment or in the env file:

${columns(flagged)}

  --help
  --version

${KEY_HELP}
`;
}

/** Rows as lines, all but the last column as wide as its widest. */
function columns(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.slice(0, -1).map((_cell, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`).join('\n');
}
