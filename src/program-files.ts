/**
 * Finds the files of this program. The compiled service and its bundle (scripts/bundle.ts) are at the same depth below the program's
 * folder, so the same paths work for both.
 *
 *     package.json  dist/{src,workers,web}/*.js  dist/openapi.json  web/
 */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const root = new URL('../../', import.meta.url);
const require = createRequire(import.meta.url);

/** Returns the path of a file or folder, given relative to the program's folder. */
export function programFile(name: string): string {
  return fileURLToPath(new URL(name, root));
}

/** Returns the path of a package's file for browsers: `uplot/dist/uPlot.min.css`. */
export function packageFile(name: string): string {
  return require.resolve(name);
}
