#!/usr/bin/env node
/** The command line: reads the configuration and runs a command. */
import { commandNames, help, schedulesHelp } from './cli/help.js';
import { type CommandLine, parseCommandLine } from './config/command-line.js';
import { nearest } from './config/nearest.js';
import { readConfig } from './config/read.js';
import { StartError, UsageError } from './errors.js';
import { version } from './version.js';

/** @returns the exit status. `undefined`: the service runs */
async function main(args: readonly string[], environment: NodeJS.Dict<string>): Promise<number | undefined> {
  const commandLine = parseCommandLine(args);
  const { flags, words } = commandLine;
  const [command = 'serve', ...rest] = words;
  if (flags.has('help')) return printHelp(words);
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
      const { serve } = await import('./service/run.js');
      await serve(config, environment);
      return undefined;
    }
    case 'snapshot': {
      const config = readConfig(commandLine, environment);
      const { snapshot } = await import('./cli/snapshot.js');
      return snapshot(config, words);
    }
    case 'doctor': {
      const config = readConfig(commandLine, environment);
      const { doctor } = await import('./cli/doctor/doctor.js');
      return doctor(config, environment);
    }
    case 'key': {
      const config = readConfig(commandLine, environment);
      const { key } = await import('./cli/key.js');
      key(config, words, commandLine.flags.has('secrets'));
      return 0;
    }
    case 'help':
      return printHelp(words);
    case 'version':
      return print(version);
    default:
      throw new UsageError(unknownCommand(command));
  }
}

/** Prints the help on a topic: `schedules`, or all options for a command. */
function printHelp(words: readonly string[]): number {
  const topic = words.at(-1) ?? 'help';
  if (topic !== 'schedules' && !commandNames.includes(words[0] ?? topic))
    throw new UsageError(`help: unknown topic ${JSON.stringify(topic)}: expected schedules`);
  return print((topic === 'schedules' ? schedulesHelp() : help()).trimEnd());
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

// A reader that closes our output, such as head, doesn't end the service.
process.stdout.on('error', () => {});

try {
  const status = await main(process.argv.slice(2), process.env);
  // Exit explicitly, after the output is written: a stuck worker thread would keep the process alive.
  if (status !== undefined) process.stdout.write('', () => process.exit(status));
} catch (error) {
  const isExpected = error instanceof UsageError || error instanceof StartError;
  process.stderr.write(`apsnap: ${isExpected ? error.message.replaceAll('\n', ' ') : (error as Error).stack}\n`);
  process.exit(error instanceof UsageError ? 2 : 1);
}
