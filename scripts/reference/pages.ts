/** Fills the parts of docs/ that come from the program. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { apiReference, type Specification } from './api.js';
import { optionTables } from './options.js';

export const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url));

/** Returns every page that has generated parts, by its path in the repository. */
export function generatedPages(): Map<string, string> {
  const specification = JSON.parse(readFileSync(join(REPOSITORY, 'dist/openapi.json'), 'utf8')) as Specification;
  return new Map([
    ['docs/api.md', fill('docs/api.md', { reference: apiReference(specification) })],
    ['docs/configuration.md', fill('docs/configuration.md', { options: optionTables() })],
  ]);
}

/** Replaces what stands between the marks `<!-- NAME -->` and `<!-- end of NAME -->` of a page. */
function fill(file: string, parts: Readonly<Record<string, string>>): string {
  return Object.entries(parts).reduce(
    (text, [name, part]) => {
      const [start, end] = [`<!-- ${name}, written by npm run docs -->`, `<!-- end of ${name} -->`];
      const [before, after] = [text.indexOf(start), text.indexOf(end)];
      if (before < 0 || after < before) throw new Error(`${file}: expected the marks ${start} and ${end}`);
      return `${text.slice(0, before + start.length)}\n\n${part}\n\n${text.slice(after)}`;
    },
    readFileSync(join(REPOSITORY, file), 'utf8'),
  );
}
