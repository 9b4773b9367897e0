/** Splits a command line into its words and flags. */
import { parseArgs } from 'node:util';
import { UsageError } from '../errors.js';
import { nearest } from './nearest.js';
import { options, scheduleOptions } from './options.js';

export interface CommandLine {
  /** Words that aren't flags: the command and its arguments. */
  readonly words: readonly string[];
  /** Values of flags, by name. */
  readonly flags: ReadonlyMap<string, readonly string[]>;
}

/** A flag that has no variable. */
interface Flag {
  readonly flag: string;
  readonly value?: string;
  readonly short?: string;
}

/** Flags that the commands read themselves. */
const COMMAND_FLAGS: readonly Flag[] = [{ flag: 'secrets' }, { flag: 'help', short: 'h' }, { flag: 'version', short: 'v' }];

/** Maximum arguments. Further ones are an error: Node's parseArgs takes a second for a hundred times as many. */
const MAX_ARGUMENTS = 1_000;

/**
 * Parses a command line.
 *
 * @throws {UsageError} if a flag is unknown or lacks its value, or there are too many arguments
 */
export function parseCommandLine(args: readonly string[]): CommandLine {
  if (args.length > MAX_ARGUMENTS) throw new UsageError(`${args.length} arguments: expected ${MAX_ARGUMENTS} at most`);
  const known: readonly Flag[] = [...options, ...scheduleOptions, ...COMMAND_FLAGS];
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(
      known.map(({ flag, value, short }) => [flag, { type: value ? 'string' : 'boolean', ...(short && { short }) } as const]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const words: string[] = [];
  const flags = new Map<string, string[]>();
  for (const token of tokens) {
    if (token.kind === 'positional') words.push(token.value);
    if (token.kind !== 'option') continue;
    const option = known.find(({ flag, short }) => flag === token.name && (token.rawName === `--${flag}` || token.rawName === `-${short}`));
    if (!option) throw new UsageError(unknownFlag(token.rawName, known));
    // `--dotenv --port 80` lacks the file's name. A value that starts like a flag can be given as --dotenv=--port.
    const isMissing = token.value === undefined || (!token.inlineValue && token.value.startsWith('--'));
    if (option.value && isMissing) throw new UsageError(`${token.rawName}: its value is missing: expected ${option.value}`);
    if (!option.value && token.value !== undefined) throw new UsageError(`${token.rawName}: takes no value`);
    flags.set(option.flag, [...(flags.get(option.flag) ?? []), token.value ?? '1']);
  }
  return { words, flags };
}

function unknownFlag(rawName: string, known: readonly Flag[]): string {
  const close = nearest(
    rawName,
    known.map(({ flag }) => `--${flag}`),
  );
  return `unknown flag ${rawName}: ${close ? `did you mean ${close}? apsnap --help lists all flags` : 'expected one of those in apsnap --help'}`;
}
