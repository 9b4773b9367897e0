#!/usr/bin/env node
/** The command line: reads the configuration and runs what was asked for. */
import { doctor } from './cli/doctor.js';
import { key } from './cli/key.js';
import { serve } from './cli/serve.js';
import { snapshot } from './cli/snapshot.js';
import { optionsHelp, parseCommandLine, readConfig } from './config.js';
import { StartError, UsageError } from './errors.js';
import { KEY_VARIABLE } from './key.js';
import { version } from './package.js';

const help = () => `apsnap ${version}: a REST API for Linux access points, served from memory

usage: apsnap [COMMAND] [OPTIONS]

  serve                    run the service (what it does without a command)
  snapshot [DOCUMENT...]   sample once, print JSON, exit
  key show                 print the key in the env file
  key generate             put a new key there
  key set KEY              put this key there; - reads it from standard input
  doctor                   for each collector: what it reads, whether it can, what to do if it cannot

options, and the variables that do the same, in the environment or in the env file:

${optionsHelp()}

  --help
  --version

The key is ${KEY_VARIABLE}, in the environment or in the env file; without one the service generates it.
`;

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
  const fromEnvironment = environment[KEY_VARIABLE] || undefined;
  switch (command) {
    case 'serve':
      expectNoWords(command, words);
      await serve(config, fromEnvironment);
      return undefined; // goes on
    case 'snapshot':
      return snapshot(config, words);
    case 'key':
      key(config, words);
      return 0;
    case 'doctor':
      expectNoWords(command, words);
      return doctor(config, fromEnvironment);
    default:
      throw new UsageError(`unknown command ${JSON.stringify(command)}: expected serve, snapshot, key or doctor`);
  }
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
