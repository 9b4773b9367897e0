/** The version of this program, as package.json has it. */
import { readFileSync } from 'node:fs';
import { programFile } from './program-files.js';

const manifest = JSON.parse(readFileSync(programFile('package.json'), 'utf8')) as { version: string };

export const version = manifest.version;
