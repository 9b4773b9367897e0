/** Load on a server, each from a process of its own. */
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Result } from 'autocannon';
import type { Paced } from './pace.js';
import { built, KEY, startNode } from './server.js';

const CONNECTIONS = 50;

/**
 * As many requests as go, by autocannon.
 *
 * @returns how many were answered
 * @throws Error some were answered otherwise than with 200
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

/** Requests at an even rate, and how long they took. */
export async function pace(url: string, options: PaceOptions): Promise<Paced> {
  const { perSecond, warmUpSeconds, seconds } = options;
  return JSON.parse(
    await outputOf(startNode([built('pace.js'), url, ...[perSecond, warmUpSeconds, seconds].map(String)], 'load', { KEY })),
  );
}

export interface PaceOptions {
  readonly perSecond: number;
  /** Its requests are not counted. */
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

/** What a process writes until it ends. @throws Error it ends otherwise than with 0 */
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
