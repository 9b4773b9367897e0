/** Proves that a regular expression takes linear time. */
import type { RegularExpression } from './find.js';

// recheck's own JavaScript: the programs that come with it differ from machine to machine.
process.env.RECHECK_BACKEND = 'pure';
process.env.RECHECK_SYNC_BACKEND = 'pure';
const { checkSync } = await import('recheck');

/** Repetitions with a smaller maximum are proved as they are. */
const MIN_COUNTED = 6;
/** Wall clock, on a machine that does other things too. */
const MAX_PROOF_MS = 120_000;

/**
 * Returns what is wrong with an expression; undefined if it is proved to be linear.
 *
 * Repetitions with a large maximum (`{32}`, `{1,64}`) are proved as if they were endless. An automaton has a state for each count, which
 * makes the proof long, and an expression that backtracks linearly over an endless list does so over a short one.
 */
export function problemOf({ pattern, flags }: Pick<RegularExpression, 'pattern' | 'flags'>): string | undefined {
  const endless = pattern.replace(/\\.|\[(?:\\.|[^\]\\])*\]|\{(\d+)(?:,(\d+))?\}/g, (whole, min?: string, max = min) => {
    if (min === undefined || Number(max) < MIN_COUNTED) return whole;
    return min === '0' ? '*' : '+';
  });
  const verdict = checkSync(endless, flags, { checker: 'automaton', timeout: MAX_PROOF_MS });
  if (verdict.status === 'safe') return undefined;
  if (verdict.status === 'unknown') return `cannot be proved: ${verdict.error.kind}`;
  return `${verdict.complexity.summary}: ${JSON.stringify(verdict.attack.pattern).slice(0, 200)}`;
}
