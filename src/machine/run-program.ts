/** Runs a program to its end. */
import { isAscii } from 'node:buffer';
import type { Readable } from 'node:stream';
import { quote, SourceError } from '../errors.js';
import { killGroup } from './processes.js';
import type { Starter } from './start-program.js';

/** Time limit of a program. It is long for `iw`, and shorter than the 2 s within which the service must stop. */
const PROGRAM_TIMEOUT_MS = 1_200;
/** Time limit of a program to end after it was killed. One that takes longer is stuck in the kernel. */
const KILL_TIMEOUT_MS = 200;
/** Maximum output of a program. One that prints more is killed. */
const MAX_OUTPUT_BYTES = 16 << 20;

/**
 * Runs a program. See `Programs.run`.
 *
 * @param stuck command lines of killed programs that haven't ended
 */
export function runProgram({ start, startError }: Starter, command: readonly string[], stuck: Set<string>): Promise<string> {
  const shown = command.join(' ');
  return new Promise((resolve, reject) => {
    if (stuck.has(shown)) throw timedOut(shown);
    const child = start(command, 'pipe');
    let failure: SourceError | undefined;
    let timer = setTimeout(() => kill(timedOut(shown)), PROGRAM_TIMEOUT_MS);

    function kill(reason: SourceError): void {
      if (failure) return;
      failure = reason;
      killGroup(child.pid);
      // A process that has left the group may keep them open.
      child.stdout?.destroy();
      child.stderr?.destroy();
      clearTimeout(timer);
      timer = setTimeout(() => {
        stuck.add(shown);
        reject(failure);
      }, KILL_TIMEOUT_MS);
    }

    const onFlood = () => kill(new SourceError('too-large', `${shown}: printed more than ${MAX_OUTPUT_BYTES} bytes`));
    const output = collect(child.stdout, onFlood);
    const errorOutput = collect(child.stderr, onFlood);
    child.once('error', (error: NodeJS.ErrnoException) => {
      failure = startError(command, error);
    });
    child.once('close', (status, signal) => {
      clearTimeout(timer);
      stuck.delete(shown);
      if (failure) reject(failure);
      else if (status === 0) resolve(output());
      else {
        const end = signal ? `was ended by ${signal}` : `ended with status ${status}`;
        // vcgencmd reports on standard output that it may not open its device.
        const [said = ''] = (errorOutput().trim() || output().trim()).split('\n');
        reject(new SourceError('program-failed', `${shown}: ${end}: ${quote(said)}`));
      }
    });
  });
}

function timedOut(shown: string): SourceError {
  return new SourceError('timeout', `${shown}: did not end within ${PROGRAM_TIMEOUT_MS} ms`);
}

/**
 * Collects what a program prints.
 *
 * @param stream null if no file descriptor was left for it
 * @param onFlood called if it prints more than {@link MAX_OUTPUT_BYTES}
 * @returns a function that returns the text
 */
function collect(stream: Readable | null, onFlood: () => void): () => string {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream?.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > MAX_OUTPUT_BYTES) onFlood();
  });
  return () => {
    const whole = Buffer.concat(chunks, bytes);
    // The same for ASCII, and seven times as fast: `iw` prints 2 MB of it for 2,000 stations.
    return whole.toString(isAscii(whole) ? 'latin1' : 'utf8');
  };
}
