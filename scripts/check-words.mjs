// Fails on the words and names that docs/style.md lists as "Don't use", in every tracked text file that people of this project write.
// Usage: npm run check:words [-- FILE…]
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Words that someone else wrote, or that must be quoted. */
const EXEMPT = /^(LICENSE|package-lock\.json|vendor\/|test\/(fixtures|machines|tls)\/|docs\/style\.md$|scripts\/check-words\.mjs$)/;

/** A gap between two words: spaces, or a line break followed by the comment's mark or the Markdown quote. */
const GAP = String.raw`(?:[ \t]+|[ \t]*\n[ \t]*(?:\*|\/\/|#|>)?[ \t]*)`;

/** Verbs whose "by itself" means "automatically". "A collector that is tested by itself" is alone, and fine. */
const ACTS = String.raw`(?:start|restart|begin|stop|end|clos|enabl|happen|recover|reconnect|retr|updat|refresh|renew|run|send|chang|goes|go|load|set|turn)\w*`;

/** @type {[RegExp, string][]} Each rule with what to write instead. */
const RULES = [
  [/\banew\b/gi, 'again'],
  [/\bfor ever\b/gi, 'indefinitely'],
  [/\bheed(?:s|ed|ing)?\b/gi, 'respect'],
  [/\b(?:told|tell|tells|telling) of\b/gi, 'reported'],
  [/\bas (?:many|much|long) as may be\b/gi, 'the limit'],
  [/\bso (?:many|long)\b/gi, 'the number'],
  [/\bof (?:ours|mine|yours|theirs)\b/gi, 'our'],
  [/\bbeside\b/gi, 'besides, next to'],
  [new RegExp(String.raw`\b${ACTS}(?: \w+)? by (?:itself|themselves)\b`, 'gi'), 'automatically'],
  [/\blately\b/gi, 'recently'],
  [/\bdear\b/gi, 'expensive'],
  [/\b(?:take|takes|taken|taking|took) down\b/gi, 'record'],
  [/\b(?:is|are|was|were) there\b(?! (?:a|an|any|anything|no|some|room|enough|more)\b)/gi, 'exists, is up'],
  [/\bwhat is known of\b/gi, 'name the fact'],
  [/\b(?:MOST|LEAST|LONGEST|SHORTEST|LARGEST|SMALLEST)_[A-Z0-9_]+\b/g, 'MAX_ or MIN_'],
];

const rules = RULES.map(
  ([pattern, instead]) => /** @type {const} */ ([new RegExp(pattern.source.replaceAll(' ', GAP), pattern.flags), instead]),
);

/** @param {string} file */
function findings(file) {
  const bytes = readFileSync(file);
  if (bytes.includes(0)) return [];
  const text = bytes.toString('utf8');
  return rules.flatMap(([pattern, instead]) =>
    [...text.matchAll(pattern)].map((match) => {
      const line = text.slice(0, match.index).split('\n').length;
      return `${file}:${line}: "${match[0].replace(/\s+/g, ' ')}": write "${instead}"`;
    }),
  );
}

const arguments_ = process.argv.slice(2);
const files = arguments_.length > 0 ? arguments_ : execFileSync('git', ['ls-files', '-z'], { encoding: 'utf8' }).split('\0');
const found = files
  .filter((file) => file !== '' && !EXEMPT.test(file))
  .flatMap((file) => {
    try {
      return findings(file);
    } catch (error) {
      // Deleted in the working tree, or a link to a folder.
      if (['ENOENT', 'EISDIR'].includes(error.code)) return [];
      throw error;
    }
  });
if (found.length > 0) {
  process.stderr.write(`${found.join('\n')}\ncheck:words: ${found.length} to rewrite; docs/style.md says why\n`);
  process.exitCode = 1;
}
