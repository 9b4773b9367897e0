#!/usr/bin/env node
import { commandNames, help } from './cli/help.js';
/** The command line: reads the configuration and runs what was asked for. */
import type { KeyFlags } from './cli/key.js';
import { COMMAND_FLAGS, type CommandLine, parseCommandLine, readConfig } from './config/read.js';
import { StartError, UsageError } from './errors.js';
import { version } from './version.js';

async function main(args: readonly string[], environment: NodeJS.Dict<string>): Promise<number | undefined> {
  const commandLine = parseCommandLine(args);
  if (commandLine.flags.has('help')) {
    process.stdout.write(help());
    return 0;
  }
  if (commandLine.flags.has('version')) {
    process.stdout.write(`${version}\n`);
    return 0;
  }
  const [command = 'serve', ...words] = commandLine.words;
  const config = readConfig(commandLine, environment);
  const flags = keyFlags(commandLine, command);
  switch (command) {
    // Each is loaded when it is asked for: with a new key, and before each start, systemd waits for `key copy`.
    case 'serve': {
      expectNoWords(command, words);
      const { serve } = await import('./service/run.js');
      await serve(config, environment);
      return undefined; // goes on
    }
    case 'snapshot': {
      const { snapshot } = await import('./cli/snapshot.js');
      return snapshot(config, words);
    }
    case 'key': {
      const { key } = await import('./cli/key.js');
      key(config, words, flags);
      return 0;
    }
    case 'doctor': {
      expectNoWords(command, words);
      const { doctor } = await import('./cli/doctor/doctor.js');
      return doctor(config, environment);
    }
    case 'install':
    case 'uninstall': {
      expectNoWords(command, words);
      const { here, ...service } = await import('./cli/install.js');
      service[command](here());
      return 0;
    }
    default:
      throw new UsageError(`unknown command ${JSON.stringify(command)}: expected ${commandNames.join(', ')}`);
  }
}

/** @throws UsageError one of them is given to another command */
function keyFlags({ flags }: CommandLine, command: string): KeyFlags {
  const misplaced = COMMAND_FLAGS.find(({ flag }) => command !== 'key' && flags.has(flag));
  if (misplaced) throw new UsageError(`--${misplaced.flag}: is for apsnap key only`);
  return { secrets: flags.has('secrets'), grace: flags.get('grace')?.at(-1) };
}

function expectNoWords(command: string, words: readonly string[]): void {
  if (words.length > 0) throw new UsageError(`${command}: ${JSON.stringify(words[0])} is one word too many`);
}

// A reader of our output that goes away (a pipe that closes) is no reason to end.
process.stdout.on('error', () => {});

try {
  const status = await main(process.argv.slice(2), process.env);
  // Not by itself: a thread that is stuck would keep it. When all is written.
  if (status !== undefined) process.stdout.write('', () => process.exit(status));
} catch (error) {
  const expected = error instanceof UsageError || error instanceof StartError;
  process.stderr.write(`apsnap: ${expected ? error.message.replaceAll('\n', ' ') : (error as Error).stack}\n`);
  process.exit(error instanceof UsageError ? 2 : 1);
}
