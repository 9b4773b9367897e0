#!/usr/bin/env node
/** The command line: reads the configuration and runs what was asked for. */
import { doctor } from './cli/doctor.js';
import { type KeyFlags, key } from './cli/key.js';
import { serve } from './cli/serve.js';
import { snapshot } from './cli/snapshot.js';
import { COMMAND_FLAGS, type CommandLine, optionsHelp, parseCommandLine, readConfig } from './config.js';
import { StartError, UsageError } from './errors.js';
import { KEY_VARIABLE, SECRETS_KEY_VARIABLE } from './key.js';
import { version } from './package.js';

const help = () => `apsnap ${version}: a REST API for Linux access points, served from memory

usage: apsnap [COMMAND] [OPTIONS]

  serve                    run the service (what it does without a command)
  snapshot [DOCUMENT...]   sample once, print JSON, exit
  key show                 print the key in the env file
  key generate             put a new key there; the one before stops
  key set KEY              put this key there; - reads it from standard input
  key rotate               put a new key there and print it; --grace 1h: the one before counts for so long
  key hash [KEY]           print the digest of the key there, or of KEY, - from standard input: it may stand in the key's place
                           with --secrets all of these mean the other key, that sees secrets: ${SECRETS_KEY_VARIABLE}
  doctor                   for each collector: what it reads, whether it can, what to do if it cannot

options, and the variables that do the same, in the environment or in the env file:

${optionsHelp()}

  --help
  --version

The key is ${KEY_VARIABLE}, in the environment or in the env file; without one the service generates it.
${SECRETS_KEY_VARIABLE}, if there is one, is another that sees secrets too. Either may be given as sha256: and 64 hexadecimal digits.
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
  const flags = keyFlags(commandLine, command);
  switch (command) {
    case 'serve':
      expectNoWords(command, words);
      await serve(config, environment);
      return undefined; // goes on
    case 'snapshot':
      return snapshot(config, words);
    case 'key':
      key(config, words, flags);
      return 0;
    case 'doctor':
      expectNoWords(command, words);
      return doctor(config, environment);
    default:
      throw new UsageError(`unknown command ${JSON.stringify(command)}: expected serve, snapshot, key or doctor`);
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
