/** What this program is, from the one place that says so: package.json. */
import { readFileSync } from 'node:fs';
import { programFile } from './program-files.js';

const { version: found } = JSON.parse(readFileSync(programFile('package.json'), 'utf8')) as { version: string };

export const version = found;
