/** What `--help` prints. The manual page and the completion read the same tables. */
import { KEY_VARIABLE, SECRETS_KEY_VARIABLE } from '../access/env-file.js';
import { GROUPS, type Option, options, SCHEDULE_SUMMARY, scheduleOptions } from '../config/options.js';
import { version } from '../version.js';

interface Entry {
  /** A command or flag, and what follows it. */
  readonly usage: string;
  readonly help: string;
}

export const commands: readonly Entry[] = [
  { usage: 'serve', help: 'run the service (the default command)' },
  { usage: 'snapshot [DOCUMENT...]', help: 'sample once and print documents as JSON (default: all but the lists of blocked names)' },
  { usage: 'doctor', help: 'check what each collector reads, and print what to do about failures' },
  { usage: 'key show', help: 'print the key in the env file' },
  { usage: 'key generate', help: 'replace the key with a new one without printing it' },
  { usage: 'key rotate', help: 'replace the key with a new one and print it' },
  { usage: 'key set KEY', help: 'replace the key with KEY, read from standard input if KEY is -' },
  {
    usage: 'key hash [KEY]',
    help: 'print the digest of KEY, which the env file may hold instead of the key (default: the key in the env file)',
  },
  { usage: 'key ensure', help: 'generate a key if the env file has none' },
  { usage: 'key copy FILE', help: 'generate a key if the env file has none, then copy the env file to FILE' },
  { usage: 'help [schedules]', help: 'print this help, or every collector with its schedule' },
  { usage: 'version', help: 'print the version' },
];

/** First words of the commands, each once. */
export const commandNames: readonly string[] = [...new Set(commands.map(({ usage }) => usage.split(' ')[0] as string))];

/** Flags that have no variable. */
export const generalFlags: readonly Entry[] = [
  { usage: '--secrets', help: `use ${SECRETS_KEY_VARIABLE} in key commands, the optional key that also reads secrets` },
  { usage: '--help, -h', help: 'print this help' },
  { usage: '--version, -v', help: 'print the version' },
];

export const KEY_HELP = `The key is ${KEY_VARIABLE}, in the environment or in the env file. If there is none, the service generates it.
${SECRETS_KEY_VARIABLE} is an optional second key that also reads secrets.
Either may be given as sha256: and 64 hexadecimal digits. A running service picks up a new key within one second.`;

/** Returns the options of a group of `--help`. */
export function optionsOf(group: Option['group']): readonly Option[] {
  return [...options, SCHEDULE_SUMMARY].filter((option) => option.group === group);
}

/** Describes an option: meaning and default. */
export function describeOption({ help: text, default: value, defaultText = value }: Option): string {
  return `${text} (default: ${defaultText})`;
}

/** Returns what `--help` prints. */
export function help(): string {
  const rows = (group: Option['group']) =>
    optionsOf(group).map((option) => [usageOf(option), option.variable, describeOption(option)] as const);
  const widths = [26, 26];
  return `apsnap ${version}: a REST API and dashboard for Linux access points

usage: apsnap [COMMAND] [OPTIONS]

Commands:
${columns(commands.map(({ usage, help: text }) => [usage, text]))}

Each option is a flag, or a variable in the environment or in the env file. Flags override the environment, which overrides the env file.
${GROUPS.map((group) => `\n${group}:\n${columns(rows(group), widths)}\n`).join('')}
General:
${columns(generalFlags.map(({ usage, help: text }) => [usage, text]))}

${KEY_HELP}
`;
}

/** Returns what `apsnap help schedules` prints. */
export function schedulesHelp(): string {
  return `When each collector runs: six cron fields, which are second, minute, hour, day of the month, month and day of the week.
Change one with --schedule.COLLECTOR or its variable, such as --schedule.cpu '*/5 * * * * *' for every five seconds.

${columns([['COLLECTOR', 'VARIABLE', 'DEFAULT'], ...scheduleOptions.map((option) => [option.collector, option.variable, option.default])])}
`;
}

function usageOf({ flag, value }: Option): string {
  return `--${flag}${value ? ` ${value}` : ''}`;
}

/** Formats rows as lines. Each column except the last is as wide as its widest cell, or wider. */
function columns(rows: readonly (readonly string[])[], minWidths: readonly number[] = []): string {
  const widths =
    rows[0]?.slice(0, -1).map((_cell, column) => Math.max(minWidths[column] ?? 0, ...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`).join('\n');
}
