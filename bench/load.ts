/** Load on a server, from separate processes. */
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Result } from 'autocannon';
import type { Paced } from './pace.js';
import { built, KEY, startNode } from './server.js';

const CONNECTIONS = 50;

/**
 * Sends requests with autocannon as fast as the server responds.
 *
 * @returns the number of responses
 * @throws {Error} if a response was not 200
 */
export async function saturate(url: string, seconds: number): Promise<number> {
  const autocannon = fileURLToPath(import.meta.resolve('autocannon'));
  const args = ['--json', '--connections', `${CONNECTIONS}`, '--duration', `${seconds}`, '--headers', `access_token=${KEY}`];
  const result = JSON.parse(await outputOf(startNode([autocannon, ...args, url], 'load'))) as Result;
  if (result.errors + result.timeouts + result.non2xx > 0) {
    throw new Error(`autocannon ${url}: ${result.errors} errors, ${result.timeouts} time-outs, ${result.non2xx} not 2xx`);
  }
  return result.requests.total;
}

/** Sends requests at an even rate and measures their latency. */
export async function pace(url: string, options: PaceOptions): Promise<Paced> {
  const { perSecond, warmUpSeconds, seconds } = options;
  return JSON.parse(
    await outputOf(startNode([built('pace.js'), url, ...[perSecond, warmUpSeconds, seconds].map(String)], 'load', { KEY })),
  );
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
