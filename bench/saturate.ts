/**
 * `node saturate.js` sends requests with autocannon as fast as a server responds. It reads lines of JSON, see {@link Saturation}, and
 * prints a line of JSON for each, see {@link Saturated}. One process serves all rounds, so V8 has compiled it after the first.
 */
import { createInterface } from 'node:readline';
import autocannon from 'autocannon';

export interface Saturation {
  readonly url: string;
  readonly key: string;
  readonly connections: number;
  readonly seconds: number;
}

export interface Saturated {
  readonly requests: number;
  readonly seconds: number;
  /** What went wrong. Empty if every response was 200. */
  readonly problem: string;
}

/** autocannon checks this often whether the time is over. */
const CHECK_MS = 50;

for await (const line of createInterface({ input: process.stdin })) {
  const { url, key, connections, seconds } = JSON.parse(line) as Saturation;
  const result = await autocannon({ url, connections, duration: seconds, sampleInt: CHECK_MS, headers: { access_token: key } });
  const { errors, timeouts, non2xx, duration } = result;
  const problem = errors + timeouts + non2xx > 0 ? `${errors} errors, ${timeouts} time-outs, ${non2xx} not 2xx` : '';
  const saturated: Saturated = { requests: result.requests.total, seconds: duration, problem };
  process.stdout.write(`${JSON.stringify(saturated)}\n`);
}
