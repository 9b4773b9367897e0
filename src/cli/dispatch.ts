/** Chooses the command of a command line, and runs it. */
import { type CommandLine, parseCommandLine } from '../config/command-line.js';
import { nearest } from '../config/nearest.js';
import { readConfig } from '../config/read.js';
import { UsageError } from '../errors.js';
import { version } from '../version.js';
import { commandNames, help, schedulesHelp } from './help.js';

/**
 * Runs the command of a command line.
 *
 * @param environment variables of the process
 * @returns the exit status. `undefined`: the service runs
 * @throws {UsageError} if the command line or a setting is wrong
 * @throws {StartError} if the command can't run as asked
 */
export async function dispatch(args: readonly string[], environment: NodeJS.Dict<string>): Promise<number | undefined> {
  const commandLine = parseCommandLine(args);
  const { flags, words } = commandLine;
  const [command = 'serve', ...rest] = words;
  if (flags.has('help')) return print(helpOn(words));
  if (flags.has('version')) return print(version);
  if (flags.has('secrets') && command !== 'key') throw new UsageError('--secrets: only key commands take this flag');
  if (!['key', 'snapshot', 'help'].includes(command)) expectNoWords(command, rest);
  return run(command, rest, commandLine, environment);
}

/** Loads only the module of the command: systemd waits for `key copy` before each start of the service. */
async function run(command: string, words: readonly string[], commandLine: CommandLine, environment: NodeJS.Dict<string>) {
  switch (command) {
    case 'serve': {
      const config = readConfig(commandLine, environment);
      const { serve } = await import('../service/run.js');
      await serve(config, environment);
      return undefined;
    }
    case 'snapshot': {
      const config = readConfig(commandLine, environment);
      const { snapshot } = await import('./snapshot.js');
      return snapshot(config, words);
    }
    case 'doctor': {
      const config = readConfig(commandLine, environment);
      const { doctor } = await import('./doctor/doctor.js');
      return doctor(config, environment);
    }
    case 'key': {
      const config = readConfig(commandLine, environment);
      const { key } = await import('./key.js');
      key(config, words, commandLine.flags.has('secrets'));
      return 0;
    }
    case 'help':
      return print(helpOn(words));
    case 'version':
      return print(version);
    default:
      throw new UsageError(unknownCommand(command));
  }
}

/** Returns the help on a topic: `schedules`, or all options for a command. */
export function helpOn(words: readonly string[]): string {
  const topic = words.at(-1) ?? 'help';
  if (topic !== 'schedules' && !commandNames.includes(words[0] ?? topic))
    throw new UsageError(`help: unknown topic ${JSON.stringify(topic)}: expected schedules`);
  return (topic === 'schedules' ? schedulesHelp() : help()).trimEnd();
}

function print(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}

function expectNoWords(command: string, words: readonly string[]): void {
  if (words.length === 0) return;
  if (!commandNames.includes(command)) throw new UsageError(unknownCommand(command));
  throw new UsageError(`${command}: unexpected argument ${JSON.stringify(words[0])}: expected none`);
}

function unknownCommand(command: string): string {
  const close = nearest(command, commandNames);
  return `unknown command ${JSON.stringify(command)}: ${close ? `did you mean ${close}? ` : ''}expected ${commandNames.join(', ')}`;
}
