/** Load on a server, from separate processes. */
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Paced } from './pace.js';
import type { Saturated, Saturation } from './saturate.js';
import { built, KEY, startOwn } from './server.js';

const CONNECTIONS = 50;

export interface Load {
  /**
   * Sends requests as fast as the server responds.
   *
   * @throws {Error} if a response was not 200
   */
  saturate(url: string, seconds: number, connections?: number): Promise<Saturated>;
}

/** Starts the load. It uses no CPU time between measurements. */
export function startLoad(): Load {
  const child = startOwn([built('saturate.js')], 'load');
  child.stderr?.pipe(process.stderr);
  if (!child.stdout || !child.stdin) throw new Error('saturate.js has no standard streams');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async saturate(url, seconds, connections = CONNECTIONS) {
      const wanted: Saturation = { url, key: KEY, connections, seconds };
      child.stdin?.write(`${JSON.stringify(wanted)}\n`);
      const { value } = await lines.next();
      if (value === undefined) throw new Error(`saturate.js ended before ${url} was measured`);
      const saturated = JSON.parse(value) as Saturated;
      if (saturated.problem !== '') throw new Error(`${url}: ${saturated.problem}`);
      return saturated;
    },
  };
}

/** Sends requests at an even rate and measures their latency. */
export async function pace(url: string, options: PaceOptions): Promise<Paced> {
  const { perSecond, warmUpSeconds, seconds } = options;
  return JSON.parse(await outputOf(startOwn([built('pace.js'), url, ...[perSecond, warmUpSeconds, seconds].map(String)], 'load', { KEY })));
}

export interface PaceOptions {
  readonly perSecond: number;
  /** Seconds whose requests do not count. */
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

/**
 * Returns the standard output of a process.
 *
 * @throws {Error} if it ends with a status other than 0
 */
export async function outputOf(child: ChildProcess): Promise<string> {
  let output = '';
  let errors = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
  });
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    errors += chunk;
  });
  const status = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  if (status !== 0) throw new Error(`${child.spawnargs.join(' ')}: ended with ${status}: ${errors}`);
  return output;
}
