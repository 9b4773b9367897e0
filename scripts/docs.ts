/** `npm run docs`: writes the parts of docs/ that come from the program. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generatedPages, REPOSITORY } from './reference/pages.js';

for (const [file, text] of generatedPages()) writeFileSync(join(REPOSITORY, file), text);
